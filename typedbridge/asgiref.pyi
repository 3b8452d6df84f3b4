from typing import Literal, NamedTuple

from typing_extensions import override

__all__ = ["Status", "TooLateError", "install", "pytest_addoption", "status"]

class TooLateError(RuntimeError):
    modules: tuple[str, ...]
    def __init__(self, modules: tuple[str, ...]) -> None: ...
    @override
    def __reduce__(self) -> tuple[type[TooLateError], tuple[tuple[str, ...]]]: ...

class Status(NamedTuple):
    state: Literal["absent", "not met", "beside", "installed", "apart"]
    version: str | None
    reason: str | None

def install() -> None: ...
def status() -> Status: ...
def pytest_addoption() -> None: ...
