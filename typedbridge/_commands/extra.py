"""The commands that need ``typedbridge[cli]``, and the line that says so where it is missing."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES = frozenset({"click", "libcst", "packaging", "rich"})
"""What the extra installs, as it is imported."""

MISSING = """\
typedbridge: the package {package!r} is missing; install the command line: pip install 'typedbridge[cli]'
(python -m typedbridge run PROGRAM works without it)
"""


def main(arguments: Sequence[str]) -> int:
    """Carry out a command of the extra.

    :returns: the exit status.
    """
    try:
        from typedbridge._commands import group  # noqa: PLC0415  # it may not be possible
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in PACKAGES:
            raise
        sys.stderr.write(MISSING.format(package=package))
        return 2
    return group.main(arguments)
