"""A kept thread looks new to the next call: what one call leaves on it is taken away."""

from __future__ import annotations

import sys
import threading

__all__ = ["Fresh"]


class Fresh:
    """How a thread of ours looked when it was new. Made in that thread."""

    def __init__(self) -> None:
        self._thread = threading.current_thread()
        self._name = self._thread.name
        self._trace = threading.gettrace()
        self._profile = threading.getprofile()

    def begin(self) -> None:
        """Have a call see the name, the trace and the profile function that a new thread would have now.

        Tools that begin late (coverage, profilers, debuggers) set them for threads that are to come.
        """
        if self._thread.name != self._name:
            self._thread.name = self._name
        trace, profile = threading.gettrace(), threading.getprofile()
        # A tool may have put another function into the place of its own: that one stays.
        if trace is not self._trace or (trace is None and sys.gettrace() is not None):
            self._trace = trace
            sys.settrace(trace)
        if profile is not self._profile or (profile is None and sys.getprofile() is not None):
            self._profile = profile
            sys.setprofile(profile)
