"""The namespace a program gets: one library's names, and names for the threads it meets."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import importlib
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType
    from typing import Self

T = TypeVar("T")

LIMIT: Final = 20.0
"""Seconds until something that never happened fails a program. Nothing waits that long."""


class Library:
    """One library for one run of one program.

    Everything taken from the library is Any: two packages with one set of names, whose
    types the programs are not about.
    """

    def __init__(self, package: str) -> None:
        sync = importlib.import_module(f"{package}.sync")
        self.package = package
        self.sync_to_async: Any = sync.sync_to_async
        self.async_to_sync: Any = sync.async_to_sync
        self.SyncToAsync: Any = sync.SyncToAsync
        self.AsyncToSync: Any = sync.AsyncToSync
        self.ThreadSensitiveContext: Any = sync.ThreadSensitiveContext
        self.AsyncSingleThreadContext: Any = sync.AsyncSingleThreadContext
        self.iscoroutinefunction: Any = sync.iscoroutinefunction
        self.markcoroutinefunction: Any = sync.markcoroutinefunction
        self.Local: Any = importlib.import_module(f"{package}.local").Local
        executors = importlib.import_module(f"{package}.current_thread_executor")
        self.CurrentThreadExecutor: Any = executors.CurrentThreadExecutor
        self._stack = contextlib.ExitStack()
        self._roles: dict[threading.Thread, str] = {}

    def __enter__(self) -> Self:
        self._roles[self._main_lane()] = "lane"
        self._roles[threading.current_thread()] = "caller"
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _main_lane(self) -> threading.Thread:
        """Ask from where no rule but the last can apply: a bare thread, an empty context."""
        found: list[threading.Thread] = []

        async def ask() -> None:
            found.append(await self.sync_to_async(threading.current_thread)())

        self.in_thread(lambda: asyncio.run(ask()))
        return found[0]

    def where(self) -> str:
        """The role of the current thread."""
        role = self._roles.get(threading.current_thread(), "worker")
        if asyncio._get_running_loop() is None:
            return role
        return "library's loop" if role == "worker" else f"{role}'s loop"

    def executor(self, role: str = "mine", workers: int = 1) -> ThreadPoolExecutor:
        """A user's executor, whose threads have this role."""

        def register() -> None:
            self._roles[threading.current_thread()] = role

        return self._stack.enter_context(ThreadPoolExecutor(workers, initializer=register))

    def in_role(self, function: Callable[[], T], role: str = "user") -> T:
        """Call the function in the current thread, which has this role from now on."""
        self._roles[threading.current_thread()] = role
        return function()

    def in_thread(self, function: Callable[[], T], role: str = "user") -> T:
        """Call the function in a plain thread and wait for it."""
        outcome: list[T] = []
        errors: list[BaseException] = []

        def main() -> None:
            try:
                outcome.append(self.in_role(function, role))
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=main, daemon=True)
        thread.start()
        thread.join(LIMIT)
        if errors:
            raise errors[0]
        return outcome[0]


def kind(error: BaseException) -> str:
    """The error as an ``except`` clause sees it: its nearest class that is not a library's."""
    for cls in type(error).__mro__:
        if cls.__module__.partition(".")[0] not in {"asgiref", "typedbridge"}:
            return cls.__name__
    raise AssertionError(error)


def attempt(function: Callable[..., object], *args: object, **kwargs: object) -> object:
    """What calling gives: the result, or the kind of error."""
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        return f"raised {kind(error)}"


async def outcome(awaitable: Awaitable[object]) -> object:
    """What awaiting gives: the result, or the kind of error."""
    try:
        return await awaitable
    except BaseException as error:
        return f"raised {kind(error)}"


def run(program: Program, package: str) -> object:
    """Run a program and describe how it ended.

    Each has a new thread and an empty context: asgiref leaves things behind in threads that it
    has used, and a program that hangs must not take the test run with it.
    """
    ended: list[object] = []

    def main() -> None:
        with Library(package) as library:
            ended.append(attempt(program, library))

    thread = threading.Thread(target=contextvars.Context().run, args=(main,), daemon=True)
    thread.start()
    thread.join(LIMIT)
    return ended[0] if ended else "hangs"


Program = Callable[[Library], object]

PROGRAMS: Final[dict[str, Program]] = {}


@overload
def program(function: Program, /) -> Program: ...
@overload
def program(*, asgiref_needs: tuple[int, int]) -> Callable[[Program], Program]: ...
def program(
    function: Program | None = None, /, *, asgiref_needs: tuple[int, int] = (3, 11)
) -> Program | Callable[[Program], Program]:
    """Put a program on the list, under its own name.

    :param asgiref_needs: the first Python on which asgiref does not hang; there is nothing to
        compare with on an older one.
    """

    def put(function: Program) -> Program:
        assert function.__name__ not in PROGRAMS
        if sys.version_info >= asgiref_needs:
            PROGRAMS[function.__name__] = function
        return function

    return put if function is None else put(function)
