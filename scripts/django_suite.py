"""Django's own tests, with asgiref and with typedbridge in its place: what fails in one way only?

``nox -s django`` gets Django's source distribution, which has its tests, and runs this:
``python scripts/django_suite.py FOLDER``, where FOLDER is the unpacked distribution. The tests that
concern the bridge are run, in each of three ways:

``asgiref``
    as Django comes;
``beside``
    typedbridge is in the process too, and has joined asgiref;
``instead``
    typedbridge stands in asgiref's place.

Some of Django's tests fail where they do not expect to run, as root for example. The exit code is
1 if one fails beside typedbridge or on it, and not with asgiref alone.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

BEGINNINGS: Final = {
    "asgiref": "import asgiref.sync as used",
    "beside": "import asgiref.sync as used, typedbridge.sync",
    "instead": "import typedbridge.asgiref\ntypedbridge.asgiref.install()\nimport asgiref.sync as used",
}
"""What is done before Django is imported, by way."""

PROGRAM: Final = """{beginning}
import runpy, sys
expected = "{module}"
if used.SyncToAsync.__module__.partition(".")[0] != expected:
    sys.exit(f"Django would use {{used.SyncToAsync.__module__}}, not {{expected}}")
sys.path[0] = "."
runpy.run_path("runtests.py", run_name="__main__")
"""

LABELS: Final = (
    *("asgi", "async", "auth_tests", "backends", "builtin_server", "cache", "context_processors"),
    *("csrf_tests", "db_utils", "decorators", "deprecation", "dispatch", "file_uploads"),
    *("generic_relations", "handlers", "httpwrappers", "i18n", "logging_tests", "mail"),
    *("messages_tests", "middleware", "middleware_exceptions", "pagination", "requests_tests"),
    *("responses", "servers", "sessions_tests", "signals", "signed_cookies_tests"),
    *("staticfiles_tests", "tasks", "template_backends", "template_tests", "test_client"),
    *("test_client_regress", "test_utils", "timezones", "transaction_hooks", "transactions"),
    *("urlpatterns", "urlpatterns_reverse", "user_commands", "view_tests", "wsgi"),
)
"""Django's test packages that use a bridge, or what a bridge carries: ``Local``, connections."""

LIMIT: Final = 3600
"""Seconds until a run counts as hanging."""


class Outcome(NamedTuple):
    """One run.

    :param ran: how many tests.
    :param skipped: how many of them were skipped.
    :param failed: the names of those that failed.
    :param seconds: that it took.
    """

    ran: int
    skipped: int
    failed: frozenset[str]
    seconds: float


def main() -> int:
    """Run the tests in each way and compare.

    :returns: the exit code.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="Django's unpacked source distribution")
    parser.add_argument("--way", action="append", choices=BEGINNINGS, help="by default all")
    parser.add_argument("labels", nargs="*", help="test packages; by default those that concern us")
    chosen = parser.parse_intermixed_args()
    tests = chosen.folder / "tests"
    labels = [label for label in chosen.labels or LABELS if (tests / label.split(".")[0]).exists()]
    outcomes = {}
    for way in dict.fromkeys(["asgiref", *(chosen.way or BEGINNINGS)]):
        outcomes[way] = run(way, chosen.folder.resolve(), labels)
        ran, skipped, failed, seconds = outcomes[way]
        print(
            f"{way:8} {ran} tests, {skipped} skipped, {len(failed)} failed, {seconds:.0f} s",
            flush=True,
        )
    usual = outcomes.pop("asgiref").failed
    for name in sorted(usual):
        print(f"  with asgiref alone: {name}")
    new = [(way, name) for way, done in outcomes.items() for name in sorted(done.failed - usual)]
    for way, name in new:
        print(f"  only {way}: {name}")
    return 1 if new else 0


def run(way: str, folder: Path, labels: list[str]) -> Outcome:
    """Run Django's tests in a process of their own.

    :param way: of :data:`BEGINNINGS`.
    :param folder: Django's; its Django is imported, whichever is installed.
    """
    module = "typedbridge" if way == "instead" else "asgiref"
    program = PROGRAM.format(beginning=BEGINNINGS[way], module=module)
    start = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own command, no shell
        [sys.executable, "-c", program, "--parallel=1", "--noinput", *labels],
        cwd=folder / "tests",
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=LIMIT,
        check=False,
    )
    seconds = time.monotonic() - start
    (folder / f"{way}.log").write_text(done.stdout, encoding="utf-8")
    ran = re.search(r"^Ran (\d+) tests? in", done.stdout, re.MULTILINE)
    if ran is None:
        raise SystemExit(f"{done.stdout[-3000:]}\n{way}: the tests did not end")
    skipped = re.search(r"^(?:OK|FAILED) \(.*\bskipped=(\d+)", done.stdout, re.MULTILINE)
    failed = re.findall(r"^(?:ERROR|FAIL): \w+ \((.+?)\)", done.stdout, re.MULTILINE)
    return Outcome(int(ran[1]), int(skipped[1]) if skipped else 0, frozenset(failed), seconds)


if __name__ == "__main__":
    sys.exit(main())
