"""Which differences on the list a generated program may show, and where they are seen."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from parity.differences import Item

from fuzz.programs import walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzz.programs import Steps

NO_OUTCOME: Final = {"hangs", "died"}


class Excuse(NamedTuple):
    """A difference that is meant.

    :param applies: whether a program does what it takes.
    :param mask: hides in an outcome what may differ then, and nothing else.
    """

    item: Item
    applies: Callable[[Steps], bool]
    # Any: parsed JSON.
    mask: Callable[[Any], Any]


def has_thread_with_the_context(program: Steps) -> bool:
    return any(step[:2] == ["thread", True] for _, step in walk(program))


# Any: see Excuse.
def without_locals_of_threads(seen: Any, *, inside: bool = False) -> Any:
    """Hide what `Local` held in threads that began with a copy of the context."""
    if not isinstance(seen, list):
        return seen
    if inside and seen[:1] == ["local"]:
        return ["local"]
    inside = inside or seen[:1] == ["thread with the context"]
    return [without_locals_of_threads(one, inside=inside) for one in seen]


def forces_a_loop_below_a_call(program: Steps) -> bool:
    return any(
        step[:2] == ["to loop", True] and any(outer[0] == "to thread" for outer in path)
        for path, step in walk(program)
    )


# Any: see Excuse.
def without_loops(seen: Any) -> Any:
    """Hide which loop it was."""
    if isinstance(seen, list):
        return [without_loops(one) for one in seen]
    return "loop" if isinstance(seen, str) and seen.endswith("'s loop") else seen


def asks_in_a_handler(program: Steps) -> bool:
    """A step asks what is handled, in or after the handler of another error."""
    return any(
        step == ["handled"] and any(outer[0] == "try" for outer in path)
        for path, step in walk(program)
    )


# Any: see Excuse.
def without_handled(seen: Any) -> Any:
    """Hide what was being handled."""
    if not isinstance(seen, list):
        return seen
    return ["handled"] if seen[:1] == ["handled"] else [without_handled(one) for one in seen]


EXCUSES: Final = (
    Excuse(Item.STILL_HANDLED, asks_in_a_handler, without_handled),
    Excuse(Item.STARTED_ELSEWHERE, has_thread_with_the_context, without_locals_of_threads),
    Excuse(Item.ENCLOSING_LOOP, forces_a_loop_below_a_call, without_loops),
)


# Any: see Excuse.
def excuse(program: Steps, asgiref: Any, ours: Any) -> str | None:
    """Tell why two outcomes may differ; nothing if they may not."""
    if asgiref[0] in NO_OUTCOME and ours[0] not in NO_OUTCOME:
        return "asgiref hangs"
    meant = [one for one in EXCUSES if one.applies(program)]
    # As few as will do.
    for number in range(1, len(meant) + 1):
        for chosen in combinations(meant, number):
            theirs, mine = asgiref, ours
            for one in chosen:
                theirs, mine = one.mask(theirs), one.mask(mine)
            if theirs == mine:
                return " and ".join(one.item.name for one in chosen)
    return None
