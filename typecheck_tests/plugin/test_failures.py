"""A failure inside the plugin: the stubs answer, and only the tests see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typecheck_tests.plugin.projects import Project

PROGRAM = """
    from typedbridge import AsyncToSync, SyncToAsync, async_to_sync, call_async, sync_to_async

    def load(key: str) -> bytes: return b""
    async def fetch(key: str) -> bytes: return b""

    class Store:
        @async_to_sync
        async def flush(self) -> None: ...

    reveal_type(sync_to_async(load))
    reveal_type(async_to_sync(fetch))
    SyncToAsync(load)
    AsyncToSync(fetch)
    call_async(fetch, "a")
    Store().flush()
    """

# A plugin that fails at one place, put in front of mypy under a name of its own.
BROKEN = """
    import typedbridge.mypy_plugin as mypy_plugin
    from typedbridge.mypy_plugin import bind, calls, executor, misuse

    def fail(*args):
        raise ZeroDivisionError("inside the plugin")

    {place} = fail

    plugin = mypy_plugin.plugin
    """

# Where mypy comes in, and what of the plugin answers there.
PLACES = {
    "an answer for a call": "calls.call_of",
    "the look-up of a function": "mypy_plugin._Hooks.look_up",
    "the look-up of a method": "mypy_plugin._MethodHooks.look_up",
    "the signature of a decorator": "mypy_plugin._SIGNATURES[mypy_plugin.names.SYNC_TO_ASYNC]",
    "the signature of a wrapper class": "mypy_plugin._SIGNATURES[mypy_plugin.names.TO_SYNC_WRAPPER]",
}

everywhere = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)


def broken_at(project: Project, place: str) -> None:
    project.write("program.py", PROGRAM)
    project.write("broken.py", BROKEN.format(place=place))
    project.configure(plugins=("broken.py",))


def test_users_get_the_answer_of_the_stubs(project: Project) -> None:
    """What mypy says without the plugin."""
    broken_at(project, "calls.call_of")

    lines = project.mypy("program.py", strict="").replace("builtins.", "").splitlines()

    assert lines[:2] == [
        (
            "program.py:11: note: Revealed type is "
            '"def (key: str) -> typing.Coroutine[Any, Any, bytes]"'
        ),
        'program.py:12: note: Revealed type is "def (key: str) -> bytes"',
    ]


@everywhere
def test_users_see_no_failure(project: Project, place: str) -> None:
    """No traceback, and no error in a program that has none."""
    broken_at(project, place)

    output = project.mypy("program.py", strict="")

    assert "Traceback" not in output
    assert ": error:" not in output
    assert 2 == output.count("Revealed type")


@everywhere
def test_the_tests_see_the_failure(project: Project, place: str) -> None:
    """With TYPEDBRIDGE_PLUGIN_STRICT set, mypy ends in the plugin's traceback."""
    broken_at(project, place)

    assert "ZeroDivisionError: inside the plugin" in project.mypy("--show-traceback", "program.py")
