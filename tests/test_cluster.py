"""A Dask cluster as executor: a real one, over loopback."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cluster_work
import pytest

from typedbridge import sync_to_async, sync_to_async_iter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

# Its own threads and sockets end in their own time.
pytestmark = [
    pytest.mark.plain,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    """Two workers in processes of their own."""
    distributed: Any = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as processes,
        distributed.Client(processes) as client,
    ):
        client.run(import_from, str(Path(__file__).parent))
        yield client.get_executor()


def import_from(folder: str) -> None:
    """Have a worker find this folder's modules."""
    import sys

    sys.path.insert(0, folder)


async def test_a_function_runs_on_a_worker(cluster: Executor) -> None:
    """Arguments and results cross, and the loop goes on meanwhile."""
    call = sync_to_async(cluster_work.decorated.func, thread_sensitive=False, executor=cluster)
    results = await asyncio.gather(*map(call, range(5)))
    assert [0, 2, 4, 6, 8] == [twice for twice, _ in results]
    assert os.getpid() not in {process for _, process in results}


async def test_a_function_without_a_name_crosses(cluster: Executor) -> None:
    """It is sent by value: a cluster is used from notebooks."""
    one = 1

    def add(number: int) -> int:
        return number + one

    assert 3 == await sync_to_async(add, thread_sensitive=False, executor=cluster)(2)


async def test_calls_with_equal_arguments_are_two_calls(cluster: Executor, tmp_path: Path) -> None:
    """Dask would take them for one, which runs once."""
    runs = str(tmp_path / "runs")
    call = sync_to_async(cluster_work.count, thread_sensitive=False, executor=cluster)
    await call(runs)
    await asyncio.gather(call(runs), call(runs))
    assert 4 == await call(runs)


async def test_an_error_comes_back(cluster: Executor) -> None:
    """It is the function's own."""
    with pytest.raises(LookupError, match="on the worker"):
        await sync_to_async(cluster_work.fail, thread_sensitive=False, executor=cluster)()


async def test_what_cannot_be_sent_is_named(cluster: Executor) -> None:
    """The error names function and argument, and nothing waits."""
    call = sync_to_async(cluster_work.count, thread_sensitive=False, executor=cluster)
    lock: Any = threading.Lock()
    with pytest.raises(pickle.PicklingError, match=r"cluster_work\.count.*argument 'path'.*lock"):
        await call(lock)


async def test_a_worker_dies_in_mid_call(cluster: Executor, tmp_path: Path) -> None:
    """The cluster gives the call to another worker, and the task never learns of it."""
    runs = tmp_path / "runs"
    call = sync_to_async(cluster_work.die_once, thread_sensitive=False, executor=cluster)
    assert await call(str(runs)) != os.getpid()
    assert ".." == runs.read_text()


async def test_the_example_parses_on_the_cluster(cluster: Executor, tmp_path: Path) -> None:
    """One line of it names the executor."""
    from examples.code_index.model import Tally
    from examples.code_index.pipeline import index
    from examples.code_index.repository import Repository

    (tmp_path / "one.py").write_text("def one(): pass\nclass Two: pass\n")
    (tmp_path / "bad.py").write_text("def")
    tally = Tally()
    repository = await Repository.open(":memory:")
    await index(
        tmp_path, repository, jobs=2, tally=tally, on_progress=lambda: None, executor=cluster
    )
    summary = await repository.summary()
    await repository.close()
    assert (1, 1, 1) == (summary.files, summary.functions, summary.classes)
    assert [str(tmp_path / "bad.py")] == [skipped.path for skipped in tally.skipped]


def test_a_stream_is_refused(cluster: Executor) -> None:
    """It cannot be stepped through on a worker."""
    with pytest.raises(TypeError, match=r"ClientExecutor.*collect a list"):
        sync_to_async_iter([1], thread_sensitive=False, executor=cluster)
