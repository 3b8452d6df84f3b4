"""A test runner that ends a hanging test with the stacks of all threads."""

from __future__ import annotations

import faulthandler
import os
from typing import TYPE_CHECKING, Final
from unittest import TextTestResult

from django.test.runner import DiscoverRunner

if TYPE_CHECKING:
    from unittest import TestCase

LIMIT: Final = float(os.environ.get("LIBRARY_SITE_TEST_LIMIT", "60"))
"""Seconds until a test counts as hanging."""


class LimitedResult(TextTestResult):
    """Gives each test its time. A thread that waits for ever could not be ended otherwise."""

    def startTest(self, test: TestCase) -> None:  # noqa: N802 - unittest's name
        """Start the clock."""
        faulthandler.dump_traceback_later(LIMIT, exit=True)
        super().startTest(test)

    def stopTest(self, test: TestCase) -> None:  # noqa: N802 - unittest's name
        """Stop the clock."""
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)


class LimitedRunner(DiscoverRunner):
    """Django's runner, with :class:`LimitedResult`."""

    def get_resultclass(self) -> type[TextTestResult] | None:
        """The class that hears of each test; Django's own choices come first."""
        return super().get_resultclass() or LimitedResult
