from __future__ import annotations

from typing import Any, ParamSpec, Self, TypeVar, assert_type

from typedbridge.sync import SyncToAsync


P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def area(width: float, *, height: float = 1.0) -> float:
    return width * height


# case: a decorated method that returns Self
class Query:
    @SyncToAsync
    def filter(self, **lookups: Any) -> Self:
        return self


class BookQuery(Query):
    pass


async def use_query() -> None:
    assert_type(await Query().filter(a=1), Query)  # E: assert-type # E: call-arg
    assert_type(await BookQuery().filter(a=1), BookQuery)  # E: assert-type # E: call-arg
