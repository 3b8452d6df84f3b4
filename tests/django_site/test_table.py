"""A Django process that uses a bridge: seven things, and all tests of the site, in three ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

pytest.importorskip("channels", reason="the site needs it: dependency group django")

from django_site.site import WAYS, manage

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django

TABLE: Final = "catalogue.tests.test_table"

ROWS: Final = {
    "sync view under ASGI, async_to_sync in it, async ORM inside": ["SyncViewUnderAsgi"],
    "language, time zone and script prefix across a hop": ["StateAcrossHops", "StateOfARequest"],
    "WSGI: async code inside atomic()": ["Wsgi"],
    "TestCase, Client and AsyncClient": ["InTestCase"],
    "many async views at once, each with a sensitive call": ["ManyAtOnce"],
    "async_to_sync in a sync view, a lock of the server's loop": ["LockOfTheServersLoop"],
    "ours, asgiref's async_to_sync, ours": ["MixedNesting"],
}
"""What is done, and the site's test cases for it."""


def outcome(way: str, folder: Path, labels: list[str]) -> str:
    """Either "works", or the end of what the tests printed."""
    done = manage(way, folder, "test", "--noinput", *labels)
    return "works" if done.returncode == 0 else done.stdout[-500:] + done.stderr[-4000:]


@pytest.mark.timeout(600)  # for the seven processes that say which of them fails, if one does
@pytest.mark.parametrize("way", WAYS)
def test_seven_things_that_a_django_process_does(way: str, tmp_path: Path) -> None:
    """Each works: with asgiref alone, with typedbridge beside it, and in its place."""
    labels = {row: [f"{TABLE}.{case}" for case in cases] for row, cases in ROWS.items()}
    outcomes = dict.fromkeys(ROWS, "works")
    if outcome(way, tmp_path, [label for some in labels.values() for label in some]) != "works":
        # One that hangs ends the process: each again, alone.
        outcomes = {row: outcome(way, tmp_path, some) for row, some in labels.items()}
    assert dict.fromkeys(ROWS, "works") == outcomes


@pytest.mark.parametrize("way", WAYS)
def test_the_sites_own_tests_pass(way: str, tmp_path: Path) -> None:
    """Views, streams, signals, sockets and commands, through Django's test runner."""
    assert "works" == outcome(way, tmp_path, [])


def test_the_sites_migrations_are_complete(tmp_path: Path) -> None:
    """The models have not changed since, and Django has nothing to say about the project."""
    done = manage("asgiref", tmp_path, "makemigrations", "--check", "--dry-run")
    assert (0, "No changes detected\n") == (done.returncode, done.stdout)
    done = manage("asgiref", tmp_path, "check", "--fail-level=WARNING")
    assert 0 == done.returncode, done.stderr
