"""The matrix: the tests on every supported Python, the plugin on the lowest and latest mypy.

``nox -s django`` is for who changes the runtime: Django's own tests, some ten minutes.

``make test`` is what a person runs; it covers one Python and one mypy. This file adds the others.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["tests", "plugin"]

PYTHONS: Final = ("3.11", "3.12", "3.13")
SPREAD: Final = ("-n", "2", "--dist", "worksteal")  # as in the Makefile, which says why
UNIT_TESTS: Final = ("pytest", "tests", *SPREAD, "-m", "not packaging")
#: What depends on the Python or the loop: without the Django project, and the tests that are marked as plain.
OF_THE_RUNTIME: Final = (*UNIT_TESTS[:-1], "not packaging and not django and not plain")
#: Those that the two libraries act as one with; the pinned one is in every run of the unit tests.
ASGIREFS: Final = (
    "asgiref==3.8.0",
    *(f"asgiref~={minor}.0" for minor in ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")),
    "asgiref",
)
TOOLS: Final = Path("constraints/tools.txt")
MYPY: Final = {
    "lowest": Path("constraints/mypy-lowest.txt"),
    "latest": Path("constraints/mypy-latest.txt"),
}

DJANGO: Final = {
    "lts": Path("constraints/django-lts.txt"),
    "latest": Path("constraints/django-latest.txt"),
}

MIGRATED: Final = (
    "channels==4.3.2",
    "daphne==4.2.3",
    "django-ninja==1.7.1",
    "strawberry-graphql-django==0.93.0",
)
"""Packages whose bridges are asgiref's, for a trial of the migration."""

TYPE_TESTS: Final = {
    "lowest": (
        "typecheck_tests",
        # The plugins that stand next to ours need a newer mypy.
        "--ignore=typecheck_tests/plugin/test_neighbours.py",
        # Before mypy 2, pytest-mypy-plugins leaves mypy's cache open.
        "-W=ignore:unclosed database:ResourceWarning",
    ),
    "latest": ("typecheck_tests",),
}


def install(session: nox.Session, *groups: str, mypy: str = "latest") -> None:
    """Install dependency groups and this project into the session, with the pinned versions."""
    # The pip that comes with an older Python does not know dependency groups.
    session.install("-qq", "-c", str(TOOLS), "pip")
    chosen = [argument for group in groups for argument in ("--group", group)]
    # The latest Django does not run on the lowest Python.
    django = DJANGO["lts" if session.python == PYTHONS[0] else "latest"]
    pinned = [part for pins in (TOOLS, MYPY[mypy], django) for part in ("-c", str(pins))]
    session.install("-qq", *pinned, "--group", "build", *chosen)
    session.install("-qq", "--no-build-isolation", "--no-deps", "-e", ".")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the unit tests; the packaging tests run once, in ``make test``.

    The Django project runs there with the newest Django, and here, on the lowest Python, with the LTS. What
    is plain is left out in between.
    """
    install(session, "test", "bench", "demo", "django")
    chosen = UNIT_TESTS if session.python == PYTHONS[0] else OF_THE_RUNTIME
    session.run(*chosen, *session.posargs)


@nox.session(python=PYTHONS[-1])
def stress(session: nox.Session) -> None:
    """Run the unit tests with uvloop everywhere, then with a thread switch every microsecond."""
    install(session, "test", "bench", "demo", "django")
    for setting, value in (
        ("TYPEDBRIDGE_TEST_LOOP", "uvloop"),
        ("TYPEDBRIDGE_TEST_SWITCH_INTERVAL", "0.000001"),
    ):
        session.run(*OF_THE_RUNTIME, *session.posargs, env={setting: value})


@nox.session(python=PYTHONS[-1])
@nox.parametrize("asgiref", ASGIREFS)
def beside(session: nox.Session, asgiref: str) -> None:
    """Run the tests that have asgiref in the process with the newest of each of its minor versions."""
    install(session, "test", "django")
    session.install("-qq", "--no-deps", asgiref)
    session.run("pytest", "tests/beside", *SPREAD, *session.posargs)


@nox.session(python=PYTHONS[-1])
@nox.parametrize("mypy", list(MYPY))
def plugin(session: nox.Session, mypy: str) -> None:
    """Run the type tests that mypy takes part in, on the lowest and the latest mypy."""
    install(session, "test", "typecheck", mypy=mypy)
    session.run("mypy", "--version")
    session.run(
        *("pytest", *TYPE_TESTS[mypy], *SPREAD, *session.posargs),
        env={"TYPECHECK_CHECKERS": "mypy-plugin,mypy"},
    )


@nox.session(python=PYTHONS[-1])
def migrated(session: nox.Session) -> None:
    """Migrate the source distributions of packages that use asgiref, and test them before and after.

    Not part of a CI run: it takes two minutes, and looks at versions that their authors may replace. The
    distributions hold no tests but daphne's; for the others, scripts/migrated/ has programs that go through
    every bridge of theirs.
    """
    tools = ("pytest", "pytest-django", "pytest-asyncio", "hypothesis")
    session.install("-qq", "-c", str(TOOLS), *tools, *MIGRATED, "hatchling", "editables")
    session.install("-qq", "--no-build-isolation", "-e", ".[cli]")
    work = Path(session.create_tmp()).resolve()
    download = (
        "pip",
        "download",
        "-qq",
        "--no-binary",
        ":all:",
        "--no-deps",
        "-d",
        str(work / "packed"),
    )
    session.run("python", "-m", *download, *MIGRATED, silent=True)
    for when in ("before", "after"):
        shutil.rmtree(work / when, ignore_errors=True)
        for packed in (work / "packed").glob("*.tar.gz"):
            shutil.unpack_archive(packed, work / when, filter="data")
    session.run("python", "-m", "typedbridge", "migrate", "--write", str(work / "after"))
    session.run("python", "-m", "typedbridge", "migrate", "--check", str(work / "after"))
    for when in ("before", "after"):
        folders = sorted(map(str, (work / when).iterdir()))
        trial = {"PYTHONPATH": os.pathsep.join(folders), "TRIAL": str(work / when)}
        quiet = ("-q", "-p", "no:cacheprovider", "-c", os.devnull)
        session.log(f"{when} the migration")
        session.run("pytest", *quiet, "--rootdir=scripts/migrated", "scripts/migrated", env=trial)
        (daphne,) = [folder for folder in folders if "daphne" in folder]
        with session.chdir(daphne):
            session.run("pytest", "-q", "tests", env=trial)


@nox.session(python=PYTHONS[-1])
@nox.parametrize("version", list(DJANGO))
def django(session: nox.Session, version: str) -> None:
    """Run Django's own tests in each way of using the library; its source distribution has them."""
    session.install(
        "-qq", "-c", str(TOOLS), "-c", str(DJANGO[version]), "django", "hatchling", "editables"
    )
    session.install("-qq", "--no-build-isolation", "--no-deps", "-e", ".")
    folder = Path(session.create_tmp())
    session.run(
        *("python", "-m", "pip", "download", "-qq", "--no-deps", "--no-binary=django"),
        *("-c", str(DJANGO[version]), "-d", str(folder), "django"),
    )
    for archive in folder.glob("*.tar.gz"):
        shutil.unpack_archive(archive, folder, filter="data")
    [unpacked] = (path.parent for path in folder.glob("*/pyproject.toml"))
    session.run("python", "scripts/django_suite.py", str(unpacked), *session.posargs)


@nox.session(python=PYTHONS[0])
def pins(session: nox.Session) -> None:
    """Write constraints/ anew, with the versions that pip picks today for the lowest Python."""
    session.install("-qq", "--upgrade", "pip")
    session.install("-qq", "--group", "dev")
    frozen = session.run("python", "-m", "pip", "freeze", "--all", silent=True)
    pinned = re.findall(r"^[\w.-]+==\S+$", str(frozen), flags=re.MULTILINE)
    mypy = [pin for pin in pinned if pin.startswith("mypy==")]
    django = [pin for pin in pinned if pin.startswith("Django==")]
    write_pins(MYPY["latest"], mypy)
    write_pins(DJANGO["lts"], django)
    write_pins(DJANGO["latest"], [newest(session, "Django")])
    elsewhere = (*mypy, *django)
    write_pins(
        TOOLS,
        [pin for pin in pinned if pin not in elsewhere and not pin.startswith("setuptools==")],
    )


def newest(session: nox.Session, name: str) -> str:
    """The pin of a package's version that the highest Python would get."""
    folder = Path(session.create_tmp()) / name
    session.run(
        *("python", "-m", "pip", "download", "-qq", "--no-deps", "--only-binary=:all:"),
        *(f"--python-version={PYTHONS[-1]}", "-d", str(folder), name),
    )
    [wheel] = folder.glob("*.whl")
    return f"{name}=={wheel.name.split('-')[1]}"


def write_pins(path: Path, pins: list[str]) -> None:
    """Replace the pins in a constraints file and keep the comment on top."""
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    path.write_text("\n".join([*comments, *pins]) + "\n")
