"""Widens races: threads pause between two statements of the library."""
