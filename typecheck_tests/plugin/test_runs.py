"""The plugin answers the same however mypy runs: cold, warm, in parallel, in the daemon."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from typecheck_tests.plugin.projects import CLEAN, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typecheck_tests.plugin.projects import Project

LIBRARY = """
    from typing import TypeVar, final, overload

    from typedbridge import async_to_sync, sync_to_async

    T = TypeVar("T")

    @sync_to_async
    def echo(value: T) -> T:
        return value

    @overload
    def parse(text: str) -> int: ...
    @overload
    def parse(text: bytes) -> float: ...
    def parse(text: str | bytes) -> int | float:
        return 0

    aparse = sync_to_async(parse)

    @final
    class Store:
        @sync_to_async
        def load(self, key: str) -> bytes:
            return b""

        @async_to_sync
        async def flush(self) -> None: ...
    """

USER = """
    from library import Store, aparse, echo

    async def main(store: Store) -> None:
        reveal_type(await echo(1))
        reveal_type(await aparse("1"))
        reveal_type(await aparse(b"1"))
        reveal_type(echo.func(1))
        reveal_type(await store.load("a"))
        store.flush()
        await echo()
    """

EXPECTED = """\
user.py:5: note: Revealed type is "int"
user.py:6: note: Revealed type is "int"
user.py:7: note: Revealed type is "float"
user.py:8: note: Revealed type is "Any"
user.py:9: note: Revealed type is "bytes"
user.py:10: error: "flush of Store" blocks, but is called in the async function "main": \
await the async function that it wraps  [bridge-blocking-call]
user.py:11: error: Missing positional argument "value" in call to "echo"  [call-arg]"""

BLOCKING = (
    '"{}" blocks, but is called in the async function "main": '
    "await the async function that it wraps  [bridge-blocking-call]"
)


@pytest.fixture
def two_modules(project: Project) -> Project:
    project.write("library.py", LIBRARY)
    project.write("user.py", USER)
    return project


def without_builtins(output: str) -> str:
    """Before 2.0 mypy spelled builtins in full."""
    return output.replace("builtins.", "")


def test_a_cold_and_a_warm_run_say_the_same(two_modules: Project) -> None:
    """What the cache keeps of a bridge is all that callers in other modules need."""
    cold = two_modules.mypy("user.py")
    two_modules.write("user.py", USER + "\n")
    warm = two_modules.mypy("user.py")

    assert [EXPECTED, EXPECTED] == [without_builtins(cold), without_builtins(warm)]


@pytest.mark.parametrize(
    "options",
    [["--num-workers=2"], ["--native-parser"], ["--no-native-parser"], ["--no-incremental"]],
    ids=" ".join,
)
def test_how_mypy_runs_makes_no_difference(two_modules: Project, options: list[str]) -> None:
    """Worker processes and both parsers give the plugin what it needs."""
    names = two_modules.mypy("--help")
    if not all(option.removeprefix("--no-").partition("=")[0] in names for option in options):
        pytest.skip(f"this mypy has no {options[0]}")

    output = two_modules.mypy(*options, "user.py", "library.py")

    assert without_builtins(output) == EXPECTED


def test_library_checked_in_one_run_is_used_in_the_next(two_modules: Project) -> None:
    """A bridge comes out of the cache as it went in."""
    two_modules.mypy("library.py")

    assert without_builtins(two_modules.mypy("user.py")) == EXPECTED


def test_a_stub_in_place_of_the_source(two_modules: Project) -> None:
    """Decorators in a stub file are bridges as well."""
    implementation = """    def parse(text: str | bytes) -> int | float:
        return 0
"""
    two_modules.write("library.pyi", LIBRARY.replace(implementation, ""))

    assert without_builtins(two_modules.mypy("user.py")) == EXPECTED


def test_follow_imports_silent(two_modules: Project) -> None:
    """A module that is followed but not reported on still gives its bridges."""
    output = two_modules.mypy("--follow-imports=silent", "user.py")

    assert without_builtins(output) == EXPECTED


def test_through_reexports_and_aliases(project: Project) -> None:
    """The names of typedbridge may come by another module, under another name."""
    project.write(
        "compat/__init__.py", "from compat.inner import *\nfrom compat.inner import s2a as bridge\n"
    )
    project.write(
        "compat/inner.py",
        """
        from typedbridge import sync_to_async
        from typedbridge.sync import async_to_sync as a2s
        s2a = sync_to_async
        __all__ = ["a2s", "s2a", "sync_to_async"]
        """,
    )
    project.write(
        "user.py",
        """
        from typing import TypeVar
        import compat
        from compat import a2s, bridge
        T = TypeVar("T")
        @compat.sync_to_async
        def one(x: T) -> T: return x
        @bridge
        def two(x: T) -> T: return x
        @compat.s2a(thread_sensitive=False)
        def three(x: T) -> T: return x
        @a2s
        async def four(x: T) -> T: return x
        reveal_type(one.func)
        reveal_type(two.func)
        reveal_type(three.func)
        reveal_type(four.awaitable)
        """,
    )

    lines = without_builtins(project.mypy("user.py")).splitlines()

    assert lines == [
        'user.py:14: note: Revealed type is "def (x: Any) -> Any"',
        'user.py:15: note: Revealed type is "def (x: Any) -> Any"',
        'user.py:16: note: Revealed type is "def (x: Any) -> Any"',
        'user.py:17: note: Revealed type is "def (x: Any) -> typing.Awaitable[Any]"',
        f"{CLEAN} in 1 source file",
    ]


def test_an_import_cycle(project: Project) -> None:
    """Two modules that use each other's bridges are understood, in both orders."""
    for name, other in (("left", "right"), ("right", "left")):
        project.write(
            f"{name}.py",
            f"""
            from __future__ import annotations
            import {other}
            from typing import final
            from typedbridge import async_to_sync, sync_to_async

            @final
            class Item:
                @sync_to_async
                def peer(self) -> {other}.Item: return {other}.Item()
                @async_to_sync
                async def refresh(self) -> Item: return self

            async def main() -> None:
                reveal_type(await {other}.Item().peer())
                {other}.Item().refresh()
            """,
        )

    first = project.mypy("left.py", "right.py")
    second = project.mypy("--no-incremental", "right.py", "left.py")

    expected = [
        'left.py:15: note: Revealed type is "left.Item"',
        "left.py:16: error: " + BLOCKING.format("refresh of Item"),
        'right.py:15: note: Revealed type is "right.Item"',
        "right.py:16: error: " + BLOCKING.format("refresh of Item"),
    ]
    assert [expected, expected] == [sorted(first.splitlines()), sorted(second.splitlines())]


def test_a_changed_plugin_is_not_answered_from_the_cache(
    two_modules: Project, tmp_path: Path
) -> None:
    """A change in any file of the plugin makes mypy check again, also what it did not check last."""
    library = tmp_path / "copy"
    shutil.copytree(ROOT / "typedbridge", library / "typedbridge", symlinks=False)
    before = two_modules.mypy("user.py", library=library)
    messages = library / "typedbridge" / "mypy_plugin" / "blocking.py"
    messages.write_text(
        messages.read_text().replace("blocks, but is called", "blocks where it is called")
    )
    # This run leaves user.py out, and writes the new version of the plugin into the cache.
    two_modules.mypy("library.py", library=library)
    after = two_modules.mypy("user.py", library=library)

    assert "blocks, but is called" in before
    assert "blocks where it is called" in after


@pytest.fixture
def daemon(two_modules: Project) -> Iterator[Project]:
    two_modules.configure()
    yield two_modules
    two_modules.dmypy("kill")


def test_the_daemon_sees_edits_in_either_file(daemon: Project) -> None:
    """A change to a wrapped function reaches its callers, and a change of a caller is checked."""
    command = ["run", "--", "--no-error-summary", "user.py", "library.py"]
    first = daemon.dmypy(*command)
    # Of another length: mypy looks into a file of the same size only in the next second.
    daemon.write(
        "library.py", LIBRARY.replace("def load(self, key: str)", "def load(self, key: int = 1)")
    )
    library_edited = daemon.dmypy(*command)
    daemon.write("user.py", USER.replace('load("a")', "load(1)"))
    user_edited = daemon.dmypy(*command)
    daemon.write("library.py", LIBRARY.replace("        @async_to_sync\n", ""))
    unblocked = daemon.dmypy(*command)
    # What was a plain function is a bridge again: the plugin must not remember it.
    daemon.write("library.py", LIBRARY)
    blocked = daemon.dmypy(*command)

    assert EXPECTED in without_builtins(first)
    assert (
        'Argument 1 to "load" of "Store" has incompatible type "str"; expected "int"'
        in library_edited
    )
    assert "incompatible type" not in user_edited
    assert EXPECTED.splitlines()[-2] in user_edited
    assert "bridge-blocking-call" not in unblocked
    assert EXPECTED.splitlines()[-2] in blocked


def test_a_clean_program_stays_clean_when_warm(project: Project) -> None:
    """No finding comes out of the cache that was not there before."""
    project.write("library.py", LIBRARY)
    project.write(
        "user.py", "from library import echo\nasync def main() -> int: return await echo(1)\n"
    )
    cold = project.mypy("user.py")
    project.write(
        "user.py", "from library import echo\nasync def main() -> int: return await echo(2)\n"
    )
    warm = project.mypy("user.py")

    assert [True, True] == [output.startswith(CLEAN) for output in (cold, warm)]
