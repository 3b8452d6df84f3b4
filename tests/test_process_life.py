"""Fork, Ctrl-C and interpreter exit, each in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import pytest

import typedbridge

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS: Final = Path(__file__).parent / "process_life"

LIMIT: Final = 30.0
"""Seconds until a process that never ends is killed, and its test fails."""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


class Script:
    """A running script that is talked to through its standard streams."""

    def __init__(self, name: str, *arguments: str) -> None:
        # The library under test need not be installed where the script runs.
        search = [str(Path(typedbridge.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            # Since 3.12 any fork with threads warns; that it works all the same is what is tested.
            [sys.executable, "-W", "ignore::DeprecationWarning", SCRIPTS / name, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, search))},
            # A group of its own: forked children are killed with it.
            start_new_session=True,
        )
        self.seen: list[str] = []

    def says(self, line: str) -> None:
        """Read until the script says this line."""
        assert self.process.stdout is not None
        for said in self.process.stdout:
            self.seen.append(said.rstrip())
            if self.seen[-1] == line:
                return
        pytest.fail(f"never said {line!r}, but {self.seen}: {self.errors()}")

    def hears(self, line: str) -> None:
        """Write a line to the script."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it, and with it what it forked."""
        if sys.platform == "win32":
            self.process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def ends(self, code: int = 0) -> list[str]:
        """Wait for the script's end; it must have this exit code and no complaint."""
        output, errors = self.process.communicate()
        assert (code, "") == (self.process.returncode, errors), (self.seen, output)
        self.seen.extend(output.splitlines())
        return self.seen


class Start(Protocol):
    def __call__(self, name: str, *arguments: str) -> Script: ...


@pytest.fixture
def start() -> Iterator[Start]:
    """Start scripts, and kill what is still there after the limit or at the end."""
    with contextlib.ExitStack() as stack:

        def start_one(name: str, *arguments: str) -> Script:
            script = Script(name, *arguments)
            stack.enter_context(script.process)
            stack.callback(script.kill)
            watchdog = threading.Timer(LIMIT, script.kill)
            watchdog.start()
            stack.callback(watchdog.cancel)
            return script

        yield start_one


@needs_fork
class TestFork:
    """The child starts with no lanes, loops or frames of the parent."""

    def test_after_both_ways_were_used(self, start: Start) -> None:
        """Threads that are gone in the child are not waited for, at its exit neither."""
        assert [
            "before (5, 5, 5)",
            "child (5, 5, 5)",
            "exit code 7",
            "parent (5, 5, 5)",
        ] == start("fork_idle.py").ends()

    def test_while_the_parents_threads_are_busy(self, start: Start) -> None:
        """A held lane, worker and loop thread are the parent's affair; there they go on."""
        assert [
            "child (6, 6, 6)",
            "exit code 7",
            "parent [\"['held', 'held']\", 'held'] (6, 6, 6)",
        ] == start("fork_busy.py").ends()

    def test_in_the_middle_of_a_call(self, start: Start) -> None:
        """In every kind of thread; the parent's call goes on afterwards."""
        # 10 is the child's code: 5 for each way in; 5 more is the parent's own call.
        assert [
            "lane 15",
            "worker 15",
            "frame 15",
            "worker of a frame 15",
            "loop 15",
            "library's loop 15",
        ] == start("fork_inside.py").ends()

    def test_while_other_threads_call_without_a_pause(self, start: Start) -> None:
        """At whatever moment, nothing that a thread held is missing in the child."""
        assert [f"codes {[5] * 10}"] == start("fork_often.py").ends()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
class TestInterrupt:
    """Ctrl-C while the main thread is blocked in async_to_sync."""

    @pytest.mark.parametrize("case", ["cleaned_up", "unnoticed"])
    def test_the_coroutine_is_cancelled_and_cleaned_up(self, start: Start, case: str) -> None:
        """Then KeyboardInterrupt rises; the library can be used afterwards.

        Also when the signal does not wake the main thread: a lock that blocks it misses one that comes
        just before.
        """
        script = start("interrupt.py", case)
        script.says("begun")
        script.interrupt()
        assert [
            "begun",
            "cancelled",
            "in main True",
            "cleaned up",
            "interrupted",
            "afterwards 4",
        ] == script.ends()

    def test_a_coroutine_that_swallows_the_cancellation(self, start: Start) -> None:
        """KeyboardInterrupt rises all the same."""
        script = start("interrupt.py", "swallowed")
        script.says("begun")
        script.interrupt()
        assert ["begun", "swallowed", "interrupted", "afterwards 4"] == script.ends()

    def test_a_second_one_stops_waiting(self, start: Start) -> None:
        """A cleanup that never ends holds up neither the caller nor the exit."""
        script = start("interrupt.py", "stuck")
        script.says("begun")
        script.interrupt()
        script.says("stuck")
        script.interrupt()
        assert ["begun", "stuck", "interrupted"] == script.ends()

    @pytest.mark.parametrize("error", ["SystemExit", "LookupError", "KeyboardInterrupt"])
    @pytest.mark.parametrize("number", ["SIGTERM", "SIGALRM", "SIGUSR1"])
    def test_other_signals_whose_handlers_raise(
        self, start: Start, number: str, error: str
    ) -> None:
        """As Ctrl-C: the cleanup comes first, then the error rises; a second one stops waiting."""
        script = start("raising_handler.py", number, error)
        assert [
            "in main True",
            "cleaned up",
            "raised",
            "afterwards 4",
            "in main True",
            "raised",
            "afterwards 4",
        ] == script.ends()

    def test_in_a_frame_under_a_frame(self, start: Start) -> None:
        """It rises through function and coroutine, from the inside out."""
        script = start("interrupt.py", "nested")
        script.says("begun")
        script.interrupt()
        assert [
            "begun",
            "cancelled",
            "in main True",
            "cleaned up",
            "function interrupted",
            "outer coroutine interrupted",
            "interrupted",
            "afterwards 4",
        ] == script.ends()

    def test_while_the_main_thread_runs_a_function_of_its_frame(self, start: Start) -> None:
        """The function is interrupted, as it would be without the library."""
        script = start("interrupt.py", "in_a_function")
        script.says("begun")
        script.interrupt()
        assert ["begun", "coroutine interrupted", "interrupted", "afterwards 4"] == script.ends()


class TestExit:
    """Running work finishes, idle threads never delay the end, late calls never hang."""

    @pytest.mark.parametrize("kind", ["lane", "worker"])
    def test_running_work_finishes(self, start: Start, kind: str) -> None:
        """Also when nobody awaits it any more."""
        script = start("exit_with_running_work.py", kind)
        script.says("exit begins")
        script.hears("go on")
        assert ["exit begins", "function finished"] == script.ends()

    def test_a_blocked_thread_of_the_users_finishes(self, start: Start) -> None:
        """Its coroutine goes on after the main thread's end, its sensitive calls too."""
        script = start("exit_with_blocked_thread.py")
        script.says("main ends")
        script.hears("go on")
        assert ["main ends", "coroutine finished True"] == script.ends()

    def test_running_work_may_make_calls(self, start: Start) -> None:
        """The threads that are to serve them are still there."""
        script = start("exit_with_work_that_calls.py")
        script.says("exit begins")
        script.hears("go on")
        assert ["exit begins", "pool 4", "frame True", "lane 5"] == script.ends()

    def test_a_thread_that_goes_on_calling_does_not_prevent_it(self, start: Start) -> None:
        """Once what was running has finished, nothing new begins."""
        assert [] == start("exit_while_called.py").ends()

    def test_idle_threads_do_not_delay_it(self, start: Start) -> None:
        """Lanes, workers and loop threads end with the process."""
        assert ["120 6"] == start("exit_idle.py").ends()

    def test_calls_during_the_exit_work_or_raise_one_clear_error(self, start: Start) -> None:
        """From atexit functions of both kinds of order, and from __del__."""
        main, *late = start("exit_calls.py").ends()
        assert "main 4 4 4 4" == main
        assert 12 == len(late)
        for line in late:
            if "RuntimeError" in line:
                assert "the interpreter is exiting" in line
            else:
                assert "worked" in line

    def test_calls_from_atexit_functions_registered_later_work(self, start: Start) -> None:
        """They run before the library ends its threads."""
        lines = start("exit_calls.py").ends()
        assert [
            "late to_thread worked 4",
            "late to_pool worked 4",
            "late to_loop worked 4",
            "late both worked 4",
        ] == [line for line in lines if line.startswith("late")]

    @pytest.mark.parametrize(
        ("where", "code"), [("coroutine", 3), ("function", 4), ("function in a frame", 4)]
    )
    def test_system_exit_passes(self, start: Start, where: str, code: int) -> None:
        """The process ends with its code."""
        assert [] == start("exit_code.py", where).ends(code)

    @pytest.mark.parametrize("how", ["open", "dropped"])
    @pytest.mark.parametrize(
        "place", ["lane", "context", "alone", "executor", "worker pool", "loop", "call"]
    )
    def test_open_streams_do_not_delay_it(self, start: Start, place: str, how: str) -> None:
        """Nor managers that were entered, wherever they have a thread or a task."""
        assert ["0", "0", "entered"] == start("exit_with_open_streams.py", place, how).ends()

    @pytest.mark.parametrize("place", ["executor", "worker pool"])
    def test_an_executor_with_open_streams_can_be_shut_down(self, start: Start, place: str) -> None:
        """Though each has one of its threads, and the shutdown waits for these."""
        lines = start("exit_with_open_streams.py", place, "shut down").ends()
        assert ["0", "0", "entered"] == lines
