"""What each type checker must say about typedbridge; see README.md in this folder."""

from __future__ import annotations
