"""The site for WSGI servers, such as gunicorn with its own workers."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "library_site.settings")
application = get_wsgi_application()
