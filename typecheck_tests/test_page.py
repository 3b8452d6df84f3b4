"""docs/types.md says what the cases say."""

from __future__ import annotations

import json
import os
import sys

import pytest

from typecheck_tests.page import MEASURED, PAGE, render, versions

pytestmark = [
    pytest.mark.skipif(
        sys.version_info < (3, 12), reason="the page counts cases in PEP 695 syntax"
    ),
    pytest.mark.skipif(
        "TYPECHECK_CHECKERS" in os.environ, reason="the page is about all checkers, as pinned"
    ),
]


def test_page_is_what_the_results_generate() -> None:
    """The page is made anew with `python -m typecheck_tests.page --write`."""
    assert render() == PAGE.read_text(encoding="utf-8")


def test_page_names_the_versions_in_use() -> None:
    """Measure anew with `python -m typecheck_tests.page --measure --write`."""
    assert versions() == json.loads(MEASURED.read_text(encoding="utf-8"))["versions"]
