from __future__ import annotations

import logging
import threading
from typing import Literal, assert_type

from typing_extensions import override

from typedbridge import observe, sync_to_async
from typedbridge.observe import ObservedCall, Observer, Percentiles


class Slow(Observer):
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.names: list[str] = []

    @override
    def ended(self, call: ObservedCall) -> None:
        if call.run is not None and call.run > self.seconds:
            self.names.append(call.name)


# case: an observer is told of calls, and stays what it is
def use_observer() -> None:
    with observe.everywhere(Slow(0.1)) as slow:
        assert_type(slow, Slow)
        assert_type(slow.names, list[str])
    with observe.here(Slow(0.1)) as slow_here:
        assert_type(slow_here, Slow)
    observe.add(slow)
    observe.remove(slow)


class All(Observer):
    def __init__(self) -> None:
        self.calls: list[ObservedCall] = []

    @override
    def ended(self, call: ObservedCall) -> None:
        self.calls.append(call)


# case: what an observer is told
async def use_told() -> None:
    with observe.everywhere(All()) as seen:
        await sync_to_async(len)("abc")
    call = seen.calls[0]
    assert_type(call.direction, Literal["to_async", "to_sync"])
    assert_type(call.row, int | None)
    assert_type(call.caller, threading.Thread)
    assert_type(call.thread, threading.Thread | None)
    assert_type(call.wait, float | None)
    assert_type(call.outcome, Literal["returned", "raised", "cancelled"] | None)


# case: observers that the library brings
async def use_ours() -> None:
    with observe.everywhere(observe.Statistics()) as statistics:
        await sync_to_async(len)("abc")
    for function in statistics.functions():
        assert_type(function.name, str)
        assert_type(function.wait, Percentiles)
        assert_type(function.wait.p99, float)
    with observe.everywhere(observe.LogObserver(logging.getLogger("calls"), logging.INFO)):
        pass


# case: what is no observer is refused
def use_function() -> None:
    print(observe.Observer)


def wrong() -> None:
    observe.add(print)  # E


# case: a method of an observer that takes something else
def use_methods() -> None:
    print(Slow(1).names)


class Wrong(Observer):
    def ended(self, call: int) -> None:  # E
        print(call)
