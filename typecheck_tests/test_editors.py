"""An editor shows of a bridge what it shows of the function: pyright's language server is asked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from typecheck_tests.checkers import ROOT
from typecheck_tests.language_server import Document, LanguageServer

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        "TYPECHECK_CHECKERS" in os.environ, reason="a run that is restricted to other checkers"
    ),
]

_PROGRAM = '''\
from __future__ import annotations

from typing import overload

from typedbridge import async_to_sync, call_async, call_sync, sync_to_async


@sync_to_async
def area(width: float, height: float = 1.0) -> float:
    """Compute an area."""
    return width * height


@sync_to_async(thread_sensitive=False)
def volume(width: float, *, depth: float) -> float:
    """Compute a volume."""
    return width * depth


class Users:
    @sync_to_async
    def find(self, name: str, *, active: bool = True) -> int:
        """Find a user by name."""
        return len(name) + active

    @classmethod
    @sync_to_async
    def load(cls, path: str) -> int:
        """Load all users."""
        return len(path)

    def save(self, commit: bool = True) -> None:
        """Save the users."""

    asave = sync_to_async(save)


@overload
def parse(text: str) -> int: ...
@overload
def parse(text: bytes, *, strict: bool = False) -> float: ...
def parse(text: str | bytes, *, strict: bool = False) -> int | float:
    """Parse a text."""
    return len(text) + strict


aparse = sync_to_async(parse)


@overload
@sync_to_async
def measure(text: str) -> int: ...
@overload
@sync_to_async
def measure(text: bytes, *, strict: bool = False) -> float: ...
@sync_to_async
def measure(text: str | bytes, *, strict: bool = False) -> int | float:
    """Measure a text."""
    return len(text) + strict


def crop(path: str, *, width: int = 10) -> bytes:
    """Crop an image."""
    return path.encode() * width


async def download(url: str, *, timeout: float = 1.0) -> bytes:
    """Download a file."""
    return url.encode()


@async_to_sync
async def fetch(url: str, timeout: float = 1.0) -> bytes:
    """Fetch a page."""
    return url.encode()


async def use(users: Users) -> None:
    await area(2.0)
    await volume(2.0, depth=1.0)
    await users.find("a")
    await Users.load("a")
    await users.asave()
    await aparse("1")
    await measure(b"1")
    await call_sync(crop, "a", width=3)


def use_blocking() -> None:
    fetch("u")
    call_async(download, "u", timeout=2.0)
'''

_HALF_TYPED = """\
from program import Users

async def use(users: Users) -> None:
    await users.
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("editor").resolve()
    (folder / "program.py").write_text(_PROGRAM, encoding="utf-8")
    (folder / "half_typed.py").write_text(_HALF_TYPED, encoding="utf-8")
    settings = {"extraPaths": [str(ROOT)], "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LanguageServer]:
    with LanguageServer(folder) as server:
        yield server


@pytest.fixture(scope="module")
def program(server: LanguageServer, folder: Path) -> Document:
    return server.open(folder / "program.py")


@pytest.fixture(scope="module")
def half_typed(server: LanguageServer, folder: Path) -> Document:
    return server.open(folder / "half_typed.py")


def _hover(signature: str, documentation: str) -> str:
    return f"```python\n{dedent(signature).strip()}\n```\n---\n{documentation}"


def test_hover_on_a_decorated_function(program: Document) -> None:
    """Parameters with names and defaults, the awaitable result, the docstring."""
    expected = _hover(
        """
        (function) def area(
            width: float,
            height: float = 1
        ) -> CoroutineType[Any, Any, float]
        """,
        "Compute an area.",
    )
    assert expected == program.hover("await area")


def test_hover_on_a_function_decorated_with_options(program: Document) -> None:
    """The options form shows as much as the bare form."""
    expected = _hover(
        """
        (function) def volume(
            width: float,
            *,
            depth: float
        ) -> CoroutineType[Any, Any, float]
        """,
        "Compute a volume.",
    )
    assert expected == program.hover("await volume")


def test_hover_on_a_decorated_method(program: Document) -> None:
    """The bound method, without self."""
    expected = _hover(
        """
        (method) def find(
            name: str,
            *,
            active: bool = True
        ) -> CoroutineType[Any, Any, int]
        """,
        "Find a user by name.",
    )
    assert expected == program.hover("await users.find")


def test_hover_on_a_class_method(program: Document) -> None:
    """The bound method, without cls."""
    expected = _hover(
        "(method) def load(path: str) -> CoroutineType[Any, Any, int]", "Load all users."
    )
    assert expected == program.hover("await Users.load")


def test_hover_on_a_twin(program: Document) -> None:
    """A bridge that is assigned shows the docstring of what it wraps."""
    shown = program.hover("await users.asave")
    assert "commit: bool = True" in shown
    assert "Save the users." in shown


def test_hover_on_an_overload(program: Document) -> None:
    """The overload that the call selects."""
    expected = _hover(
        "(variable) def aparse(text: str) -> CoroutineType[Any, Any, int]", "Parse a text."
    )
    assert expected == program.hover("await aparse")


def test_hover_on_a_blocking_bridge(program: Document) -> None:
    """The plain result instead of a coroutine."""
    expected = _hover(
        """
        (function) def fetch(
            url: str,
            timeout: float = 1
        ) -> bytes
        """,
        "Fetch a page.",
    )
    assert expected == program.hover("    fetch")


def test_hover_on_the_decorator_shows_our_docstring(program: Document) -> None:
    """The stubs have no docstrings; the editor takes them from the source beside."""
    shown = program.hover("\n@sync_to_async")
    assert "Make a blocking function awaitable." in shown
    for name in ("func", "thread\\_sensitive", "executor", "context"):
        assert f":param {name}: " in shown
    assert ":returns: a `SyncToAsync`, or a decorator that makes one." in shown
    assert ":raises TypeError: " in shown


def test_hover_on_call_sync_and_call_async(program: Document) -> None:
    """The function comes first, then its parameters; the docstring is ours."""
    shown = program.hover("await call_sync")
    assert "func: (**_P@call_sync) -> _R@call_sync" in shown
    assert "CoroutineType[Any, Any, _R@call_sync]" in shown
    assert "Await one call of a blocking function." in shown
    assert "Call a coroutine function once from sync code" in program.hover("    call_async")


def test_hover_on_what_is_given_to_call_sync(program: Document) -> None:
    """The function itself, as it is without a bridge."""
    expected = _hover(
        """
        (function) def crop(
            path: str,
            *,
            width: int = 10
        ) -> bytes
        """,
        "Crop an image.",
    )
    assert expected == program.hover("await call_sync(crop")


def test_hover_on_decorated_overloads(program: Document) -> None:
    """The overload that the call selects, with the docstring of the implementation."""
    expected = _hover(
        """
        (function) def measure(
            text: bytes,
            *,
            strict: bool = False
        ) -> CoroutineType[Any, Any, float]
        """,
        "Measure a text.",
    )
    assert expected == program.hover("await measure")


def test_signature_help_for_a_function(program: Document) -> None:
    """Names, defaults and docstring while the arguments are typed."""
    label = "(width: float, height: float = 1) -> CoroutineType[Any, Any, float]"
    assert [(label, "Compute an area.")] == program.signatures("await area(")


def test_signature_help_for_a_method(program: Document) -> None:
    """Keyword-only parameters are shown as such."""
    label = "(name: str, *, active: bool = True) -> CoroutineType[Any, Any, int]"
    assert [(label, "Find a user by name.")] == program.signatures("await users.find(")


def test_signature_help_for_overloads(program: Document) -> None:
    """Every overload is listed."""
    expected = [
        ("(text: str) -> CoroutineType[Any, Any, int]", "Parse a text."),
        (
            "(text: bytes, *, strict: bool = False) -> CoroutineType[Any, Any, float]",
            "Parse a text.",
        ),
    ]
    assert expected == program.signatures("await aparse(")


def test_signature_help_for_decorated_overloads(program: Document) -> None:
    """As for a bridge around overloads."""
    expected = [
        ("(text: str) -> CoroutineType[Any, Any, int]", "Measure a text."),
        (
            "(text: bytes, *, strict: bool = False) -> CoroutineType[Any, Any, float]",
            "Measure a text.",
        ),
    ]
    assert expected == program.signatures("await measure(")


def test_signature_help_for_call_sync(program: Document) -> None:
    """The parameters of the function follow it, with their names and the docstring."""
    label = (
        "(func: (path: str, *, width: int = 10) -> bytes, /, path: str, *, width: int = 10)"
        " -> CoroutineType[Any, Any, bytes]"
    )
    assert [(label, "Crop an image.")] == program.signatures("await call_sync(crop, ")


def test_signature_help_for_call_async(program: Document) -> None:
    """The bare result."""
    label = (
        "(func: (url: str, *, timeout: float = 1) -> Awaitable[bytes], /, url: str, *,"
        " timeout: float = 1) -> bytes"
    )
    assert [(label, "Download a file.")] == program.signatures("call_async(download, ")


def test_completion_of_members(half_typed: Document) -> None:
    """Bridges are completed as methods, with signature and docstring."""
    offered = half_typed.completions("await users.")
    assert {"find", "load", "save", "asave"} == set(offered)
    assert "active: bool = True" in offered["find"]
    assert "Find a user by name." in offered["find"]
    assert "Load all users." in offered["load"]
