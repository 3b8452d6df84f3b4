from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import NamedTuple, ParamSpec, TypeVar

__all__ = ["PoolStatistics", "WorkerPool"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

class PoolStatistics(NamedTuple):
    busy: int
    idle: int
    queued: int
    lent: int

class WorkerPool(Executor):
    name: str
    def __init__(self, max_workers: int | None = None, name: str = "typedbridge pool") -> None: ...
    def submit(
        self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_R]: ...
    def statistics(self) -> PoolStatistics: ...
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...
