"""What a call asks of the wrapper that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from contextvars import Context
    from typing import ClassVar, Protocol

    from typedbridge._core.cancellation import OnCancel
    from typedbridge._core.deadlock import Chained
    from typedbridge._core.placement import Placed

    # Any: whatever the wrapped function takes and returns.
    class Bridge(Placed, Chained, Protocol):
        """What a call asks of the wrapper that made it. Users replace the public attributes."""

        func: Callable[..., Any]
        context: Context | None
        _on_cancel: OnCancel

        #: `thread_handler` as the library has it.
        _plain_handler: ClassVar[object]

        @property
        def threadlocal(self) -> threading.local: ...
        def thread_handler(
            self,
            loop: AbstractEventLoop,
            exc_info: tuple[Any, Any, Any],
            task_context: list[Any] | None,
            func: Callable[..., Any],
            *args: Any,
            **kwargs: Any,
        ) -> Any: ...
