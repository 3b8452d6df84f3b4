"""Where there are no threads (Pyodide and other WebAssembly): everything runs where it was called."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from typedbridge._core.jobs import DirectExecutor

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from contextvars import Context

    from typedbridge._core.jobs import Job

__all__ = ["NO_THREADS", "inline", "run_here"]

#: Whether threads cannot be started: `threading` is there, and fails.
NO_THREADS: Final = sys.platform in ("emscripten", "wasi")


class _Inline(DirectExecutor):
    """Runs a job at once, in the thread that hands it over: there is no other."""

    def put(self, job: Job) -> None:
        job.run()


inline: Final = _Inline()


# Any: a frame, which is defined further up.
def run_here(frame: Any, awaitable: Awaitable[object], context: Context) -> None:
    """Run a frame's coroutine on a new event loop in the calling thread."""

    async def main() -> None:
        loop = frame.loop = asyncio.get_running_loop()
        done = loop.create_future()
        frame.at_last(partial(done.set_result, None))
        frame.begin(_create_task, awaitable, context)
        await done

    asyncio.run(main())


def _create_task(drive: Any, context: Context) -> asyncio.Task[None]:
    return asyncio.Task(drive, loop=asyncio.get_running_loop(), context=context)
