"""Where the two libraries may differ: the contract's list, and the programs that show it.

A program that differs and is not here fails; so does one that is here and no longer differs.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class Item(enum.Enum):
    """What the contract changes: its section 8 first, then sentences of its other sections."""

    CLASS_ACCESS = "8.1: class access returns the bridge"
    NAMES_TO_SYNC = "8.2: async_to_sync results carry name, doc, signature"
    REFUSED = "8.3: generators and misplaced class and static methods are refused"
    LOOPS_KEPT = "8.4: library loops are kept and reused"
    OWN_WORKERS = "8.5: insensitive calls use the library's workers, not the loop's executor"
    LATE_TASKS = "8.6: a sensitive call of a task that outlived its frame finds the next lane"
    NOTHING_STAYS = "8.7, 7: nothing about a finished call stays behind in a reused thread"
    LOOP_OF_A_CONTEXT = "3: one thread and one loop in an AsyncSingleThreadContext"
    NOT_CALLABLE = "2: what is warned of is a callable; anything else is refused"
    FRAME_OF_THE_CONTEXT = "1, row 4: the frame of the current context, wherever the context goes"
    EXECUTOR_REFUSED = "1: an executor without submit is refused when wrapping"
    BOUND = "1: on an instance, a bound method with __self__"
    STILL_HANDLED = "1: what is handled around a call is so after it, as without a bridge"
    TRACEBACK = "1: traceback length must not grow by a hop"
    NO_MARK = "1: a call that fails to be submitted leaves no mark behind"
    REENTRANT = "3: re-entrant, only the outermost counts"
    NEVER_CROSSES = "4: a thread-critical Local never crosses a hop"
    ENCLOSING_LOOP = "2: the loop of the enclosing call, if that still runs"
    STARTED_ELSEWHERE = "4: a Local is not inherited by a thread that started elsewhere"


class Difference(NamedTuple):
    """What both libraries must answer."""

    item: Item
    asgiref: object
    typedbridge: object


DIFFERENCES: Final[dict[str, Difference]] = {
    "class_access": Difference(
        Item.CLASS_ACCESS, (False, "raised TypeError"), (True, ("Holder", 5))
    ),
    "what_a_bridge_to_sync_shows": Difference(
        Item.NAMES_TO_SYNC,
        "raised AttributeError",
        (
            "async_plain",
            "Say what came in, async.",
            "(first: 'int', second: 'int' = 2) -> 'tuple[int, int]'",
        ),
    ),
    "generators_given_to_sync_to_async": Difference(
        Item.REFUSED, ("made", "made"), ("raised TypeError", "raised TypeError")
    ),
    "misplaced_static_method": Difference(Item.REFUSED, "made", "raised TypeError"),
    "loop_after_the_call": Difference(Item.LOOPS_KEPT, (True, False), (False, True)),
    "insensitive_where_the_loop_has_an_executor_of_the_users": Difference(
        Item.OWN_WORKERS, "mine", "worker"
    ),
    "loop_in_a_thread_that_once_ran_a_call": Difference(Item.NOTHING_STAYS, True, False),
    "task_that_outlives_its_frame": Difference(Item.LATE_TASKS, "raised RuntimeError", "lane"),
    "one_loop_for_async_code_in_a_single_thread_context": Difference(
        Item.LOOP_OF_A_CONTEXT, (False, True), (True, False)
    ),
    "not_callable": Difference(
        Item.NOT_CALLABLE,
        ("raised TypeError", "UserWarning"),
        ("raised TypeError", "raised TypeError"),
    ),
    "sensitive_from_another_loop_in_a_copied_context_in_a_frame": Difference(
        Item.FRAME_OF_THE_CONTEXT, "lane", "caller"
    ),
    "executor_without_submit": Difference(
        Item.EXECUTOR_REFUSED, "raised AttributeError", "raised TypeError"
    ),
    "self_of_a_bound_bridge": Difference(Item.BOUND, "raised AttributeError", True),
    "exception_handled_around_a_coroutine_that_has_caught_another": Difference(
        Item.STILL_HANDLED, None, "KeyError"
    ),
    "traceback_of_a_handled_exception_grows": Difference(
        Item.TRACEBACK, (True, True), (False, False)
    ),
    "call_after_one_that_could_not_be_submitted": Difference(
        Item.NO_MARK,
        ("raised RuntimeError", "raised RuntimeError"),
        ("raised RuntimeError", "lane"),
    ),
    "context_entered_again_while_it_is_in_force": Difference(
        Item.REENTRANT, ("worker", "worker", "lane"), ("worker", "worker", "worker")
    ),
    "thread_critical_across_hops_both_ways": Difference(
        Item.NEVER_CROSSES,
        (("nothing", "main", "nothing"), "inner"),
        (("nothing", "nothing", "nothing"), "main"),
    ),
    "loop_of_the_enclosing_call_after_work_of_a_new_loop": Difference(
        Item.ENCLOSING_LOOP, (True, False), (True, True)
    ),
    "frame_in_to_thread": Difference(Item.STARTED_ELSEWHERE, "main", "nothing"),
}
