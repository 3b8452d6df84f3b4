"""``run``: a program as ``python`` runs it, with typedbridge in asgiref's place.

Nothing of the extra is imported here: this is how a service is started.
"""

from __future__ import annotations

import builtins
import os
import runpy
import sys
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from pkgutil import get_importer
from types import ModuleType

from typedbridge.asgiref import TooLateError, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

USAGE = """\
Usage: python -m typedbridge run PROGRAM [ARGUMENTS]...
       python -m typedbridge run -m MODULE [ARGUMENTS]...

Run a Python program with typedbridge in asgiref's place, in its process and in the Python processes
that it starts. PROGRAM is a file, or a folder or a zip file with a __main__.py. What follows it is the
program's own; it finds what it would find under python itself.
"""

SWITCH = "TYPEDBRIDGE_ASGIREF"
"""The environment variable that tells the processes below this one to do as it does."""

CHILDREN = os.path.join(os.path.dirname(__file__), "children")  # noqa: PTH118, PTH120  # pathlib would be loaded for every program
"""The folder that those processes have on their path: see `sitecustomize` in it."""


def main(arguments: Sequence[str]) -> int:
    """Run a program. Its exceptions pass through, `SystemExit` among them.

    :param arguments: what stands behind ``run``.
    :returns: the exit status: 0, or 2 where there is nothing to run.
    """
    match [*arguments]:
        case ["-h" | "--help", *_]:
            sys.stdout.write(USAGE)
            return 0
        case ["-m", module, *rest]:
            return _start(lambda: _run_module(module), ["-m", *rest], None)
        case ["--", path, *rest]:
            return _run_path(path, rest)
        case [path, *rest] if not path.startswith("-"):
            return _run_path(path, rest)
        case _:
            sys.stderr.write(USAGE)
            return 2


def _run_path(path: str, rest: list[str]) -> int:
    # Absolute, as for every script since Python 3.9, and with the dots that the user wrote.
    full = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118  # as for CHILDREN
    if get_importer(full) is not None:  # a folder or a zip file
        return _start(lambda: _run_module("__main__", alter_argv=False), [path, *rest], full)
    try:
        with open(full, "rb"):  # noqa: PTH123  # as for CHILDREN
            pass
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        sys.stderr.write(f"{sys.executable}: can't open file {full!r}: {reason}\n")
        return 2
    folder = os.path.dirname(os.path.realpath(full))  # noqa: PTH120  # as for CHILDREN
    return _start(lambda: _run_script(full), [path, *rest], None if _is_safe() else folder)


def _start(program: Callable[[], None], argv: list[str], folder: str | None) -> int:
    """Set up what the program finds, put typedbridge in asgiref's place, and run it.

    :param folder: what the program is to have first on its path, if not what ``-m`` has put there.
    """
    if folder is not None:
        # `python -m` has put the working directory first, unless it was told not to.
        sys.path[: 0 if _is_safe() else 1] = [folder]
    sys.argv[:] = argv
    try:
        install()
    except TooLateError as error:
        sys.stderr.write(f"typedbridge: {error}\n")
        return 1
    os.environ[SWITCH] = "1"
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = CHILDREN if not before else CHILDREN + os.pathsep + before
    # The program's, and no longer the one that holds this library's command line.
    main = sys.modules["__main__"] = ModuleType("__main__")
    names: dict[str, object] = main.__dict__
    names["__builtins__"] = builtins
    if sys.version_info < (3, 14):
        names["__annotations__"] = {}
    _run(program)
    return 0


def _is_safe() -> bool:
    """Tell whether python was asked not to put an unsafe folder on the path: ``-P``, ``-I``."""
    return sys.flags.safe_path


def _run(program: Callable[[], None]) -> None:
    try:
        program()
    except SystemExit:
        raise
    except BaseException:
        sys.excepthook = _Hook(sys.excepthook)
        raise


class _Hook:
    """Shows an exception that ends the program without the frames that started it."""

    def __init__(
        self, hook: Callable[[type[BaseException], BaseException, TracebackType | None], object]
    ) -> None:
        self.hook = hook

    def __call__(
        self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        behind = traceback
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == __file__:
                behind = traceback.tb_next
            traceback = traceback.tb_next
        # Both: the interpreter prints the exception's own, debuggers take sys.last_traceback.
        sys.last_traceback = behind
        self.hook(kind, error.with_traceback(behind), behind)


def _run_module(name: str, *, alter_argv: bool = True) -> None:
    # Private, but it is what `python -m` itself calls: messages, argv and attributes are python's own.
    as_main: Callable[[str, bool], object] = vars(runpy)["_run_module_as_main"]
    as_main(name, alter_argv)


def _run_script(path: str) -> None:
    loader = (SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader)("__main__", path)
    main = sys.modules["__main__"]
    main.__dict__.update(__cached__=None, __file__=path, __loader__=loader)
    # A source is not asked for its code: it would leave a compiled file beside the script.
    compiled = loader.get_code("__main__") if isinstance(loader, SourcelessFileLoader) else None
    code = compiled or compile(loader.get_data(path), path, "exec", dont_inherit=True)
    exec(code, main.__dict__)  # noqa: S102  # to run the program is what was asked
