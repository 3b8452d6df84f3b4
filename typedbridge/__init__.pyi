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
from typedbridge.waits import (
    Diagnosis,
    Running,
    Wait,
    diagnose,
    diagnose_on_signal,
    log_waits_longer_than,
)

__all__ = [
    "AsyncSingleThreadContext",
    "AsyncToSync",
    "CurrentThreadExecutor",
    "DeadlockError",
    "Diagnosis",
    "Local",
    "Running",
    "SyncToAsync",
    "ThreadSensitiveContext",
    "Wait",
    "async_to_sync",
    "call_async",
    "call_sync",
    "cancelled",
    "check_cancelled",
    "diagnose",
    "diagnose_on_signal",
    "iscoroutinefunction",
    "log_waits_longer_than",
    "markcoroutinefunction",
    "sync_to_async",
]
