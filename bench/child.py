"""Samples that come from another process, and that process: ``python -m bench.child ROW CONTESTANT``.

It reads a number of calls from each line of its input and answers with a line that holds the
figure.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

from bench.model import ASGIREF, OURS, Entry, Row, Sample
from bench.timing import CLOCK_VARIABLE

ROOT: Final = Path(__file__).resolve().parent.parent
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

#: The least around an import: this module has already imported half of asyncio.
IMPORT: Final = f"""\
import os, sys, time
clock = time.process_time if os.environ.get({CLOCK_VARIABLE!r}) == "cpu" else time.perf_counter
sys.stdin.readline()
start = clock()
import {{module}}
print((clock() - start) * 1e3)
"""


@contextmanager
def kept(command: Sequence[str], variables: Mapping[str, str] = NOTHING) -> Iterator[Sample]:
    """One process for all samples; *command* is what Python is started with."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        # A pool as large as the barrier of the cold rows, for both bridges.
        env={**os.environ, "ASGI_THREADS": "32", **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    assert stdin is not None  # Popen was asked for all three
    assert stdout is not None
    assert stderr is not None

    def ask(calls: int) -> float:
        try:
            print(calls, file=stdin, flush=True)
        except BrokenPipeError:
            answer = ""
        else:
            answer = stdout.readline()
        if not answer:
            report = stderr.read().strip()
            raise RuntimeError(report.rpartition("\n")[2] or "the child process ended")
        return float(answer)

    try:
        yield ask
    finally:
        try:
            # Closes its input, which ends it.
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextmanager
def fresh(command: Sequence[str], variables: Mapping[str, str] = NOTHING) -> Iterator[Sample]:
    """A new process for every sample."""

    def sample(calls: int) -> float:
        with kept(command, variables) as ask:
            return ask(calls)

    yield sample


@contextmanager
def importing(module: str) -> Iterator[Sample]:
    """Milliseconds of an import in a new process, all with one place for compiled modules.

    The sample that does not count fills it: installed packages come compiled, a source tree may
    not, and some environments forbid writing beside the source.
    """
    with TemporaryDirectory() as cache:
        variables = {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        with fresh(["-c", IMPORT.format(module=module)], variables) as sample:
            yield sample


def imports(ours: str) -> dict[str, Entry]:
    """What each library's bridge costs before its first call."""
    modules = {"asyncio": "asyncio", "anyio": "anyio", "starlette": "starlette.concurrency"}
    modules |= {ASGIREF: f"{ASGIREF}.sync", OURS: ours}
    return {name: partial(importing, module) for name, module in modules.items()}


def enter(row: Row, contestant: str) -> AbstractContextManager[Sample]:
    """Get a contestant ready, in the process that the row asks for."""
    if not row.process:
        return row.entries[contestant]()
    command = ["-m", "bench.child", row.name, contestant]
    return kept(command) if row.process == "kept" else fresh(command)


def main() -> None:
    # Not at the top: the rows know this module.
    from bench.rows import select  # noqa: PLC0415

    name, contestant = sys.argv[1:]
    (row,) = select([name])
    with row.entries[contestant]() as sample:
        for line in sys.stdin:
            print(sample(int(line)), flush=True)


if __name__ == "__main__":
    main()
