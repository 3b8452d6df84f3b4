"""From a list of files to a full index: parse in parallel, store in batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from examples.code_index.events import Events
from examples.code_index.model import Skipped, SourceFile, Tally
from examples.code_index.parsing import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from examples.code_index.repository import Repository

BATCH: Final = 50
"""Files in one transaction."""


async def index(
    paths: Sequence[Path],
    repository: Repository,
    *,
    jobs: int,
    tally: Tally,
    on_progress: Callable[[], None],
) -> None:
    """Parse files and store what is in them.

    :param paths: the files.
    :param repository: where to.
    :param jobs: how many files to parse at a time.
    :param tally: counts files as they are done.
    :param on_progress: called on the event loop after each file.
    """
    events = Events(size=BATCH)
    batch: list[SourceFile] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(_parse_all(paths, events, jobs=jobs))
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


async def _parse_all(paths: Sequence[Path], events: Events, *, jobs: int) -> None:
    """Parse everything, ``jobs`` files at a time, then end the stream of events."""
    remaining = iter(paths)
    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(_parse_some(remaining, events))
    await events.close()


async def _parse_some(remaining: Iterator[Path], events: Events) -> None:
    """Take files from a list that is shared with the other jobs, until none is left."""
    for path in remaining:
        source_file = await parse(path, events)
        if source_file is not None:
            await events.publish(source_file)
