"""``make demo-django``, in a hurry."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("channels", reason="the site needs it: dependency group django")

from django_site.site import SITE, WAYS

pytestmark = pytest.mark.django

HURRY = "import sys, demo; demo.ROUNDS, demo.MOMENT, demo.WARM = 1, 0.5, 0.1; sys.exit(demo.main())"


@pytest.mark.timeout(180)  # six servers start
def test_the_demo_shows_the_three_ways_side_by_side() -> None:
    """A line for each page, with a figure for each way and what it is next to asgiref's."""
    done = subprocess.run(
        [sys.executable, "-c", HURRY],
        cwd=SITE,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        encoding="utf-8",
        timeout=150,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    assert [*WAYS] == re.findall("|".join(WAYS), done.stdout)
    lines = [line for line in done.stdout.splitlines() if "gunicorn" in line or "uvicorn" in line]
    assert [3] * 5 == [len(re.findall(r"[\d,]+ \(\d+\.\d\dx\)", line)) for line in lines]
