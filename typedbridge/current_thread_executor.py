"""An executor that runs work in the thread which made it."""

from __future__ import annotations

from typedbridge._core.current_thread import CurrentThreadExecutor

__all__ = ["CurrentThreadExecutor"]
