"""Nestings of bridges of two libraries, run in a process of their own: each tells what it saw.

A nesting is a list of hops. What is seen is told with names for threads and loops, in the order in
which they were met: the same program gives the same names in any process.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import faulthandler
import importlib
import itertools
import json
import random
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

OURS: Final = "typedbridge"
THEIRS: Final = "asgiref"

LIMIT: Final = 20.0
"""Seconds until a nesting that hangs ends the process, with the stack of every thread."""

Where: TypeAlias = Literal["sensitive", "pool", "executor"]
How: TypeAlias = Literal["awaited", "task", "bare task"]
Context: TypeAlias = tuple[str, Literal["own thread", "executor"]] | None


@dataclass(frozen=True)
class ToThread:
    """A hop of a sync function to a thread.

    :param context: what the code around it enters: whose, and with an executor or without.
    """

    library: str
    where: Where = "sensitive"
    context: Context = None
    how: How = "awaited"

    def alone(self) -> ToThread:
        """The same in a process that has one library only."""
        context: Context = None if self.context is None else (THEIRS, self.context[1])
        return replace(self, library=THEIRS, context=context)

    def __str__(self) -> str:
        inside = (
            "" if self.context is None else f" in {self.context[0]}'s context, {self.context[1]}"
        )
        return f"{self.library} to thread ({self.where}, {self.how}{inside})"


@dataclass(frozen=True)
class ToLoop:
    """A hop of a coroutine function to a loop."""

    library: str
    new_loop: bool = False

    def alone(self) -> ToLoop:
        """The same in a process that has one library only."""
        return replace(self, library=THEIRS)

    def __str__(self) -> str:
        return f"{self.library} to loop{' (a new one)' if self.new_loop else ''}"


Hop: TypeAlias = ToThread | ToLoop


@dataclass(frozen=True)
class Nesting:
    """Hops, from the outside in; the innermost function returns or raises."""

    hops: tuple[Hop, ...]
    raises: bool = False

    def alone(self) -> Nesting:
        """The same in a process that has one library only."""
        return replace(self, hops=tuple(hop.alone() for hop in self.hops))

    def __str__(self) -> str:
        start = "async" if isinstance(self.hops[0], ToThread) else "sync"
        end = "raises" if self.raises else "returns"
        return " > ".join([start, *map(str, self.hops), end])


def to_thread(*, executor_contexts: bool) -> Iterator[ToThread]:
    """Every kind of hop to a thread."""
    kinds: list[Literal["own thread", "executor"]] = ["own thread"]
    if executor_contexts:
        kinds.append("executor")
    contexts: list[Context] = [None, *itertools.product((OURS, THEIRS), kinds)]
    wheres: list[Where] = ["sensitive", "pool", "executor"]
    hows: list[How] = ["awaited", "task", "bare task"]
    for library, where, context, how in itertools.product((OURS, THEIRS), wheres, contexts, hows):
        yield ToThread(library, where, context, how)


def hangs(hops: tuple[Hop, ...]) -> bool:
    """Tell whether a task without context waits for a thread that waits for it.

    It finds the thread of the outermost frame, or the process's lane, which the hops around it hold.
    """
    return any(isinstance(hop, ToThread) and hop.how == "bare task" for hop in hops[2:])


def to_loop() -> Iterator[ToLoop]:
    """Every kind of hop to a loop."""
    for library, new_loop in itertools.product((OURS, THEIRS), (False, True)):
        yield ToLoop(library, new_loop)


def nestings(depth: int, *, executor_contexts: bool) -> Iterator[Nesting]:
    """Every nesting of this depth, from sync code and from async code."""
    threads = list(to_thread(executor_contexts=executor_contexts))
    loops = list(to_loop())
    for first in (0, 1):
        kinds: list[list[Any]] = [(threads, loops)[(first + level) % 2] for level in range(depth)]
        for hops in itertools.product(*kinds):
            yield Nesting(hops)


def chosen(count: int, *, executor_contexts: bool) -> list[Nesting]:
    """All nestings to depth 2, and some deeper ones: all pairs of neighbours, the rest by lot."""
    lot = random.Random(4)
    threads = list(to_thread(executor_contexts=executor_contexts))
    loops = list(to_loop())
    found = [
        one for depth in (1, 2) for one in nestings(depth, executor_contexts=executor_contexts)
    ]
    while len(found) < count:
        first = lot.randrange(2)
        depth = lot.choice((3, 4))
        kinds: list[list[Any]] = [(threads, loops)[(first + level) % 2] for level in range(depth)]
        drawn: list[Hop] = [lot.choice(kind) for kind in kinds]
        # Two thirds of the contexts are left out, or hardly a frame would be seen through them.
        hops: list[Hop] = [
            replace(hop, context=None) if isinstance(hop, ToThread) and lot.randrange(3) else hop
            for hop in drawn
        ]
        if not hangs(tuple(hops)):
            found.append(Nesting(tuple(hops), raises=lot.randrange(4) == 0))
    return found


class InnermostError(Exception):
    """Raised by the innermost function."""


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nothing")


SEEN: Final = (
    "place",
    "thread",
    "loop",
    "context variable",
    "local of ours",
    "local of asgiref's",
    "thread-critical local",
    "handled exception",
)
"""What is noted at each place."""


class Run:
    """One run of one nesting."""

    def __init__(self, nesting: Nesting, libraries: dict[str, Any]) -> None:
        self.nesting = nesting
        self.libraries = libraries
        self.seen: list[list[object]] = []
        self.names: dict[str, dict[int, int]] = {"thread": {}, "loop": {}}
        self.objects: list[object] = []
        self.stack = contextlib.ExitStack()
        # One of each library's: what one keeps must be kept by the other too.
        self.locals = [libraries[name].Local() for name in (OURS, THEIRS)]
        # How a thread-critical one goes through nested calls differs on purpose: asgiref's alone.
        self.critical = libraries[THEIRS].Local(True)

    def name(self, kind: str, thing: object) -> int:
        self.objects.append(thing)  # an id must not be used twice
        names = self.names[kind]
        return names.setdefault(id(thing), len(names))

    def see(self, label: str) -> None:
        """Note where we are and what can be seen from here."""
        loop = asyncio._get_running_loop()
        self.seen.append(
            [
                label,
                f"thread {self.name('thread', threading.current_thread())}",
                "no loop" if loop is None else f"loop {self.name('loop', loop)}",
                variable.get(),
                *(getattr(local, "value", "nothing") for local in self.locals),
                getattr(self.critical, "value", "nothing"),
                repr(sys.exception()),
            ]
        )

    def leave_trace(self, level: int) -> None:
        """Write what the code around should see afterwards."""
        variable.set(f"of {level}")
        for local in self.locals:
            local.value = f"of {level}"
        self.critical.value = f"of {level}"

    def sync_body(self, level: int) -> None:
        self.see(f"into {level}")
        self.leave_trace(level)
        try:
            if level == len(self.nesting.hops):
                if self.nesting.raises:
                    raise InnermostError
                return
            hop = self.nesting.hops[level]
            assert isinstance(hop, ToLoop)
            bridge = self.libraries[hop.library].async_to_sync
            try:
                raise LookupError(level)
            except LookupError:
                bridge(self.async_body, force_new_loop=hop.new_loop)(level + 1)
        finally:
            self.see(f"out of {level}")

    async def async_body(self, level: int) -> None:
        self.see(f"into {level}")
        self.leave_trace(level)
        try:
            if level == len(self.nesting.hops):
                if self.nesting.raises:
                    raise InnermostError
                return
            hop = self.nesting.hops[level]
            assert isinstance(hop, ToThread)
            async with self.context(hop):
                self.see(f"in the context of {level}")
                try:
                    raise LookupError(level)
                except LookupError:
                    await self.hop(hop, level + 1)
                self.see(f"after {level + 1}")
        finally:
            self.see(f"out of {level}")

    def context(self, hop: ToThread) -> contextlib.AbstractAsyncContextManager[Any]:
        if hop.context is None:
            return contextlib.nullcontext()
        make = self.libraries[hop.context[0]].ThreadSensitiveContext
        made: contextlib.AbstractAsyncContextManager[Any] = (
            make() if hop.context[1] == "own thread" else make(executor=self.executor())
        )
        return made

    def executor(self) -> ThreadPoolExecutor:
        return self.stack.enter_context(ThreadPoolExecutor(1))

    def hop(self, hop: ToThread, level: int) -> Awaitable[None]:
        options: dict[str, Any] = {"thread_sensitive": hop.where == "sensitive"}
        if hop.where == "executor":
            options["executor"] = self.executor()
        bridge = self.libraries[hop.library].sync_to_async(self.sync_body, **options)
        if hop.how == "awaited":
            awaited: Awaitable[None] = bridge(level)
            return awaited
        context = contextvars.Context() if hop.how == "bare task" else contextvars.copy_context()
        return asyncio.get_running_loop().create_task(bridge(level), context=context)

    def main(self) -> list[list[object]]:
        with self.stack:
            try:
                if isinstance(self.nesting.hops[0], ToLoop):
                    self.sync_body(0)
                else:
                    asyncio.run(self.async_body(0))
            except BaseException as error:
                self.seen.append(["raised", type(error).__name__])
        return self.seen


class Library:
    """The names of one library."""

    def __init__(self, package: str) -> None:
        sync: Any = importlib.import_module(f"{package}.sync")
        self.sync_to_async = sync.sync_to_async
        self.async_to_sync = sync.async_to_sync
        self.ThreadSensitiveContext = sync.ThreadSensitiveContext
        self.Local: Callable[..., Any] = importlib.import_module(f"{package}.local").Local


def main(how: str, count: int) -> None:
    """Run the chosen nestings and print what each saw, a line each.

    :param how: ``alone``, ``in place``, or the package to import first.
    """
    if how == "in place":
        importlib.import_module("typedbridge.asgiref").install()
        libraries = {package: Library(package) for package in (OURS, THEIRS)}
        assert libraries[OURS].sync_to_async is libraries[THEIRS].sync_to_async
    elif how == "alone":
        library = Library(THEIRS)
        libraries = {OURS: library, THEIRS: library}
    else:
        order = [how, THEIRS if how == OURS else OURS]
        libraries = {package: Library(package) for package in order}
    executor_contexts = "executor" in str(
        libraries[THEIRS].ThreadSensitiveContext.__init__.__code__.co_varnames
    )
    told: dict[Nesting, list[list[object]]] = {}
    for nesting in chosen(count, executor_contexts=executor_contexts):
        program = nesting.alone() if how == "alone" else nesting
        if program not in told:
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            sys.stderr.write(f"# {program}\n")
            told[program] = contextvars.Context().run(Run(program, libraries).main)
            faulthandler.cancel_dump_traceback_later()
        sys.stdout.write(json.dumps([str(nesting), told[program]]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
