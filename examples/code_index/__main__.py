"""``python -m examples.code_index``."""

from __future__ import annotations

import sys

from examples.code_index.cli import main

if __name__ == "__main__":
    sys.exit(main())
