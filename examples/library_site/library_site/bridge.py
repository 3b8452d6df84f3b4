"""Which bridge the site uses: one switch, and the one place that the site imports it from.

``LIBRARY_SITE_BRIDGE`` is one of three ways:

``asgiref``
    typedbridge is not used.
``beside``
    The site's own code uses typedbridge, Django and channels go on using asgiref. The default.
``instead``
    typedbridge stands in asgiref's place, so Django and channels use it too.

A project of your own needs no such switch: it imports from ``typedbridge``, and for ``instead``
begins with the two lines that are in :func:`settle`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

WAYS: Final = ("asgiref", "beside", "instead")

WAY: Final = os.environ.get("LIBRARY_SITE_BRIDGE", "beside")


def settle() -> None:
    """Put typedbridge in asgiref's place if that is the way; call it before Django is imported.

    :raises ValueError: the switch names no way.
    """
    if WAY not in WAYS:
        raise ValueError(f"LIBRARY_SITE_BRIDGE must be one of {', '.join(WAYS)}, not {WAY!r}")
    if WAY == "instead":
        # Not at the top: the other two ways never import it.
        from typedbridge.asgiref import install  # noqa: PLC0415

        install()


if TYPE_CHECKING or WAY != "asgiref":
    from typedbridge.sync import (
        ThreadSensitiveContext,
        async_to_sync,
        iscoroutinefunction,
        sync_to_async,
    )
else:
    from asgiref.sync import (
        ThreadSensitiveContext,
        async_to_sync,
        iscoroutinefunction,
        sync_to_async,
    )

__all__ = [
    "WAY",
    "WAYS",
    "ThreadSensitiveContext",
    "async_to_sync",
    "iscoroutinefunction",
    "settle",
    "sync_to_async",
]
