"""A failure inside the plugin: the stubs answer, and only the tests see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typecheck_tests.plugin.projects import Project

PROGRAM = """
    from typedbridge import async_to_sync, sync_to_async

    def load(key: str) -> bytes: return b""
    async def fetch(key: str) -> bytes: return b""

    reveal_type(sync_to_async(load))
    reveal_type(async_to_sync(fetch))
    """

# A plugin whose every answer fails, put in front of mypy under a name of its own.
BROKEN = """
    from typedbridge import mypy_plugin
    from typedbridge.mypy_plugin import calls

    def fail(*args):
        raise ZeroDivisionError("inside the plugin")

    calls.call_of = fail

    plugin = mypy_plugin.plugin
    """


@pytest.fixture
def project(project: Project) -> Project:
    project.write("program.py", PROGRAM)
    project.write("broken.py", BROKEN)
    project.configure(plugins=("broken.py",))
    return project


def test_users_get_the_answer_of_the_stubs(project: Project) -> None:
    """No traceback, no error: what mypy says without the plugin, or Any where that is too little."""
    lines = project.mypy("program.py", strict="").replace("builtins.", "").splitlines()

    assert lines[:2] == [
        (
            "program.py:7: note: Revealed type is "
            '"def (key: str) -> types.CoroutineType[Any, Any, bytes]"'
        ),
        'program.py:8: note: Revealed type is "def (key: str) -> Any"',
    ]


def test_the_tests_see_the_failure(project: Project) -> None:
    """With TYPEDBRIDGE_PLUGIN_STRICT set, mypy ends in the plugin's traceback."""
    assert "ZeroDivisionError: inside the plugin" in project.mypy("--show-traceback", "program.py")
