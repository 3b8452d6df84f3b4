"""The examples, run as a user runs them."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from typedbridge import AsyncToSync, SyncToAsync

pytest.importorskip("rich", reason="the examples draw with it: dependency group demo")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.plain

ROOT: Final = Path(__file__).parents[1]

GOOD: Final = """
class Shape:
    def area(self):
        def side(): ...
    async def draw(self): ...

if True:
    async def main(): ...
"""


@pytest.fixture
def code_index(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line of the index, in this process; the examples are not installed."""
    monkeypatch.syspath_prepend(ROOT)
    from examples.code_index import cli

    def run(*arguments: object) -> int:
        return cli.main([str(argument) for argument in arguments])

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small source tree with one file for everything that can go wrong."""
    root = tmp_path / "tree"
    (root / "package").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "site-packages").mkdir()
    (root / "good.py").write_text(GOOD, encoding="utf-8")
    (root / "package" / "latin.py").write_bytes(b"# coding: latin-1\ndef caf\xe9(): ...\n")
    (root / ".hidden" / "unseen.py").write_text("def unseen(): ...", encoding="utf-8")
    (root / "site-packages" / "unseen.py").write_text("def unseen(): ...", encoding="utf-8")
    (root / "notes.txt").write_text("no code", encoding="utf-8")
    (root / "syntax.py").write_text("x = 1\ndef broken(:\n", encoding="utf-8")
    (root / "undecodable.py").write_bytes(b"x = '\xff'\n")
    # A link to nothing: unreadable for every user, the superuser included.
    (root / "unreadable.py").symlink_to(root / "nowhere")
    return root


@pytest.fixture
def some_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current directory with a source file and an empty directory in it."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def start(*arguments: str) -> subprocess.Popen[str]:
    """A program of the examples in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in an index."""
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_the_quickstart_prints_sqlites_version() -> None:
    """The ten-line example runs and says what it should."""
    with start("examples.quickstart") as process:
        output, errors = process.communicate()
    assert (0, f"SQLite {sqlite3.sqlite_version}\n", "") == (process.returncode, output, errors)


def test_readme_shows_the_quickstart() -> None:
    """The example in README is the file that is tested here."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    quickstart = (ROOT / "examples" / "quickstart.py").read_text(encoding="utf-8")
    assert f"```python\n{quickstart}```" in readme


def test_functions_coroutines_and_classes_are_indexed(
    code_index: Callable[..., int], tree: Path, tmp_path: Path
) -> None:
    """Every definition of every good file is in the database, nested ones with their place."""
    database = tmp_path / "index.db"
    assert 0 == code_index(tree, "--database", database)
    expected = [
        ("class", "Shape", "good.py", 2),
        ("coroutine", "Shape.draw", "good.py", 5),
        ("coroutine", "main", "good.py", 8),
        ("function", "Shape.area", "good.py", 3),
        ("function", "Shape.area.side", "good.py", 4),
        ("function", "café", "latin.py", 2),
    ]
    found = rows(database, "SELECT kind, qualified_name, path, line FROM code_index_definitions")
    assert expected == sorted(
        (kind, name, Path(path).name, line) for kind, name, path, line in found
    )


def test_bad_files_are_counted_listed_and_not_fatal(
    code_index: Callable[..., int],
    tree: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A syntax error, a wrong encoding and an unreadable file: each has a line with its reason."""
    monkeypatch.setenv("COLUMNS", "200")
    assert 0 == code_index(tree)
    output = capsys.readouterr().out
    assert re.search(r"files +│ +2 ", output)
    assert re.search(r"skipped +│ +3 ", output)
    assert re.search(r"syntax\.py +│ line 2: \w+", output)
    assert re.search(r"undecodable\.py +│ .*codec can't decode byte 0xff", output)
    assert re.search(r"unreadable\.py +│ No such file or directory", output)


def test_a_long_list_of_skipped_files_is_cut(
    code_index: Callable[..., int], tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--limit`` holds for skipped files, and the rest is counted."""
    assert 0 == code_index(tree, "--limit", 1)
    output = capsys.readouterr().out
    assert ("syntax.py" in output, "unreadable.py" in output) == (True, False)
    assert "and 2 more" in output


def test_an_unreadable_directory_is_skipped(
    code_index: Callable[..., int],
    tree: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A directory that may not be listed counts as skipped; the others are indexed."""
    scandir = os.scandir

    def forbidden(path: Any) -> Any:
        if Path(path).name == "package":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    assert 0 == code_index(tree)
    output = capsys.readouterr().out
    assert re.search(r"skipped +│ +4 ", output)
    assert re.search(r"package +│ Permission denied", output)


def test_one_file_is_a_path_too(
    code_index: Callable[..., int], tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path may name a single file."""
    assert 0 == code_index(tree / "good.py")
    assert re.search(r"functions +│ +2 ", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("area", ["Shape.area"]),
        ("*a*e*", ["Shape", "Shape.area"]),
        ("absent", []),
    ],
)
def test_names_are_found(
    code_index: Callable[..., int],
    tree: Path,
    capsys: pytest.CaptureFixture[str],
    pattern: str,
    expected: list[str],
) -> None:
    """``--find`` looks bare names up, with the wildcards of file names."""
    assert 0 == code_index(tree, "--find", pattern)
    _, title, found = re.split(
        r"^(Found|Nothing found) *$", capsys.readouterr().out, flags=re.MULTILINE
    )
    assert ("Found" if expected else "Nothing found") == title
    assert expected == re.findall(r"│ \w+ +│ (\S+) +│ good\.py:\d+", found)


def test_an_index_replaces_the_one_before_it(
    code_index: Callable[..., int], tree: Path, tmp_path: Path
) -> None:
    """A second run into the same file starts afresh and leaves other tables alone."""
    database = tmp_path / "index.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert 0 == code_index(tree, "--database", database)
    assert 0 == code_index(tree / "good.py", "--database", database)
    assert [(1,)] == rows(database, "SELECT count(*) FROM code_index_files")
    assert [(0,)] == rows(database, "SELECT count(*) FROM theirs")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["absent"], "no such file or directory: absent"),
        (["empty"], "no Python files in empty"),
        (["good.py", "--database", "good.py"], "cannot use good.py: file is not a database"),
        (["good.py", "--database", "no/x.db"], "cannot use no/x.db: unable to open database file"),
        (["good.py", "--jobs", "0"], "argument --jobs: not a positive number: 0"),
        (["good.py", "--limit", "many"], "argument --limit: not a positive number: many"),
        (["--wrong"], "unrecognized arguments: --wrong"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_arguments_are_answered_in_one_line(
    code_index: Callable[..., int],
    some_files: None,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    """Exit code 2, nothing on standard output, and one line that says what is wrong."""
    try:
        code = code_index(*arguments)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    captured = capsys.readouterr()
    assert (2, "", f"code_index: error: {complaint}\n") == (code, captured.out, captured.err)


def test_the_repository_stays_in_one_thread_and_parsing_out_of_it(
    code_index: Callable[..., int], tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All uses of the connection are in the calling thread; all parsing is in others."""
    connection_used_in: list[threading.Thread] = []
    parsed_in: list[threading.Thread] = []

    class Connection(sqlite3.Connection):
        def __getattribute__(self, name: str) -> Any:
            connection_used_in.append(threading.current_thread())
            return super().__getattribute__(name)

    def connect(database: str) -> sqlite3.Connection:
        connection_used_in.append(threading.current_thread())
        return real_connect(database, factory=Connection)

    def parse(*arguments: Any) -> Any:
        parsed_in.append(threading.current_thread())
        return real_parse(*arguments)

    real_connect, real_parse = sqlite3.connect, ast.parse
    monkeypatch.setattr(sqlite3, "connect", connect)
    monkeypatch.setattr(ast, "parse", parse)
    assert 0 == code_index(tree)
    assert {threading.current_thread()} == set(connection_used_in)
    assert 4 == len(parsed_in)
    assert threading.current_thread() not in parsed_in


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")
def test_ctrl_c_ends_the_run_with_a_count(tmp_path: Path) -> None:
    """Ctrl-C while the second file is being read: a line that says how far it came, exit code 130."""
    (tmp_path / "a.py").write_text(GOOD, encoding="utf-8")
    pipe = tmp_path / "b.py"
    os.mkfifo(pipe)
    with start("examples.code_index", str(tmp_path), "--jobs", "1") as process:
        # Opening it waits for the reader: the process is in the middle of parsing then.
        with pipe.open("wb"):
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            errors = "".join(iter_until(process.stderr, "interrupted"))
        output, _ = process.communicate()
    assert re.search(r"^code_index: interrupted after 1 of 2 files$", errors, re.MULTILINE)
    assert "Traceback" not in errors
    assert (130, "") == (process.returncode, output)


def iter_until(lines: Iterator[str], word: str) -> Iterator[str]:
    """The lines of a stream up to and including the first one with a word in it."""
    for line in lines:
        yield line
        if word in line:
            return


def bridges_of_the_index() -> set[str]:
    """The names of everything in the package that typedbridge wrapped."""
    package = importlib.import_module("examples.code_index")
    modules = [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
        if module.name not in {"__main__", "demo"}
    ]
    own = [thing for m in modules for thing in vars(m).items()]
    classes = [
        c for _, c in own if isinstance(c, type) and c.__module__.startswith(package.__name__)
    ]
    for class_ in classes:
        own += [(name, getattr(class_, name)) for name in vars(class_)]
    return {
        name
        for name, thing in own
        if name != "in_pool" and is_wrapped(getattr(thing, "__func__", thing))
    }


def is_wrapped(thing: Any) -> bool:
    """Tell whether something is a bridge, or one of the plain functions that make streams."""
    code = getattr(thing, "__code__", None)
    return isinstance(thing, SyncToAsync | AsyncToSync) or getattr(code, "co_name", "") == "twin"


def test_the_demo_asks_for_the_type_of_every_bridge(code_index: Callable[..., int]) -> None:
    """No decorated function or method of the package is missing in the demo's table."""
    from examples.code_index.demo import BRIDGES

    assert bridges_of_the_index() == {bridge.rpartition(".")[2] for bridge in BRIDGES}


@pytest.mark.timeout(300)  # two type checkers, cold
def test_the_demo_shows_what_both_checkers_infer(
    code_index: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both checkers pass the example, and each has a type for every bridge."""
    pytest.importorskip("mypy")
    pytest.importorskip("pyright")
    from examples.code_index import cli, demo

    indexed: list[object] = []

    def index(arguments: object) -> int:
        indexed.append(arguments)
        return 0

    monkeypatch.setattr(cli, "main", index)
    # Not the cache of somebody who works in this checkout.
    monkeypatch.setenv("MYPY_CACHE_DIR", str(tmp_path / "mypy_cache"))
    code = demo.main([])
    output = capsys.readouterr().out
    assert (0, [[]]) == (code, indexed), output
    assert "mypy: no errors\npyright: no errors\n" in output
    pattern = r"^(\S+)\n    mypy    def \(.*\n    pyright \(.*$"
    assert list(demo.BRIDGES) == re.findall(pattern, output, re.MULTILINE)
    slowest = r"repository\.slowest\n    mypy    def \(\*, limit: int\) -> Coroutine(Type)?\[Any, Any, list\[tuple\[str, float\]\]\]\n"
    assert re.search(slowest, output)
    find = r"repository\.find\n    mypy    def \(name: str, \*, limit: int =\) -> AsyncStream\[Definition, None\]\n"
    assert re.search(find, output)
    assert "pyright (name: str, *, limit: int = 10) -> AsyncStream[Definition, None]" in output


def test_the_demo_stops_at_an_error_of_a_checker(
    code_index: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When a checker finds an error the demo prints it, does not run the index, and fails."""
    from examples.code_index import cli, demo

    def never(arguments: object) -> int:
        raise AssertionError("the index ran")

    def check(program: Path) -> list[demo.Verdict]:
        return [
            demo.Verdict("mypy", {}, ["cli.py:1: wrong [type]"]),
            demo.Verdict("pyright", {}, []),
        ]

    monkeypatch.setattr(cli, "main", never)
    monkeypatch.setattr(demo, "check", check)
    code = demo.main([])
    output = capsys.readouterr().out
    assert (1, True) == (code, "mypy: 1 errors\n  cli.py:1: wrong [type]\n" in output)
