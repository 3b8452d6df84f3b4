"""Django's command line for the library."""

from __future__ import annotations

import os
import sys

from library_site import bridge


def main() -> None:
    """Run the command that the arguments name."""
    bridge.settle()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "library_site.settings")
    # Not at the top: which bridge Django gets is settled before it is imported.
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
