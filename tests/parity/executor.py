"""Programs: CurrentThreadExecutor."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from parity.library import Library, attempt, kind, program


def submit(lib: Library, executor: Any, function: Any, *args: object) -> Any:
    """Submit from another thread, as nothing else is allowed."""
    return lib.in_thread(lambda: executor.submit(function, *args))


def ended() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


@program
def submitted_before_it_runs(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    seen: list[object] = []
    stop: Future[None] = Future()
    futures = [submit(lib, executor, seen.append, number) for number in range(3)]
    futures.append(submit(lib, executor, lib.where))
    before = [future.done() for future in futures], list(seen)
    submit(lib, executor, stop.set_result, None)
    returned = executor.run_until_future(stop)
    return before, seen, [future.result() for future in futures], returned


@program
def submitted_while_it_runs(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    stop: Future[None] = Future()
    results: list[object] = []

    def work() -> None:
        results.extend(executor.map(lambda number: (number, lib.where()), [1, 2]))
        stop.set_result(None)

    thread = threading.Thread(target=work)
    thread.start()
    executor.run_until_future(stop)
    thread.join()
    return results


@program
def submitted_from_its_own_thread(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    stop: Future[None] = Future()
    before = attempt(executor.submit, int)
    seen: list[object] = []
    submit(lib, executor, lambda: seen.append(attempt(executor.submit, int)))
    submit(lib, executor, stop.set_result, None)
    executor.run_until_future(stop)
    return before, seen, attempt(executor.submit, int)


@program
def run_from_another_thread(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    return lib.in_thread(lambda: attempt(executor.run_until_future, ended()))


@program
def errors_of_submitted_work(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    stop: Future[None] = Future()

    def fail(error: BaseException) -> None:
        raise error

    failed = [submit(lib, executor, fail, error) for error in (KeyError(), SystemExit())]
    submit(lib, executor, stop.set_result, None)
    executor.run_until_future(stop)
    return [kind(future.exception()) for future in failed]


@program
def futures_that_end_it(lib: Library) -> object:
    failed: Future[None] = Future()
    failed.set_exception(KeyError())
    cancelled: Future[None] = Future()
    cancelled.cancel()
    return [
        attempt(lib.CurrentThreadExecutor(None).run_until_future, future)
        for future in (ended(), failed, cancelled)
    ]


@program
def work_that_was_cancelled(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    seen: list[object] = []
    stop: Future[None] = Future()
    future = submit(lib, executor, seen.append, "ran")
    cancelled = future.cancel()
    submit(lib, executor, stop.set_result, None)
    executor.run_until_future(stop)
    return cancelled, seen


@program
def work_that_waits_when_it_ends(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    seen: list[object] = []
    stop: Future[None] = Future()
    submit(lib, executor, stop.set_result, None)
    future = submit(lib, executor, seen.append, "after the end")
    executor.run_until_future(stop)
    return seen, future.done()


@program
def submitted_after_it_ran(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    executor.run_until_future(ended())
    again = attempt(executor.run_until_future, ended())
    return attempt(submit, lib, executor, int), again


@program
def passed_on_to_the_old_executor(lib: Library) -> object:
    old = lib.CurrentThreadExecutor(None)
    new = lib.CurrentThreadExecutor(old)
    newest = lib.CurrentThreadExecutor(new)
    new.run_until_future(ended())
    newest.run_until_future(ended())
    future = submit(lib, newest, lib.where)
    before = future.done()
    stop: Future[None] = Future()
    submit(lib, old, stop.set_result, None)
    old.run_until_future(stop)
    return before, future.result(), attempt(submit, lib, newest, int)


@program
def needs_an_old_executor_or_none(lib: Library) -> object:
    return attempt(lib.CurrentThreadExecutor)


@program
def shut_down_while_unused(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    executor.shutdown()
    return submit(lib, executor, int).done()


@program
def keywords_of_submitted_work(lib: Library) -> object:
    executor = lib.CurrentThreadExecutor(None)
    stop: Future[None] = Future()

    def work(*args: object, **kwargs: object) -> object:
        return args, kwargs

    future = lib.in_thread(lambda: executor.submit(work, 1, executor=2, timeout=3))
    submit(lib, executor, stop.set_result, None)
    executor.run_until_future(stop)
    return future.result()
