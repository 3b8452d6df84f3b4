"""The bridge between sync and async Python for codebases that type-check strictly."""

from __future__ import annotations

from typedbridge._current_thread import CurrentThreadExecutor
from typedbridge._local import Local
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
