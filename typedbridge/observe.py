"""See what calls do: observers, and some that the library brings."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from typedbridge._core.accounts import (
    FunctionStatistics,
    LogObserver,
    Percentiles,
    Statistics,
    TraceObserver,
)
from typedbridge._core.observing import Ear, ObservedCall, Observer, watchers

if TYPE_CHECKING:
    from collections.abc import Generator
    from os import PathLike

__all__ = [
    "FunctionStatistics",
    "LogObserver",
    "ObservedCall",
    "Observer",
    "Percentiles",
    "Statistics",
    "TraceObserver",
    "add",
    "everywhere",
    "here",
    "remove",
    "trace",
]

_Observer = TypeVar("_Observer", bound=Observer)


def add(observer: Observer) -> None:
    """Tell an observer of all calls in the process from now on, until `remove`.

    :raises TypeError: if it is no `Observer`.
    """
    watchers.add(_ear(observer))


def remove(observer: Observer) -> None:
    """Tell an observer of no more calls. Those that have begun are told to their end."""
    for ear in watchers.everywhere:
        if ear.observer is observer:
            watchers.remove(ear)


@contextmanager
def everywhere(observer: _Observer) -> Generator[_Observer]:
    """Tell an observer of all calls in the process for the time of a ``with`` block."""
    ear = _ear(observer)
    watchers.add(ear)
    try:
        yield observer
    finally:
        watchers.remove(ear)


@contextmanager
def here(observer: _Observer) -> Generator[_Observer]:
    """Tell an observer of what is called in a ``with`` block, and in what is started there.

    As a context variable it goes with tasks and hops, and not to code that runs side by side.
    """
    ears = watchers.here.get()
    token = watchers.here.set((*ears, _ear(observer)))
    watchers.use(1)
    try:
        yield observer
    finally:
        watchers.use(-1)
        watchers.here.reset(token)


@contextmanager
def trace(path: str | PathLike[str]) -> Generator[TraceObserver]:
    """Write all calls in the process during a ``with`` block to a file, as a picture over time.

    The file is in Chrome's trace format: Perfetto and ``chrome://tracing`` show a row for each thread, and an
    arrow for each hop. It is written when the block is left.
    """
    observer = TraceObserver()
    try:
        with everywhere(observer):
            yield observer
    finally:
        observer.write(path)


def _ear(observer: object) -> Ear:
    if not isinstance(observer, Observer):
        raise TypeError(
            f"typedbridge.observe: {observer!r} is no Observer; derive its class from it"
        )
    return Ear(observer)
