"""Runs programs with both libraries, each in a process of its own, and compares what they saw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from fuzz.excuses import excuse

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from fuzz.programs import Steps

TESTS: Final = Path(__file__).resolve().parent.parent

BATCH: Final = 200
"""Programs in one process."""

PACKAGES: Final = ("asgiref", "typedbridge")


class Runner(Protocol):
    """Runs programs with one library."""

    # Any: parsed JSON.
    def outcome(self, program: Steps) -> Any: ...
    def end(self) -> None: ...


class Worker:
    """A process that runs programs with one library."""

    def __init__(self, package: str, limit: float = 2) -> None:
        self._package = package
        self._limit = limit
        self._process: subprocess.Popen[str] | None = None
        self._left = 0

    def outcome(self, program: Steps) -> Any:  # Any: parsed JSON
        """What the program saw; a process that hangs or dies is replaced."""
        if self._process is None or not self._left:
            self.end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fuzz.worker", self._package, str(self._limit)],
                cwd=TESTS,
                # Programs with many calls at once must not wait for a thread of the pool.
                env={**os.environ, "ASGI_THREADS": "64"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            self._left = BATCH
        self._left -= 1
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(program), file=process.stdin, flush=True)
        answer = process.stdout.readline()
        found = json.loads(answer) if answer else ["died", []]
        if found[0] in {"hangs", "died"}:
            process.kill()
            self.end()
        return found

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def patient_outcome(package: str, program: Steps) -> Any:  # Any: parsed JSON
    """What a program saw that is the first in its process, and has a lot of time."""
    worker = Worker(package, 10)
    try:
        return worker.outcome(program)
    finally:
        worker.end()


class Comparison:
    """Both libraries, and how programs compared."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.workers: dict[str, Runner] = {package: Worker(package) for package in PACKAGES}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self.workers.values():
            worker.end()

    def check(self, program: Steps) -> None:
        """Run a program with both.

        :raises AssertionError: when the outcomes differ, and nothing on the list says so.
        """
        asgiref, ours = [self.workers[package].outcome(program) for package in PACKAGES]
        if ours[0] == "hangs" != asgiref[0]:
            # Perhaps only slow. With more time, and nothing that other programs have left.
            asgiref, ours = [patient_outcome(package, program) for package in PACKAGES]
        if asgiref == ours:
            self.count["equal"] += 1
            return
        found = excuse(program, asgiref, ours)
        if found is not None:
            self.count[found] += 1
            return
        lines = [json.dumps(program), f"asgiref:     {asgiref}", f"typedbridge: {ours}"]
        raise AssertionError("\n".join(lines))
