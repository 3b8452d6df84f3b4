from __future__ import annotations

from typing import assert_type

from typedbridge import DeadlockError
from typedbridge.waits import Diagnosis, Running, Wait, diagnose, log_waits_longer_than


# case: who waits for whom, as data
def use_diagnosis() -> None:
    assert_type(diagnose(), Diagnosis)
    running = Running("f", "f.py:1", "MainThread", "f.py:2")
    wait = Wait("g", "g.py:1", "MainThread", "the worker pool", (running,))
    diagnosis = Diagnosis((wait,), ((wait,),))
    assert_type(diagnosis.waits, tuple[Wait, ...])
    assert_type(diagnosis.cycles, tuple[tuple[Wait, ...], ...])
    assert_type(wait.function, str)
    assert_type(wait.called_at, str)
    assert_type(wait.thread, str)
    assert_type(wait.waits_for, str)
    assert_type(wait.held_by, tuple[Running, ...])
    assert_type(running.stands_at, str)


# case: a diagnosis cannot be changed
def use_frozen() -> None:
    wait = Wait("f", "f.py:1", "MainThread", "the worker pool")
    print(wait)


def change(wait: Wait) -> None:
    wait.function = "g"  # E


# case: the chain of a DeadlockError
def use_chain() -> None:
    error = DeadlockError()
    assert_type(error.chain, tuple[Wait, ...])


# case: the time after which a wait is logged
def use_time() -> None:
    log_waits_longer_than(10)
    log_waits_longer_than(2.5)
    log_waits_longer_than(None)


def wrong_time() -> None:
    log_waits_longer_than("10")  # E
