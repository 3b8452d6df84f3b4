"""The words of the benchmark: rows, contestants, samples and aims."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Literal

BAREST: Final = "barest"
BARE_FUTURES: Final = "bare futures"
ASGIREF: Final = "asgiref"
OURS: Final = "typedbridge"

#: Runs that many calls and answers with one figure, in the row's unit.
Sample = Callable[[int], float]
#: Gets a contestant ready (threads, loops), gives its sample, and cleans up at the end.
Entry = Callable[[], AbstractContextManager[Sample]]
#: A blocking function of one argument, to be awaited.
AsyncCall = Callable[[int], Awaitable[int]]
#: An async function of one argument, to be called blockingly.
SyncCall = Callable[[int], int]


@dataclass(frozen=True)
class Aim:
    """The most that typedbridge may cost.

    :param limit: a factor, or a figure in the row's unit when *against* is ``None``.
    :param against: the contestant that is 1.0.
    :param asgiref: asgiref's figure where a limit in units was set, so that the limit can also be
        told at asgiref's pace on another machine.
    """

    limit: float
    against: str | None = BAREST
    asgiref: float | None = None


@dataclass
class Question:
    """What a row asks, and what its record repeats.

    :param calls: calls in one sample, if the command line does not say otherwise.
    :param base: the contestant whose figure is 1.0 in the table; empty for a difference, which has no
        ratio worth printing.
    :param x: the place on the horizontal axis, for rows that are points of one curve.
    :param parts: what the barest hand-off is made of, as contestants of the row ``parts``; rows with
        parts get a stacked picture.
    """

    name: str
    title: str
    group: str
    unit: str = "us"
    calls: int = 1000
    base: str = BAREST
    aim: Aim | None = None
    x: int | None = None
    note: str = ""
    parts: Sequence[str] = ()


@dataclass(kw_only=True)
class Row(Question):
    """One question, asked of several contestants in turn.

    :param least: fewer calls would be another question (1000 at once needs 1000).
    :param quick: calls in a sample of the smoke run; 0 leaves the row out of it.
    :param fixed: the number of calls is part of the question.
    :param rounds: at most so many, where a sample takes long.
    :param process: take the samples in another process, one for all rounds or a new one each time.
    :param needs: modules without which there is no such row.
    """

    entries: Mapping[str, Entry]
    least: int = 1
    quick: int = 4
    fixed: bool = False
    rounds: int | None = None
    process: Literal["", "kept", "fresh"] = ""
    needs: Sequence[str] = ()
