"""Programs that nobody wrote: mypy has no word about those that are right."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import pytest

from typecheck_tests.checkers import Diagnostic
from typecheck_tests.generated.oracle import Fault, Judge, compare
from typecheck_tests.generated.programs import HEAD
from typecheck_tests.generated.search import Search, kind

# The long run is `python -m typecheck_tests.generated --examples 5000`.
_EXAMPLES = 120
_SEED = 20261125

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def judge() -> Iterator[Judge]:
    with Judge() as judge:
        yield judge


def test_mypy_is_right_about_generated_programs(judge: Judge) -> None:
    """No false finding, and no error of the plugin or the stubs where asgiref's types have none."""
    found = [
        f"{fault}\n{source}"
        for source, faults in Search(judge, _EXAMPLES, _SEED).run()
        for fault in faults
    ]
    assert "" == "\n".join(found)


def _program(*lines: str) -> str:
    return "\n".join([*HEAD, *lines]) + "\n"


def _said(line: int, code: str = "arg-type") -> list[Diagnostic]:
    return [Diagnostic("program.py", len(HEAD) + line, code, "a message")]


_RIGHT = _program(
    "f = sync_to_async(plain)",
    "async def use_rightly() -> None:",
    "    print(await f(1))",
    "async def use_wrongly() -> None:",
    "    print(await f('a', []))",
)


@pytest.mark.parametrize(
    ("plugin", "stubs", "asgiref", "faults"),
    [
        ([], [], [], []),
        (_said(3), [], [], ["false alarm of the plugin"]),
        (_said(3), _said(3), _said(3), []),
        (
            _said(3),
            _said(3),
            [],
            [
                "false alarm, which asgiref has not",
                "false alarm of the stubs, which asgiref has not",
            ],
        ),
        ([], _said(3), _said(1), []),
        ([], _said(5), [], []),
        (_said(5), [], [], []),
        (_said(1, "bridge-async-function"), [], [], ["false finding"]),
        (_said(3, "bridge-blocking-call"), [], [], ["false finding"]),
    ],
)
def test_an_error_is_a_fault_where_the_program_runs(
    plugin: list[Diagnostic],
    stubs: list[Diagnostic],
    asgiref: list[Diagnostic],
    faults: list[str],
) -> None:
    """The plugin's always is; the stubs' is where asgiref's types accept the whole program."""
    assert faults == [fault.what for fault in compare(_RIGHT, plugin, stubs, asgiref)]


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        (["f = sync_to_async(aplain)"], _said(1, "bridge-async-function")),
        (["f = async_to_sync(plain)"], _said(1, "bridge-sync-function")),
        (
            ["f = a2s(aplain)", "async def use_it() -> None:", "    f(1)"],
            _said(3, "bridge-blocking-call"),
        ),
        (["def g(): yield", "f = Audited(g)"], _said(2, "bridge-generator")),
        # A coroutine function by its mark: refused when it is called.
        (
            ["f = a2s(made_sync(s2a(plain)))", "def use_it(): f(1)"],
            _said(1, "bridge-sync-function"),
        ),
        # Nothing is known of what follows from a failure.
        (["f = s2a(aplain)", "f(1)"], _said(2, "bridge-blocking-call")),
    ],
)
def test_a_finding_that_happens_is_no_fault(lines: list[str], finding: list[Diagnostic]) -> None:
    """It raises in the library, there or later."""
    assert [] == list(compare(_program(*lines), finding, [], []))


class _Doubtful(Judge):
    """Takes each program that uses `registry` for a fault."""

    def faults(self, sources: Sequence[str]) -> list[list[Fault]]:
        return [
            [Fault("false finding", 1, "it is registered")] if "registry" in source else []
            for source in sources
        ]


def test_a_program_with_a_fault_gets_small() -> None:
    """Of what the fault does not need little is left."""
    search = Search(_Doubtful(), 200, 1)
    found, faults = zip(*search.run(), strict=True)
    smallest = search.smallest(kind(faults[0][0]))
    assert "registry" in smallest
    assert len(smallest) < statistics.median(len(source) for source in found)


def test_a_seed_draws_the_same_programs_again() -> None:
    """So that a fault of one run is found in the next."""
    one, two = (Search(_Doubtful(), 50, 3) for _ in range(2))
    assert list(one.run()) == list(two.run())
    assert one.verdicts
