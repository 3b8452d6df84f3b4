"""Lanes and pools whose threads end while work arrives: every job is done, every thread ends."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

import pytest
from conftest import LIMIT

from typedbridge._core.pool import Pool
from typedbridge._core.workers import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def submit(executor: Lane | Pool, futures: list[Future[int]]) -> None:
    """Submit some work, for as long as it is taken."""
    for _ in range(20):
        try:
            futures.append(executor.submit(int))
        except RuntimeError:
            return


def end(executor: Lane | Pool) -> None:
    executor.finish()


def shut_down(executor: Lane | Pool) -> None:
    executor.shutdown(wait=False)


@pytest.mark.parametrize(
    ("make", "stop"),
    [
        pytest.param(lambda: Lane("a lane"), end, id="lane"),
        pytest.param(lambda: Lane("a lane"), shut_down, id="lane-shut-down"),
        pytest.param(lambda: Pool(3, 9), end, id="pool"),
    ],
)
def test_no_job_is_forgotten(
    make: Callable[[], Lane | Pool], stop: Callable[[Lane | Pool], None]
) -> None:
    """Work that arrives as the thread leaves gets another one, or an error where none may start."""
    for _ in range(50):
        executor = make()
        futures: list[Future[int]] = []
        threads = [threading.Thread(target=submit, args=(executor, futures)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            stop(executor)
        for thread in threads:
            thread.join()
        assert set() == wait(futures, LIMIT).not_done
        for thread in executor.finish():
            thread.join(LIMIT)
            assert not thread.is_alive()
