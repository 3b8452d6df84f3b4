"""The project. Importing it settles which bridge the process uses, before Django is imported."""

from __future__ import annotations

from library_site import bridge

bridge.settle()
