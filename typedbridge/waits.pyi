from dataclasses import dataclass

__all__ = [
    "Diagnosis",
    "Running",
    "Wait",
    "diagnose",
    "diagnose_on_signal",
    "log_waits_longer_than",
]

@dataclass(frozen=True)
class Running:
    function: str
    called_at: str
    thread: str
    stands_at: str

@dataclass(frozen=True)
class Wait:
    function: str
    called_at: str
    thread: str
    waits_for: str
    held_by: tuple[Running, ...] = ()

@dataclass(frozen=True)
class Diagnosis:
    waits: tuple[Wait, ...]
    cycles: tuple[tuple[Wait, ...], ...]

def diagnose() -> Diagnosis: ...
def diagnose_on_signal(signum: int | None = None) -> None: ...
def log_waits_longer_than(seconds: float | None) -> None: ...
