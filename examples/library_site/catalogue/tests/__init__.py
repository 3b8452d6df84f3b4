"""The site's own tests: ``manage.py test``, with any of the three bridges."""
