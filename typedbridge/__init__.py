"""The bridge between sync and async Python for codebases that type-check strictly."""

from __future__ import annotations

from importlib import import_module

# Not typing's: nothing is imported before a name is used.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typedbridge.current_thread_executor import CurrentThreadExecutor
    from typedbridge.local import Local
    from typedbridge.sync import (
        AsyncSingleThreadContext,
        AsyncToSync,
        DeadlockError,
        SyncToAsync,
        ThreadSensitiveContext,
        async_to_sync,
        call_async,
        call_sync,
        iscoroutinefunction,
        markcoroutinefunction,
        sync_to_async,
    )

__all__ = [
    "AsyncSingleThreadContext",
    "AsyncToSync",
    "CurrentThreadExecutor",
    "DeadlockError",
    "Local",
    "SyncToAsync",
    "ThreadSensitiveContext",
    "async_to_sync",
    "call_async",
    "call_sync",
    "iscoroutinefunction",
    "markcoroutinefunction",
    "sync_to_async",
]

# Where a name is, if not in `typedbridge.sync`.
_ELSEWHERE = {
    "CurrentThreadExecutor": "typedbridge.current_thread_executor",
    "Local": "typedbridge.local",
}


def __getattr__(name: str) -> object:
    """Import a name when it is first asked for.

    mypy imports this package for the plugin that is below it, and needs neither the rest nor asyncio.
    """
    if name in {"current_thread_executor", "local", "sync"}:
        return import_module(f"typedbridge.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'typedbridge' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_ELSEWHERE.get(name, "typedbridge.sync")), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
