"""``python -m typedbridge run``: what python itself would show a program, and typedbridge in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHOW: Final = '''
"""What a program can see of how it was started."""
import sys
print(sorted(globals()), sys.argv, sys.path[:2], sys.flags.optimize, sys.warnoptions)
print(__name__, __file__, __package__, __doc__, __cached__, type(__loader__).__name__, __builtins__)
print(__spec__ and __spec__.name, sys.modules["__main__"].__dict__ is globals())
def f():
    1 / 0
match sys.argv[1:]:
    case ["raise"]:
        f()
    case ["exit", status]:
        sys.exit(int(status) if status.isdecimal() else status)
    case ["interrupt"]:
        raise KeyboardInterrupt
    case ["group"]:
        try:
            f()
        except ZeroDivisionError as error:
            raise ExceptionGroup("several", [error, ValueError(1)])
    case ["hook"]:
        import traceback
        sys.excepthook = lambda kind, error, tb: print(
            traceback.format_tb(tb), traceback.format_exception(error), sys.last_traceback is tb
        )
        f()
    case ["atexit"]:
        import atexit
        atexit.register(lambda: print("at exit", __name__))
    case ["thread"]:
        import threading
        threading.Thread(target=lambda: (threading.main_thread().join(), f())).start()
    case ["fork"] if __name__ == "__main__":
        import multiprocessing
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.apply(abs, (-1,)))
'''

STAND_IN: Final = '''
"""In place of the real one, so that these tests do not depend on what it does."""
import sys, types
module = types.ModuleType("typedbridge.asgiref")
class TooLateError(RuntimeError): ...
module.TooLateError = TooLateError
def install():
    import asgiref
    assert "asgiref.sync" not in sys.modules
    asgiref.installed = getattr(asgiref, "installed", 0) + 1
    if "late" in sys.argv:
        raise TooLateError("too late: app holds asgiref's functions")
module.install = install
sys.modules["typedbridge.asgiref"] = module
'''

PROGRAM: Final = """
import asgiref, os, subprocess, sys
print("here", getattr(asgiref, "installed", 0))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Programs of every kind that python runs."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("show.py", "package/__main__.py", "inside/__main__.py"):
        (tmp_path / name).write_text(SHOW)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.writestr("__main__.py", SHOW)
    (tmp_path / "wrong.py").write_text("x = (\n")
    (tmp_path / "latin.py").write_bytes(b"# coding: latin-1\nprint(ascii('\xe9'))\n")
    (tmp_path / "link.py").symlink_to(package / "__main__.py")
    (tmp_path / "stand_in").mkdir()
    (tmp_path / "stand_in" / "sitecustomize.py").write_text(STAND_IN)
    return tmp_path


def python(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run python; give its exit status and what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(folder, variables),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def environment(folder: Path, variables: Mapping[str, str]) -> dict[str, str]:
    # Not the switch: it may be set for the run of these tests.
    kept = {name: value for name, value in os.environ.items() if name != "TYPEDBRIDGE_ASGIREF"}
    return {**kept, "PYTHONPATH": str(folder / "stand_in"), **variables}


PROGRAMS: Final[dict[str, Sequence[str]]] = {
    "a script": ["show.py"],
    "with arguments": ["show.py", "-m", "--help", "--", ""],
    "from a folder below": ["./inside/../show.py"],
    "a link": ["link.py"],
    "a module": ["-m", "show"],
    "a module with arguments": ["-m", "show", "-m", "x"],
    "a package": ["-m", "package"],
    "a folder": ["inside"],
    "a zip file": ["packed.zip"],
    "another encoding": ["latin.py"],
    "an error": ["show.py", "raise"],
    "an error in a module": ["-m", "show", "raise"],
    "an error in a zip file": ["packed.zip", "raise"],
    "an error group": ["show.py", "group"],
    "an error that a hook shows": ["show.py", "hook"],
    "an error in a thread that goes on": ["show.py", "thread"],
    "an exit status": ["show.py", "exit", "3"],
    "an exit message": ["-m", "show", "exit", "bye"],
    "an exit function": ["show.py", "atexit"],
    "Ctrl-C": ["show.py", "interrupt"],
    "Ctrl-C in a module": ["-m", "show", "interrupt"],
    "processes of its own": ["show.py", "fork"],
    "a syntax error": ["wrong.py"],
    "no such file": ["nowhere.py"],
    "no such module": ["-m", "nowhere"],
    "no such module in a package": ["-m", "package.nowhere"],
    "a file for a module": ["-m", "show.py"],
    "a folder without a program": ["stand_in"],
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
def test_a_program_finds_what_it_would_find_under_python(
    folder: Path, program: Sequence[str]
) -> None:
    """Names, argv, path, output, tracebacks and exit status are those of python itself."""
    assert python(folder, *program) == python(folder, "-m", "typedbridge", "run", *program)


@pytest.mark.parametrize("options", [["-P"], ["-O", "-W", "error"], ["-X", "dev"]], ids=" ".join)
@pytest.mark.parametrize("program", [["show.py"], ["-m", "package"], ["inside"]], ids=" ".join)
def test_options_of_python_stay_in_force(
    folder: Path, options: Sequence[str], program: Sequence[str]
) -> None:
    """With -P, for one, neither finds modules in the program's folder."""
    expected = python(folder, *options, *program)
    assert expected == python(folder, *options, "-m", "typedbridge", "run", *program)


def test_a_compiled_file_is_run(folder: Path) -> None:
    """As python runs it; and a source leaves no compiled file beside it."""
    python(folder, "-m", "typedbridge", "run", "show.py")
    assert not (folder / "__pycache__").exists()
    python(folder, "-c", "import py_compile; py_compile.compile('show.py', 'show.pyc')")
    (folder / "show.py").unlink()
    expected = python(folder, "show.pyc", "raise")
    assert expected == python(folder, "-m", "typedbridge", "run", "show.pyc", "raise")


def test_a_name_that_begins_with_a_dash_comes_behind_two(folder: Path) -> None:
    """As with other commands, where python has no way."""
    (folder / "-odd.py").write_text("print('odd')")
    assert (0, "odd\n", "") == python(folder, "-m", "typedbridge", "run", "--", "-odd.py")


def test_it_says_how_it_is_used(folder: Path) -> None:
    """On standard output where it was asked, else on standard error with exit status 2."""
    status, shown, errors = python(folder, "-m", "typedbridge", "run", "--help")
    assert (0, "") == (status, errors)
    assert shown.startswith("Usage: python -m typedbridge run PROGRAM")
    for wrong in ([], ["-m"], ["--nonesuch"], ["-c", "1"]):
        assert (2, "", shown) == python(folder, "-m", "typedbridge", "run", *wrong)


def test_asgiref_is_replaced_before_the_program_begins(folder: Path) -> None:
    """The program's first import of asgiref finds it done, once."""
    (folder / "main.py").write_text(PROGRAM)
    assert (0, "here 0\n", "") == python(folder, "main.py")
    assert (0, "here 1\n", "") == python(folder, "-m", "typedbridge", "run", "main.py")


def test_too_late_is_one_line(folder: Path) -> None:
    """Who holds asgiref's functions already is in it; the program does not run."""
    expected = (1, "", "typedbridge: too late: app holds asgiref's functions\n")
    assert expected == python(folder, "-m", "typedbridge", "run", "show.py", "late")


REAL: Final = """
import asgiref.local, asgiref.sync, subprocess, sys, typedbridge.local, typedbridge.sync
from asgiref.sync import async_to_sync, sync_to_async
print(asgiref.sync is typedbridge.sync, asgiref.local is typedbridge.local, flush=True)
print(async_to_sync(sync_to_async(int))("7"), flush=True)
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "child"], check=True)
"""


def test_the_real_one_is_in_place_in_all_processes(folder: Path) -> None:
    """Without the stand-in of these tests: the program and its child use this library's bridges."""
    (folder / "stand_in" / "sitecustomize.py").write_text("")
    (folder / "main.py").write_text(REAL)
    expected = (0, "True True\n7\n" * 2, "")
    assert expected == python(folder, "-m", "typedbridge", "run", "main.py")


def test_the_real_one_names_who_came_first(folder: Path) -> None:
    """A tool that python loads at start, and that holds a function of asgiref's."""
    (folder / "stand_in" / "sitecustomize.py").write_text("import early")
    (folder / "stand_in" / "early.py").write_text("from asgiref.sync import sync_to_async")
    status, shown, errors = python(folder, "-m", "typedbridge", "run", "show.py")
    assert (1, "") == (status, shown)
    assert errors.startswith("typedbridge: ")
    assert "early" in errors
    assert 1 == len(errors.splitlines())


CHILDREN: Final = {
    "a command": "subprocess.run([sys.executable, 'child.py'], check=True)",
    "a module": "subprocess.run([sys.executable, '-m', 'child'], check=True)",
    "its own program again": "os.execv(sys.executable, [sys.executable, 'child.py'])",
    "a process of multiprocessing": (
        "import multiprocessing, child\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=child.show)\n"
        "    process.start(); process.join()"
    ),
}
CHILD: Final = """
import asgiref, sys
def show():
    print("child", getattr(asgiref, "installed", 0), type(asgiref.__loader__).__name__)
    print([entry for entry in sys.path if "children" in entry], sys.modules["sitecustomize"].__doc__)
if __name__ == "__main__":
    show()
"""


@pytest.mark.parametrize("start", CHILDREN.values(), ids=list(CHILDREN))
def test_processes_below_do_as_this_one(folder: Path, start: str) -> None:
    """Reloaders and workers start python anew; there it is done when asgiref is first imported."""
    (folder / "main.py").write_text(
        f"import os, subprocess, sys\nprint(end='', flush=True)\n{start}\n"
    )
    (folder / "child.py").write_text(CHILD)
    status, shown, errors = python(folder, "-m", "typedbridge", "run", "main.py")
    assert (0, "") == (status, errors)
    first, second = shown.splitlines()
    assert "child 1 SourceFileLoader" == first
    # Their own sitecustomize is imported as ever, and no folder of ours stays on the path.
    assert (
        "[] In place of the real one, so that these tests do not depend on what it does." == second
    )


def test_a_process_below_can_be_left_out(folder: Path) -> None:
    """Without the variable it has asgiref as it is."""
    (folder / "child.py").write_text(CHILD)
    (folder / "main.py").write_text(
        "import os, subprocess, sys\n"
        "del os.environ['TYPEDBRIDGE_ASGIREF']\n"
        "subprocess.run([sys.executable, 'child.py'], check=True)\n"
    )
    _, shown, _ = python(folder, "-m", "typedbridge", "run", "main.py")
    assert "child 0 SourceFileLoader" == shown.splitlines()[0]


def test_a_python_without_typedbridge_below_works_too(folder: Path) -> None:
    """A tool in an environment of its own inherits the variables and must not notice."""
    (folder / "asgiref").mkdir()
    (folder / "asgiref" / "__init__.py").touch()
    (folder / "child.py").write_text("import asgiref; print(asgiref.__file__)")
    (folder / "main.py").write_text(
        "import subprocess, sys\n"
        # -S: no site-packages; sitecustomize is then imported by hand, as its environment would.
        "subprocess.run([sys.executable, '-S', '-c',"
        " 'import sitecustomize, runpy; runpy.run_path(\"child.py\")'], check=True)\n"
    )
    status, shown, errors = python(folder, "-m", "typedbridge", "run", "main.py")
    assert (0, f"{folder / 'asgiref' / '__init__.py'}\n", "") == (status, shown, errors)


def test_a_child_without_asgiref_loads_nothing(folder: Path) -> None:
    """Neither asyncio nor this library: it starts as fast as ever."""
    (folder / "main.py").write_text(
        "import subprocess, sys\n"
        'program = \'import sys; print("typedbridge" in sys.modules, "asyncio" in sys.modules)\'\n'
        "subprocess.run([sys.executable, '-c', program], check=True)\n"
    )
    expected = (0, "False False\n", "")
    assert expected == python(folder, "-m", "typedbridge", "run", "main.py")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("program", [["main.py"], ["-m", "main"]], ids=" ".join)
def test_ctrl_c_ends_it_as_it_ends_python(folder: Path, program: Sequence[str]) -> None:
    """By the signal, so that a shell's loop ends too, and with the program's traceback."""
    (folder / "main.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    ends: list[tuple[int, str]] = []
    for start in ([], ["-m", "typedbridge", "run"]):
        with subprocess.Popen(
            [sys.executable, *start, *program],
            cwd=folder,
            env=environment(folder, {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert "up\n" == process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate()
        ends.append((process.returncode, errors.splitlines()[-1]))
    assert [(-signal.SIGINT, "KeyboardInterrupt")] * 2 == ends
