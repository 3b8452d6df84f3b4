"""The command line: ``python -m typedbridge``."""

from __future__ import annotations

import sys

# Not typing's: `run` starts other people's programs, and imports for them what it needs alone.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command and say how it went.

    ``run`` needs the library alone; the other commands need the extra ``typedbridge[cli]``, and say so
    in one line if it is missing. Runs in the calling thread, and prints to the standard streams.

    :param arguments: the command and its arguments; by default the process's own.
    :returns: the exit status: 0; 1 when the command found something; 2 when it could not be done;
        130 after Ctrl-C. ``run`` ends as the program ends.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["run"]:
        # Each imports what the other has no use for, or does not have.
        from typedbridge._commands import run  # noqa: PLC0415

        return run.main(given[1:])
    from typedbridge._commands import extra  # noqa: PLC0415

    return extra.main(given)


if __name__ == "__main__":
    sys.exit(main())
