"""A kept loop and its thread look new to each call, whatever the last one did to them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from typedbridge import async_to_sync

if TYPE_CHECKING:
    from types import FrameType

KEPT = threading.local()


async def thread() -> threading.Thread:
    return threading.current_thread()


@pytest.fixture(autouse=True)
def one_thread() -> threading.Thread:
    """The thread that every call of a test has."""
    return async_to_sync(thread)()


def test_a_new_loop_has_a_thread_of_its_own() -> None:
    """What a thread keeps to itself, nobody else can take away: who minds asks for a new one."""

    async def swap(value: str) -> str:
        before: str = getattr(KEPT, "value", "nothing")
        KEPT.value = value
        return before

    new = async_to_sync(swap, force_new_loop=True)
    assert ["nothing", "nothing"] == [new("first"), new("second")]


def test_the_name_of_the_thread(one_thread: threading.Thread) -> None:
    """It is set back."""
    name = one_thread.name

    async def rename() -> None:
        threading.current_thread().name = "renamed"

    async_to_sync(rename)()
    assert name == async_to_sync(thread)().name


def test_the_settings_of_the_loop() -> None:
    """What asyncio's debugging looks at is set back."""

    async def swap() -> tuple[bool, float]:
        loop = asyncio.get_running_loop()
        before = loop.get_debug(), loop.slow_callback_duration
        loop.set_debug(not before[0])
        loop.slow_callback_duration = 7.0
        return before

    before = async_to_sync(swap)()
    assert before == async_to_sync(swap)()


def program(text: str) -> str:
    """Run a program of its own, which may set what tools set."""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=50, check=True
    )
    return done.stdout.strip()


TRACED = """
import asyncio, sys, threading
from typedbridge import async_to_sync
seen = []

def tool(frame, event, arg):
    seen.append(frame.f_code.co_name)

async def traced():
    return threading.current_thread()

first = async_to_sync(traced)()
threading.KIND(tool)
assert async_to_sync(traced)() is first
print("traced" in seen)
threading.KIND(None)
seen.clear()
assert async_to_sync(traced)() is first
print("traced" in seen)

async def leaves():
    sys.KIND(tool)

async_to_sync(leaves)()
seen.clear()
async_to_sync(traced)()
print("traced" in seen)
"""


@pytest.mark.parametrize("kind", ["settrace", "setprofile"])
def test_a_tool_that_begins_late(kind: str) -> None:
    """It sees the calls that come, and no more when it ends; what a call sets ends with it."""
    assert "True\nFalse\nFalse" == program(TRACED.replace("KIND", kind))


def test_a_tool_that_puts_another_function_in_its_place() -> None:
    """As coverage and debuggers do on a thread's first event: it is not asked to begin again."""
    text = """
import sys, threading
from typedbridge import async_to_sync
begun = []

def begin(frame, event, arg):
    begun.append(threading.current_thread())
    sys.setprofile(go_on)

def go_on(frame, event, arg): ...

async def nothing(): ...

async_to_sync(nothing)()
threading.setprofile(begin)
for _ in range(3):
    async_to_sync(nothing)()
print(len(begun))
"""
    assert "1" == program(text)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="since Python 3.12")
def test_all_threads_are_traced_at_once() -> None:
    """`threading.settrace_all_threads` reaches threads that wait for a call."""
    text = TRACED.replace("threading.KIND(", "threading.settrace_all_threads(").replace(
        "KIND", "settrace"
    )
    assert "True\nFalse\nFalse" == program(text)


def test_frames_are_not_kept() -> None:
    """A trace function of the test's own sees nothing afterwards."""
    seen: list[str] = []

    def tool(frame: FrameType, event: str, arg: Any) -> None:
        seen.append(event)

    threading.setprofile(tool)
    try:
        async_to_sync(thread)()
    finally:
        threading.setprofile(None)
    async_to_sync(thread)()
    seen.clear()
    async_to_sync(thread)()
    assert [] == seen
