"""Very many calls in every style: nothing is lost or run twice, and nothing grows.

``make soak`` makes a million; ``tests/test_soak.py`` a few thousand.
"""
