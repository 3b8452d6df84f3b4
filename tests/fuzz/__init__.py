"""Generated programs, run through both libraries.

``make fuzz`` runs 20,000; ``tests/test_fuzz.py`` a few hundred.
"""
