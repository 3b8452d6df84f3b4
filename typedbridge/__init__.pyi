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
    cancelled,
    check_cancelled,
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
    "cancelled",
    "check_cancelled",
    "iscoroutinefunction",
    "markcoroutinefunction",
    "sync_to_async",
]
