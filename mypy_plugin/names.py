"""Full names of what the plugin knows."""

from __future__ import annotations

from typing import Final

MODULE: Final = "typedbridge.sync"

SYNC_TO_ASYNC: Final = f"{MODULE}.sync_to_async"
ASYNC_TO_SYNC: Final = f"{MODULE}.async_to_sync"
CALL_SYNC: Final = f"{MODULE}.call_sync"
CALL_ASYNC: Final = f"{MODULE}.call_async"

STREAMS: Final = "typedbridge.streams"

TO_ASYNC_ITER: Final = f"{STREAMS}.sync_to_async_iter"
TO_ASYNC_GENERATOR: Final = f"{STREAMS}.sync_to_async_generator"
TO_SYNC_GENERATOR: Final = f"{STREAMS}.async_to_sync_generator"
TO_ASYNC_CONTEXT: Final = f"{STREAMS}.sync_to_async_context"
TO_SYNC_CONTEXT: Final = f"{STREAMS}.async_to_sync_context"

# The parameters that take what is wrapped.
GIVEN_AS: Final = frozenset({"func", "awaitable"})

# The classes that the decorators return, and their options forms.
TO_ASYNC_WRAPPER: Final = f"{MODULE}.SyncToAsync"
TO_SYNC_WRAPPER: Final = f"{MODULE}.AsyncToSync"
TO_ASYNC_OPTIONS: Final = f"{MODULE}._SyncToAsyncDecorator"
TO_SYNC_OPTIONS: Final = f"{MODULE}._AsyncToSyncDecorator"

# What an options form makes, by its class.
DECORATORS: Final = {
    TO_ASYNC_OPTIONS: SYNC_TO_ASYNC,
    TO_SYNC_OPTIONS: ASYNC_TO_SYNC,
    f"{STREAMS}._ToAsyncGenerator": TO_ASYNC_GENERATOR,
    f"{STREAMS}._ToSyncGenerator": TO_SYNC_GENERATOR,
    f"{STREAMS}._ToAsyncContext": TO_ASYNC_CONTEXT,
}

# The name under which mypy calls an options form for one item of an overloaded function.
TO_ASYNC_OPTIONS_ITEM: Final = "__call__ of _SyncToAsyncDecorator"
TO_SYNC_OPTIONS_ITEM: Final = "__call__ of _AsyncToSyncDecorator"

# mypy asks a plugin about a call of a call by the name in the callee's type. A bridge around a
# callable that has none gets this one.
UNNAMED: Final = "bridge"

AWAITABLE: Final = "typing.Awaitable"
COROUTINE: Final = "typing.Coroutine"
COROUTINE_TYPE: Final = "types.CoroutineType"
EXECUTOR: Final = "concurrent.futures._base.Executor"
GENERATOR: Final = "typing.Generator"
LRU_CACHES: Final = frozenset({"functools.cache", "functools.lru_cache"})
LRU_CACHE_WRAPPER: Final = "functools._lru_cache_wrapper"
PARTIAL: Final = "functools.partial"

# Where mypy's own functools plugin keeps the exact signature of a `partial`.
PARTIAL_SIGNATURE: Final = "__mypy_partial"

DESCRIPTORS: Final = {
    "builtins.classmethod": "classmethod",
    "builtins.staticmethod": "staticmethod",
}
