"""Draw programs, judge many of them in one run of mypy, and make a faulty one small."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from typecheck_tests.generated.oracle import Fault, Judge
from typecheck_tests.generated.programs import programs

__all__ = ["Search", "kind"]

# Programs in one run of mypy, which holds all of them in memory.
_BATCH: Final = 250


class _FoundError(Exception):
    """A program has the fault that is looked for."""


def kind(fault: Fault) -> str:
    """What faults of one cause have in common: all but names and numbers."""
    said = re.sub(r'"[^"]*"|[0-9]+', "_", fault.said)
    return f"{fault.what}: {said}"[:110]


@dataclass
class Search:
    """Programs of one seed: the same ones each time.

    :ivar judge: an entered judge.
    :ivar examples: how many programs are drawn; those that come twice are judged once.
    :ivar number: the seed.
    """

    judge: Judge
    examples: int
    number: int
    # What is known by now.
    verdicts: dict[str, list[Fault]] = field(default_factory=dict[str, list[Fault]])

    def run(self) -> Iterator[tuple[str, list[Fault]]]:
        """Give each program that mypy is wrong about, with its faults."""
        sources: dict[str, None] = {}
        self._draw(lambda source: sources.setdefault(source, None), [Phase.generate])
        everything = list(sources)
        for start in range(0, len(everything), _BATCH):
            batch = everything[start : start + _BATCH]
            self._learn(batch)
            for source in batch:
                if self.verdicts[source]:
                    yield source, self.verdicts[source]

    def smallest(self, wanted: str) -> str:
        """Return a program with a fault of that kind that nothing can be left out of.

        :param wanted: a `kind` that `run` has found.
        """
        last = ""

        def look(source: str) -> None:
            nonlocal last
            if source not in self.verdicts:
                self._learn([source])
            if any(kind(fault) == wanted for fault in self.verdicts[source]):
                last = source
                raise _FoundError

        # The same seed draws the same programs, whose verdicts are known: mypy is asked again only
        # about the smaller ones.
        with suppress(_FoundError):
            self._draw(look, [Phase.generate, Phase.shrink])
        return last

    def _learn(self, sources: Sequence[str]) -> None:
        self.verdicts.update(zip(sources, self.judge.faults(sources), strict=True))

    def _draw(self, take: Callable[[str], object], phases: list[Phase]) -> None:
        @seed(self.number)
        @settings(
            max_examples=self.examples,
            database=None,
            deadline=None,
            phases=phases,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(programs())
        def each(source: str) -> None:
            take(source)

        each()
