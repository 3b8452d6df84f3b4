"""Exceptions that are set in the library's threads, again and again, while calls run."""
