"""``python -m typedbridge migrate``: which files it takes, what it prints, writes and returns."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from conftest import unmeasured

pytest.importorskip("click", reason="the command line: extra cli")
pytest.importorskip("libcst", reason="the command's parser: extra cli")

from typedbridge.__main__ import main
from typedbridge._commands.migrate import files, source

pytestmark = pytest.mark.plain

OLD: Final = "from asgiref.sync import sync_to_async\n"
NEW: Final = "from typedbridge.sync import sync_to_async\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory of the test's own, and no colours or widths of the person who runs it."""
    monkeypatch.chdir(tmp_path)
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def make(path: Path, text: str = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_by_default_it_shows_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A diff on standard output, what it amounts to on standard error, exit status 0."""
    path = make(folder / "package" / "views.py")
    assert 0 == main(["migrate"])
    shown = capsys.readouterr()
    assert (
        "--- a/package/views.py\n+++ b/package/views.py\n@@ -1 +1 @@\n-" + OLD + "+" + NEW
    ) == shown.out
    assert "1 file would change\nNothing was written; --write does it.\n" == shown.err
    assert OLD == path.read_text()


@pytest.mark.parametrize("end", ["\n", "\r\n", ""], ids=["lf", "crlf", "none"])
def test_the_diff_is_a_patch(folder: Path, capsys: pytest.CaptureFixture[str], end: str) -> None:
    """What is shown can be saved and given to git, whatever ends the lines."""
    path = make(folder / "views.py", f"x = 1\r\n{OLD.strip()}{end}")
    main(["migrate"])
    patch = capsys.readouterr().out.encode()
    subprocess.run(["git", "apply", "-"], input=patch, check=True, cwd=folder)
    assert f"x = 1\r\n{NEW.strip()}{end}".encode() == path.read_bytes()


def test_write_changes_the_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that have something to change, and no others; each is named."""
    path, other = make(folder / "views.py"), make(folder / "other.py", "import os, typedbridge\n")
    before = other.stat()
    assert 0 == main(["migrate", "--write"])
    assert NEW == path.read_text()
    assert before.st_mtime_ns == other.stat().st_mtime_ns
    assert before.st_ino == other.stat().st_ino
    assert "changed views.py\n1 file changed\n" == capsys.readouterr().err


def test_check_is_for_ci(folder: Path) -> None:
    """Exit status 1 as long as something would change, then 0."""
    make(folder / "views.py")
    assert 1 == main(["migrate", "--check"])
    assert 0 == main(["migrate", "--write"])
    assert 0 == main(["migrate", "--check"])


def test_write_and_check_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong command is exit status 2 and says why."""
    assert 2 == main(["migrate", "--write", "--check"])
    assert "--write and --check do not go together" in capsys.readouterr().err


def test_a_path_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error in a CI file must not pass."""
    assert 2 == main(["migrate", "--check", "nowhere"])
    assert "nowhere" in capsys.readouterr().err


KINDS: Final = {
    "plain": ("", "utf-8", "\n"),
    "with a mark": ("", "utf-8-sig", "\n"),
    "windows": ("", "utf-8", "\r\n"),
    "mixed": ("x = 1\n", "utf-8", "\r\n"),
    "latin": ("# coding: latin-1\n# caf\xe9\n", "latin-1", "\n"),
    "japanese": ("# -*- coding: shift_jis -*-\n# \u5b57\n", "shift_jis", "\r\n"),
    "form feed": ("\f\n", "utf-8", "\n"),
}


@pytest.mark.parametrize(("head", "coding", "end"), KINDS.values(), ids=list(KINDS))
def test_bytes_stay_as_they_were_kept(folder: Path, head: str, coding: str, end: str) -> None:
    """Encoding, byte order mark and line endings are the file's own."""
    path = folder / "views.py"
    path.write_bytes((head + OLD.strip() + end + "y = 2" + end).encode(coding))
    assert 0 == main(["migrate", "--write"])
    assert (head + NEW.strip() + end + "y = 2" + end).encode(coding) == path.read_bytes()


def test_the_mode_stays(folder: Path) -> None:
    """A script that can be run can be run afterwards."""
    path = make(folder / "manage.py")
    path.chmod(0o751)
    main(["migrate", "--write"])
    assert 0o751 == stat.S_IMODE(path.stat().st_mode)
    assert ["manage.py"] == [path.name for path in folder.iterdir()]


def test_a_failed_write_leaves_the_file_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The new content goes to another file first; the others are still written."""
    make(folder / "a.py")
    make(folder / "b.py")
    replace = Path.replace

    def fails(self: Path, target: Path) -> Path:
        if target.name == "a.py":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    assert 2 == main(["migrate", "--write"])
    assert (OLD, NEW) == ((folder / "a.py").read_text(), (folder / "b.py").read_text())
    assert ["a.py", "b.py"] == sorted(path.name for path in folder.iterdir())
    assert "a.py: No space left on device" in capsys.readouterr().err


def test_what_changed_meanwhile_is_not_overwritten(folder: Path) -> None:
    """An editor that saved between the look and the writing wins."""
    path = make(folder / "views.py", "mine\n")
    with pytest.raises(source.ChangedMeanwhileError):
        source.write(path, OLD.encode(), NEW.encode())
    assert "mine\n" == path.read_text()
    assert ["views.py"] == [path.name for path in folder.iterdir()]


def test_folders_of_others_are_left_out(folder: Path) -> None:
    """Version control, environments, caches and what node installs; also an environment by any name."""
    for name in (
        ".git",
        ".venv",
        "node_modules",
        "lib/site-packages",
        "dist",
        ".tox/py",
        "myenv/lib",
    ):
        make(folder / name / "x.py")
    (folder / "myenv" / "pyvenv.cfg").touch()
    make(folder / "notes.txt")
    make(folder / "dist" / "deep" / "x.py")
    make(folder / "package" / "build" / "__init__.py")
    make(folder / "package" / "stub.pyi")
    found = [path.as_posix() for path in files.find([Path()])]
    assert ["package/build/__init__.py", "package/stub.pyi"] == found


def test_what_is_named_is_taken(folder: Path) -> None:
    """A file by any name, a folder that would be left out, and each file once."""
    script = make(folder / "script")
    inside = make(folder / ".venv" / "x.py")
    assert 0 == main(["migrate", "--write", "script", ".venv", "./script", ".venv/x.py"])
    assert [NEW, NEW] == [script.read_text(), inside.read_text()]


def test_links_are_not_followed_but_when_named(folder: Path) -> None:
    """A named link stays one, and what it leads to changes."""
    real = make(folder / "elsewhere" / "real.py")
    tree = folder / "tree"
    tree.mkdir()
    (tree / "link.py").symlink_to(real)
    (tree / "loop").symlink_to(tree)
    assert 0 == main(["migrate", "--write", "tree"])
    assert OLD == real.read_text()
    assert 0 == main(["migrate", "--write", "tree/link.py"])
    assert NEW == real.read_text()
    assert (tree / "link.py").is_symlink()


def test_places_for_a_person_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, line, column, the reason in words and its name."""
    make(folder / "views.py", "import os\nfrom asgiref.sync import *\n")
    assert 0 == main(["migrate"])
    shown = capsys.readouterr()
    expected = "views.py:2:1: import the names of asgiref.sync one by one [star-import]\n"
    assert expected == shown.out
    assert "0 files would change, 1 place for a person to look at\n" == shown.err


BROKEN: Final = {
    "syntax": b"import asgiref.sync\ndef f(:\n",
    "encoding": b"import asgiref\n# \xff\n",
    "unknown encoding": b"# coding: nonesuch\nimport asgiref\n",
    # Python takes a carriage return alone for the end of a line; the parser does not.
    "line ends of old": OLD.replace("\n", "\r").encode() + b"y = 2\r",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_file_does_not_stop_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    """It is named and left alone, the rest is written, and the exit status is 2."""
    (folder / "a.py").write_bytes(data)
    path = make(folder / "b.py")
    assert 2 == main(["migrate", "--write"])
    assert (NEW, data) == (path.read_text(), (folder / "a.py").read_bytes())
    shown = capsys.readouterr()
    assert "a.py" in shown.out
    assert "1 file could not be done" in shown.err


def test_a_file_without_the_words_is_not_parsed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most files of a tree: they are read, and that is all."""
    make(folder / "broken.py", "def f(:")
    make(folder / "views.py")
    looked_at: list[Path] = []
    examine_one = files.examine_one

    def note(candidate: files.Candidate) -> files.Examined:
        looked_at.append(candidate.path)
        return examine_one(candidate)

    monkeypatch.setattr(files, "examine_one", note)
    assert 1 == main(["migrate", "--check"])
    assert [Path("views.py")] == looked_at


def test_many_files_are_parsed_in_several_processes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the same outcome, in the same order."""
    for number in range(40):
        make(folder / f"m{number:02}.py", OLD if number != 7 else "import asgiref\ndef f(:")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert 2 == main(["migrate", "--write"])
    shown = capsys.readouterr()
    changed = [line for line in shown.err.splitlines() if line.startswith("changed ")]
    assert [f"changed m{number:02}.py" for number in range(40) if number != 7] == changed
    assert "m07.py:2:" in shown.out


def test_ctrl_c_says_how_far_it_came(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 130 and one line; what is written is whole."""
    for name in ("a.py", "b.py"):
        make(folder / name)
    write = source.write

    def interrupted(path: Path, before: bytes, after: bytes) -> None:
        if path.name == "b.py":
            raise KeyboardInterrupt
        write(path, before, after)

    monkeypatch.setattr("typedbridge._commands.migrate.command.write", interrupted)
    assert 130 == main(["migrate", "--write"])
    assert (NEW, OLD) == ((folder / "a.py").read_text(), (folder / "b.py").read_text())
    expected = "typedbridge: interrupted. 1 file had been changed\n"
    assert capsys.readouterr().err.endswith(expected)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a process group")
def test_ctrl_c_in_a_terminal_ends_the_processes_too(folder: Path) -> None:
    """The terminal sends it to all of them: no traceback of theirs, and none of them is left."""
    for number in range(24):
        make(folder / f"m{number:02}.py", OLD + "x = [1, 2, 3]\n" * 600)
    with subprocess.Popen(
        [sys.executable, "-m", "typedbridge", "migrate"],
        cwd=folder,
        # Measured, the processes take most of a test's time on a busy machine.
        env=unmeasured(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        # The first diff: the others are being parsed, by then in both processes.
        assert process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        # This waits for the end of standard error, which all of them have open.
        _, errors = process.communicate(timeout=50)
    assert (130, b"typedbridge: interrupted.\n") == (process.returncode, errors)


def test_colours_are_for_terminals(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """None in a file or a pipe, and there where they are asked for."""
    make(folder / "views.py")
    main(["migrate"])
    assert "\x1b[" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    main(["migrate"])
    shown = capsys.readouterr().out
    assert f"\x1b[31m-{OLD.strip()}" in shown
    assert f"\x1b[32m+{NEW.strip()}" in shown


def ended(*arguments: str, hide: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line in a process in which a package cannot be imported."""
    program = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(sys.argv.pop(1).split()));"
        "runpy.run_module('typedbridge', run_name='__main__', alter_sys=True)"
    )
    return subprocess.run(
        [sys.executable, "-c", program, hide, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("package", ["click", "libcst", "packaging", "rich"])
def test_without_the_extra_it_says_what_to_install(package: str) -> None:
    """One clear line instead of a traceback, whichever package is missing."""
    done = ended("migrate", hide=package)
    assert 2 == done.returncode
    assert (
        f"typedbridge: the package {package!r} is missing; install the command line:"
        " pip install 'typedbridge[cli]'\n"
        "(python -m typedbridge run PROGRAM works without it)\n"
    ) == done.stderr


def test_an_import_error_of_ours_is_not_taken_for_that() -> None:
    """A fault in the library is shown as one."""
    done = ended("migrate", hide="typedbridge._commands.migrate.names")
    assert "Traceback" in done.stderr


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """With what each is for; also those that need nothing installed."""
    assert 0 == main(["--help"])
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("migrate", "run"))


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """As the metadata has it."""
    from importlib.metadata import version

    assert 0 == main(["--version"])
    assert version("typedbridge") in capsys.readouterr().out


def test_progress_is_shown_on_a_terminal_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bar that is gone at the end; nothing of it in a log."""
    make(folder / "views.py")
    main(["migrate"])
    assert "Reading" not in capsys.readouterr().err
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    main(["migrate"])
    assert "Reading" in capsys.readouterr().err
