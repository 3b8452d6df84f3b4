"""The cases import nothing of ours, but these tests do, also where nothing is installed."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

# The cases are input for the checkers.
collect_ignore = ["cases"]
