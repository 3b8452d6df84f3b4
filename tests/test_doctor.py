"""``python -m typedbridge doctor``: what it finds in set-ups that are right, and in broken ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

pytest.importorskip("click", reason="the command line: extra cli")
pytest.importorskip("packaging", reason="the command line: extra cli")

from typedbridge.__main__ import main
from typedbridge._commands.doctor import checkers, process
from typedbridge._commands.doctor.model import Verdict
from typedbridge._commands.doctor.pyright import pyright

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.plain

PLUGIN: Final = '[tool.mypy]\nplugins = ["typedbridge.mypy_plugin"]\n'


class Found(NamedTuple):
    """What the command said."""

    status: int
    checks: Mapping[str, Mapping[str, Any]]

    def verdict(self, name: str) -> str:
        verdict: str = self.checks[name]["verdict"]
        return verdict


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own: what is above it is not looked at."""
    (tmp_path / "project" / ".git").mkdir(parents=True)
    return tmp_path / "project"


def make(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def examine(project: Path, *, python: str = "", **variables: str) -> Found:
    """Run the command as CI does, in a process of its own.

    :param python: a folder that comes first on the path.
    """
    kept = {name: value for name, value in os.environ.items() if name not in process.SIZES}
    kept.pop("TYPEDBRIDGE_ASGIREF", None)
    path = {"PYTHONPATH": python} if python else {}
    done = subprocess.run(
        [sys.executable, "-m", "typedbridge", "doctor", "--json", str(project)],
        env={**kept, **path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "" == done.stderr
    document = json.loads(done.stdout)
    assert (done.returncode == 0) == document["ok"]
    return Found(done.returncode, {check["name"]: check for check in document["checks"]})


def fake(folder: Path, package: str, version: str) -> None:
    """Have an environment say that a package is installed."""
    make(
        folder,
        f"{package}-{version}.dist-info/METADATA",
        f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
    )


def test_a_set_up_that_is_right(project: Path) -> None:
    """Exit status 0, and no word of advice that a working project would not need."""
    make(project, "pyproject.toml", PLUGIN + '[tool.pyright]\ntypeCheckingMode = "strict"\n')
    found = examine(project)
    assert 0 == found.status
    assert set() == {check["verdict"] for check in found.checks.values()} - {"ok", "note"}
    expected = {
        *("python", "typedbridge", "asgiref", "event loop", "gevent"),
        *("type checkers", "mypy", "mypy plugin", "pyright", *process.SIZES),
    }
    assert expected == found.checks.keys()


def test_broken_the_plugin_is_where_mypy_does_not_look(project: Path) -> None:
    """pyproject.toml has it, and mypy reads mypy.ini."""
    make(project, "pyproject.toml", PLUGIN)
    make(project, "mypy.ini", "[mypy]\nstrict = True\n")
    found = examine(project)
    assert 1 == found.status
    check = found.checks["mypy plugin"]
    assert "wrong" == check["verdict"]
    assert "mypy reads mypy.ini, and the plugin is configured in pyproject.toml" == check["found"]
    assert 'put plugins = ["typedbridge.mypy_plugin"] into mypy.ini' == check["advice"]


def test_broken_the_environment_stops_the_import(project: Path) -> None:
    """A wrong number is told with its variable; what cannot be tried then is left out."""
    found = examine(project, ASGI_THREADS="many", TYPEDBRIDGE_MAX_WORKERS="4")
    assert 1 == found.status
    assert "wrong" == found.verdict("ASGI_THREADS")
    assert "'many'" in found.checks["ASGI_THREADS"]["found"]
    assert "asgiref" not in found.checks


def test_broken_versions_stubs_and_neighbours(project: Path, tmp_path: Path) -> None:
    """An old mypy, stubs of somebody's own, a greenlet library, a module that takes the name."""
    elsewhere = tmp_path / "elsewhere"
    fake(elsewhere, "mypy", "1.4.0")
    fake(elsewhere, "gevent", "24.2.1")
    make(project, "typings/typedbridge/__init__.pyi", "")
    make(project, "src/typedbridge.py", "")
    found = examine(project, python=str(elsewhere))
    assert 1 == found.status
    expected = {"mypy": "wrong", "pyright": "wrong", "typedbridge": "wrong", "gevent": "note"}
    assert expected == {name: found.verdict(name) for name in expected}
    assert "mypy 1.4.0" == found.checks["mypy"]["found"]
    assert "pip install 'typedbridge[mypy]'" in found.checks["mypy"]["advice"]
    assert "gevent 24.2.1" in found.checks["gevent"]["found"]


def test_for_people_it_prints_lines(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict first, and what to do below it."""
    assert 0 == main(["doctor", str(project)])
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if "mypy plugin" in line)
    assert lines[at].startswith("warning mypy plugin")
    assert '-> put plugins = ["typedbridge.mypy_plugin"] into' in lines[at + 1]
    assert all(line.startswith(("ok ", "note ", "warning ", " ")) for line in lines)


def test_it_changes_nothing(project: Path) -> None:
    """Neither a cache nor anything else is left in the project."""
    make(project, "pyproject.toml", PLUGIN)
    before = sorted(project.rglob("*"))
    main(["doctor", str(project)])
    assert before == sorted(project.rglob("*"))


def test_a_path_that_is_no_folder_is_an_error(project: Path) -> None:
    """Exit status 2, as for every wrong command."""
    assert 2 == main(["doctor", str(project / "nowhere")])


MYPY: Final = {
    "pyproject.toml": ({"pyproject.toml": PLUGIN}, Verdict.OK),
    "mypy.ini": ({"mypy.ini": "[mypy]\nplugins = typedbridge.mypy_plugin\n"}, Verdict.OK),
    "setup.cfg, beside others": (
        {"setup.cfg": "[mypy]\nplugins = pydantic.mypy, typedbridge.mypy_plugin\n"},
        Verdict.OK,
    ),
    "with the function's name": (
        {"mypy.ini": "[mypy]\nplugins = typedbridge.mypy_plugin:plugin\n"},
        Verdict.OK,
    ),
    "in both files": (
        {"pyproject.toml": PLUGIN, "mypy.ini": "[mypy]\nplugins = typedbridge.mypy_plugin\n"},
        Verdict.OK,
    ),
    "nothing": ({}, Verdict.WARNING),
    "other settings": ({"mypy.ini": "[mypy]\nstrict = True\n"}, Verdict.WARNING),
    "only in a comment": ({"mypy.ini": "[mypy]\n# typedbridge.mypy_plugin\n"}, Verdict.WARNING),
    "an older Python": ({"pyproject.toml": f'{PLUGIN}python_version = "3.10"\n'}, Verdict.WARNING),
    "another section": (
        {"mypy.ini": "[mypy]\n[mypy-x]\nplugins = typedbridge.mypy_plugin\n"},
        Verdict.WRONG,
    ),
    "a setting that is none": (
        {"mypy.ini": "[mypy]\nplugins = typedbridge.mypy_plugin\nnonesuch = True\n"},
        Verdict.WRONG,
    ),
    "a section that mypy does not read": (
        {"pyproject.toml": '[mypy]\nplugins = ["typedbridge.mypy_plugin"]\n'},
        Verdict.WRONG,
    ),
}


@pytest.mark.parametrize(("files", "verdict"), MYPY.values(), ids=list(MYPY))
def test_the_plugin_is_looked_for_as_mypy_does(
    project: Path, files: Mapping[str, str], verdict: Verdict
) -> None:
    """mypy itself says which file it reads, and what it takes from it."""
    for name, text in files.items():
        make(project, name, text)
    check = checkers.plugin(project)
    assert verdict is check.verdict, check
    assert (check.advice is None) == (verdict is Verdict.OK)


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("1.12.1", Verdict.WRONG),
        ("1.13.0", Verdict.OK),
        ("2.9", Verdict.OK),
        ("3.0", Verdict.WRONG),
    ],
)
def test_mypy_is_in_the_range_of_the_extra(
    monkeypatch: pytest.MonkeyPatch, version: str, verdict: Verdict
) -> None:
    """The bounds are the package's own."""
    monkeypatch.setattr(checkers, "version_of", {"mypy": version}.get)
    assert verdict is checkers.mypy().verdict


def test_where_mypy_is_not_installed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's environment has none, and that is as it should be."""
    monkeypatch.setattr(checkers, "version_of", lambda name: None)
    assert Verdict.OK is checkers.mypy().verdict
    assert Verdict.NOTE is checkers.plugin(project).verdict
    assert "none in this environment" == checkers.checkers().found


PRE_COMMIT: Final = "repos:\n- repo: https://example.org/mirrors-mypy\n  hooks: [{id: mypy}]\n"


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (PRE_COMMIT, True),
        (PRE_COMMIT + "    # additional_dependencies: [typedbridge]\n", False),
        (PRE_COMMIT.replace("{id: mypy}", "{additional_dependencies: [typedbridge]}"), False),
        (PRE_COMMIT.replace("mirrors-mypy", "ruff"), False),
    ],
    ids=["without", "in a comment", "with", "no mypy"],
)
def test_pre_commit_runs_mypy_elsewhere(project: Path, text: str, *, warned: bool) -> None:
    """The hook's environment must have the library too."""
    make(project, ".pre-commit-config.yaml", text)
    assert warned == bool([*checkers.pre_commit(project)])


PYRIGHT: Final = {
    "nothing": ({}, []),
    "strict": ({"pyproject.toml": '[tool.pyright]\ntypeCheckingMode = "strict"\n'}, []),
    "comments and commas": (
        {"pyrightconfig.json": '{ // it\'s "strict"\n "typeCheckingMode": "strict", /* , */ }'},
        [],
    ),
    "an address": ({"pyrightconfig.json": '{"$schema": "https://example.org/x,"}'}, []),
    "an environment with the library": (
        {
            "pyproject.toml": '[tool.pyright]\nvenvPath = "envs"\nvenv = "one"\n',
            "envs/one/lib/python3.13/site-packages/typedbridge/py.typed": "",
        },
        [],
    ),
    "an environment without": (
        {
            "pyproject.toml": '[tool.pyright]\nvenv = ".venv"\n',
            ".venv/lib/python3.13/site-packages/x.py": "",
        },
        [Verdict.WRONG],
    ),
    "an older Python": (
        {"pyproject.toml": '[tool.basedpyright]\npythonVersion = "3.9"\n'},
        [Verdict.WARNING],
    ),
    "off": ({"pyrightconfig.json": '{"typeCheckingMode": "off"}'}, [Verdict.WARNING]),
    "calls that nobody awaits": (
        {"pyproject.toml": "[tool.pyright]\nreportUnusedCoroutine = false\n"},
        [Verdict.WARNING],
    ),
    "two kinds of settings": (
        {"pyrightconfig.json": "{}", "pyproject.toml": "[tool.pyright]\nstrict = ['x']\n"},
        [Verdict.WARNING],
    ),
    "no JSON": ({"pyrightconfig.json": "{bad"}, [Verdict.WRONG]),
    "no TOML": ({"pyproject.toml": "[tool"}, [Verdict.WRONG]),
    "no table": ({"pyrightconfig.json": "[]"}, []),
    "stubs in the way": (
        {"stubs/typedbridge/__init__.pyi": "", "pyrightconfig.json": '{"stubPath": "stubs"}'},
        [Verdict.WRONG],
    ),
    "stubs of others": ({"typings/other/__init__.pyi": ""}, []),
}


@pytest.mark.parametrize(("files", "verdicts"), PYRIGHT.values(), ids=list(PYRIGHT))
def test_settings_of_pyright(
    project: Path, files: Mapping[str, str], verdicts: list[Verdict]
) -> None:
    """Only those that change what it sees of the library are mentioned."""
    for name, text in files.items():
        make(project, name, text)
    found = [check.verdict for check in pyright(project)]
    assert (verdicts or [Verdict.OK]) == found


def test_settings_above_the_folder_are_found(project: Path) -> None:
    """As pyright does: up to the root of the repository."""
    make(project, "pyproject.toml", '[tool.pyright]\ntypeCheckingMode = "off"\n')
    make(project.parent, "pyproject.toml", "[tool.pyright]\nreportUnusedCoroutine = false\n")
    inner = project / "packages" / "one"
    inner.mkdir(parents=True)
    (check,) = pyright(inner)
    assert "typeCheckingMode" in check.found


def test_one_worker_is_worth_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is allowed, and seldom what was meant."""
    monkeypatch.setenv("ASGI_THREADS", "1")
    assert Verdict.NOTE is next(process.workers()).verdict


def test_a_loop_of_another_kind_is_worth_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the library is not tested on."""

    class Loop:
        def close(self) -> None: ...

    monkeypatch.setattr("asyncio.new_event_loop", Loop)
    assert Verdict.NOTE is process.event_loop().verdict


def test_how_asgiref_is_joined(project: Path, tmp_path: Path) -> None:
    """Joined by itself; kept apart if the environment says so."""
    assert "act as one" in examine(project).checks["asgiref"]["found"]
    apart = examine(project, TYPEDBRIDGE_ASGIREF="apart")
    assert "note" == apart.verdict("asgiref")


def test_an_asgiref_that_cannot_be_joined(project: Path, tmp_path: Path) -> None:
    """One whose classes are not those that are known: the reason is told, and the status is 1."""
    elsewhere = tmp_path / "elsewhere"
    make(elsewhere, "asgiref/__init__.py", "")
    make(
        elsewhere,
        "asgiref/sync.py",
        "class SyncToAsync: ...\nclass AsyncToSync: ...\ndef sync_to_async(f): ...\n",
    )
    found = examine(project, python=str(elsewhere))
    assert (1, "wrong") == (found.status, found.verdict("asgiref"))
    assert "cannot be joined" in found.checks["asgiref"]["found"]
