import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from os import PathLike
from typing import Literal, NamedTuple, TypeVar

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

class ObservedCall:
    direction: Literal["to_async", "to_sync"]
    function: Callable[..., object]
    row: int | None
    caller: threading.Thread
    thread: threading.Thread | None
    called: float
    started: float | None
    ended: float | None
    outcome: Literal["returned", "raised", "cancelled"] | None
    error: BaseException | None
    @property
    def name(self) -> str: ...
    @property
    def wait(self) -> float | None: ...
    @property
    def run(self) -> float | None: ...

class Observer:
    def called(self, call: ObservedCall) -> None: ...
    def started(self, call: ObservedCall) -> None: ...
    def ended(self, call: ObservedCall) -> None: ...
    def cancelled(self, call: ObservedCall) -> None: ...

class Percentiles(NamedTuple):
    p50: float
    p90: float
    p99: float
    most: float

class FunctionStatistics(NamedTuple):
    name: str
    direction: Literal["to_async", "to_sync"]
    calls: int
    raised: int
    cancelled: int
    rows: tuple[int, ...]
    wait: Percentiles
    run: Percentiles

class Statistics(Observer):
    def functions(self) -> list[FunctionStatistics]: ...

class LogObserver(Observer):
    def __init__(self, logger: logging.Logger | None = None, level: int = 10) -> None: ...

class TraceObserver(Observer):
    def write(self, path: str | PathLike[str]) -> None: ...

def add(observer: Observer) -> None: ...
def remove(observer: Observer) -> None: ...
def everywhere(observer: _Observer) -> AbstractContextManager[_Observer, None]: ...
def here(observer: _Observer) -> AbstractContextManager[_Observer, None]: ...
def trace(path: str | PathLike[str]) -> AbstractContextManager[TraceObserver, None]: ...
