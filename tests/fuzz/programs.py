"""Generates programs: lists of steps, each a list that begins with its name.

The steps of sync and of async code differ; those that hold other steps lead from one to the other.
What they do is in `machine`. Every program has one outcome, whatever the threads do: what runs side
by side shares nothing, and a call is cancelled where it is known to stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    # Any: nested lists of names, numbers and steps, as they go through JSON.
    Step = list[Any]
    Steps = list[Step]

DEPTH: Final = 4
"""Levels of steps within steps, at most."""

WAYS: Final = ("lane", "lane", "lane", "pool", "mine", "overridden", "own context")
"""How a sync function is called from async code; see `Machine.bridge_to_async`."""

COMMON: Final = st.one_of(
    st.just(["where"]),
    st.just(["get"]),
    st.just(["handled"]),
    st.tuples(st.just("set"), st.integers(0, 1), st.integers(0, 9)).map(list),
    st.just(["local get"]),
    st.tuples(st.just("local set"), st.integers(0, 9)).map(list),
    # No StopIteration: through a hop it makes asgiref hang.
    st.tuples(st.just("raise"), st.sampled_from(["ValueError", "KeyError", "Own"])).map(list),
)


def lists_of(step: SearchStrategy[Step]) -> SearchStrategy[Steps]:
    return st.lists(step, min_size=1, max_size=4)


def holding(name: str, *parts: SearchStrategy[Any]) -> SearchStrategy[Step]:
    """A step that holds other steps, and perhaps a choice."""
    return st.tuples(st.just(name), *parts).map(list)


class Where(NamedTuple):
    """What may be done where the steps are.

    :param depth: levels of steps that may follow.
    :param alone: nothing runs side by side: a call may be cancelled in the middle.
    :param lane: sensitive calls run one at a time, so one of them can be kept waiting.
    :param called: a function that a bridge has called is around. A thread that it starts without its
        context would wait for ever for the lane that the function holds, with either library.
    """

    depth: int
    alone: bool
    lane: bool = True
    called: bool = False


def sync_steps(where: Where) -> SearchStrategy[Steps]:
    """Steps of sync code."""
    choices = [COMMON]
    if where.depth:
        inside = where._replace(depth=where.depth - 1)
        same, coroutine = sync_steps(inside), async_steps(inside)
        choices += [
            holding("try", same, same),
            holding("to loop", st.booleans(), coroutine),
            holding("to loop", st.just(False), coroutine),
            holding("run", coroutine),
            holding("single", same),
            holding("thread", st.just(True) if where.called else st.booleans(), same),
        ]
    return lists_of(st.one_of(choices))


def async_steps(where: Where) -> SearchStrategy[Steps]:
    """Steps of async code."""
    choices = [COMMON, st.just(["turn"]), st.just(["cancel yourself"])]
    if where.lane:
        choices.append(st.just(["queued"]))
    if where.alone:
        choices.append(st.just(["until cancelled"]))
    if where.depth:
        inside = where._replace(depth=where.depth - 1)
        same, function = async_steps(inside), sync_steps(inside)
        called = sync_steps(inside._replace(called=True))
        choices += [
            holding("try", same, same),
            holding("to thread", st.sampled_from(WAYS), called),
            holding("to thread", st.sampled_from(WAYS), called),
            holding("inline", function),
            holding("task", same),
            holding("leave", same),
            holding("context", same),
            holding("executor context", async_steps(inside._replace(lane=False))),
        ]
        if where.alone:
            choices.append(holding("cancelled", same))
        else:
            choices.append(holding("gather", st.lists(same, min_size=2, max_size=3)))
    return lists_of(st.one_of(choices))


def programs() -> SearchStrategy[Steps]:
    """Whole programs: sync code, in a thread of its own."""
    return st.one_of(sync_steps(Where(DEPTH, alone=True)), sync_steps(Where(DEPTH, alone=False)))


def walk(steps: Steps, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Step]]:
    """Every step of a program, with those that it is inside of."""
    for step in steps:
        yield path, step
        for part in step[1:]:
            if isinstance(part, list) and part:
                inner = (
                    part if isinstance(part[0][0], str) else [one for many in part for one in many]
                )
                yield from walk(inner, (*path, step))
