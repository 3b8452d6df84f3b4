from __future__ import annotations

from typing import Literal, assert_type

from typedbridge.sync import SyncToAsync, cancelled, check_cancelled, sync_to_async


# case: what a cancelled call does
@sync_to_async(on_cancel="wait")
def patient(name: str) -> str:
    check_cancelled()
    return "" if cancelled() else name


async def use_patient(choice: Literal["abandon", "wait"] = "abandon") -> None:
    assert_type(await patient("a"), str)
    assert_type(await sync_to_async(len, on_cancel="abandon")("a"), int)
    assert_type(await sync_to_async(len, thread_sensitive=False, on_cancel=choice)("a"), int)
    await patient(1)  # E


# case: on_cancel has two values
def use_wrong_choice() -> None:
    sync_to_async(len, on_cancel="wiat")  # E
    sync_to_async(on_cancel=None)  # E
    SyncToAsync(len, on_cancel=True)  # E


# case: the class with on_cancel
class Worker:
    def _work(self, name: str) -> str:
        return name

    work = SyncToAsync(_work, False, on_cancel="wait")


async def use_worker() -> None:
    assert_type(await Worker().work("a"), str)
    assert_type(await SyncToAsync(len, on_cancel="wait")("a"), int)


# case: a function asks whether it was cancelled
def use_questions() -> None:
    assert_type(cancelled(), bool)
    if not cancelled():
        check_cancelled()
    cancelled("a")  # E
