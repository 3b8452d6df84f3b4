"""Attribute namespaces that follow a call across threads and tasks."""

from __future__ import annotations

from typedbridge._core.local import Local

__all__ = ["Local"]
