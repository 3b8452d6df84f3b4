"""From a list of files to a full index: parse in parallel, store in batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

from examples.code_index.events import Events
from examples.code_index.model import Skipped, SourceFile, Tally
from examples.code_index.parsing import find_sources, parse
from typedbridge import sync_to_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor
    from pathlib import Path

    from examples.code_index.repository import Repository

    Parse: TypeAlias = Callable[[Path], Awaitable[SourceFile | Skipped]]

BATCH: Final = 50
"""Files in one transaction."""


async def index(
    root: Path,
    repository: Repository,
    *,
    jobs: int,
    tally: Tally,
    on_progress: Callable[[], None],
    executor: Executor | None = None,
) -> None:
    """Find files, parse them, and store what is in them, all at the same time.

    :param root: a directory, or one file.
    :param repository: where to.
    :param jobs: how many files to parse at a time.
    :param tally: counts files as they are found and done.
    :param on_progress: called on the event loop after each file.
    :param executor: parses; by default the worker threads do.
    """
    parse_file = sync_to_async(parse, thread_sensitive=False, executor=executor)
    events = Events(size=BATCH)
    batch: list[SourceFile] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(_parse_all(root, parse_file, events, jobs=jobs, tally=tally))
        async for event in events:
            match event:
                case SourceFile():
                    tally.parsed += 1
                    batch.append(event)
                case Skipped():
                    tally.skipped.append(event)
            on_progress()
            if len(batch) == BATCH:
                await repository.add(batch)
                batch = []
    await repository.add(batch)


async def _parse_all(
    root: Path, parse_file: Parse, events: Events, *, jobs: int, tally: Tally
) -> None:
    """Parse everything, ``jobs`` files at a time, then end the stream of events."""
    paths: asyncio.Queue[Path | None] = asyncio.Queue()
    async with asyncio.TaskGroup() as group, find_sources(root, events) as sources:
        for _ in range(jobs):
            group.create_task(_parse_some(paths, parse_file, events))
        async for path in sources:
            tally.found += 1
            await paths.put(path)
        for _ in range(jobs):
            await paths.put(None)
    await events.close()


async def _parse_some(paths: asyncio.Queue[Path | None], parse_file: Parse, events: Events) -> None:
    """Take files from a queue that is shared with the other jobs, until there are no more."""
    while (path := await paths.get()) is not None:
        await events.publish(await parse_file(path))
