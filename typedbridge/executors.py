"""Executors of the library, for ``executor=``."""

from __future__ import annotations

from typedbridge._core.worker_pool import PoolStatistics, WorkerPool

__all__ = ["PoolStatistics", "WorkerPool"]
