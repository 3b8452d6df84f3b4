"""The Django project of the examples, run in processes of its own, in each of the three ways."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SITE: Final = ROOT / "examples" / "library_site"

WAYS: Final = ("asgiref", "beside", "instead")

HANGS: Final = 20
"""Seconds until one of the site's tests counts as hanging; it then ends with all stacks."""


def environment(way: str, folder: Path) -> dict[str, str]:
    """What the site's processes find in the environment.

    :param way: of ``LIBRARY_SITE_BRIDGE``.
    :param folder: for the databases.
    """
    return {
        **os.environ,
        "LIBRARY_SITE_BRIDGE": way,
        "LIBRARY_SITE_DATABASE": str(folder / "library.sqlite3"),
        "LIBRARY_SITE_TEST_LIMIT": str(HANGS),
    }


def manage(
    way: str, folder: Path, *arguments: str, seconds: float = 50
) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py`` to its end.

    :param seconds: after which it is ended, however far it came.
    """
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=SITE,
        env=environment(way, folder),
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
    )
