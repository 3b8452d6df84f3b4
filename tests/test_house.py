"""Rules of the house that no linter knows: sizes, names and versions that must agree."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

pytestmark = pytest.mark.plain

ROOT: Final = Path(__file__).parents[1]
LIBRARY: Final = ROOT / "typedbridge"
CORE: Final = LIBRARY / "_core"
PLUGIN: Final = ROOT / "mypy_plugin"
CONSTRAINTS: Final = ROOT / "constraints"

LONGEST_MODULE: Final = 400
"""Lines. What is longer holds more than one idea."""

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(name: str) -> dict[str, str]:
    """The versions in a constraints file, by normalised package name."""
    lines = (CONSTRAINTS / name).read_text().splitlines()
    pairs = [line.partition("==") for line in lines if not line.startswith("#")]
    return {normal(package): version for package, _, version in pairs}


def normal(package: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize(
    "path",
    [
        *LIBRARY.glob("*.py"),
        *LIBRARY.glob("*.pyi"),
        *CORE.glob("*.py"),
        *(LIBRARY / "_commands").rglob("*.py"),
        *PLUGIN.glob("*.py"),
    ],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_modules_hold_one_idea(path: Path) -> None:
    """No module of the library or the plugin is longer than the house allows."""
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


def test_public_modules_have_stubs_and_private_ones_none() -> None:
    """A stub stands beside each public module; private modules are typed inline."""
    public = {path.stem for path in LIBRARY.glob("*.py") if not re.match(r"_[^_]", path.stem)}
    assert public == {path.stem for path in LIBRARY.glob("*.pyi")}


PLANTED: Final = {
    "upward": ("_core/jobs.py", "from typedbridge._core import call"),
    "upward, for type checkers": (
        "_core/scope.py",
        "if TYPE_CHECKING:\n    from typedbridge._core import call",
    ),
    "to a door": ("_core/life.py", "from typedbridge import sync"),
    "to the plugin": ("sync.py", "from typedbridge import mypy_plugin"),
    "from the plugin": ("mypy_plugin/names.py", "from typedbridge._core import scope"),
}
"""Imports that the house does not allow: the file and the line."""


@pytest.mark.parametrize("planted", [None, *PLANTED])
def test_an_import_that_does_not_go_down_is_found(planted: str | None, tmp_path: Path) -> None:
    """The contracts hold, and one is broken where such an import is written into a copy."""
    shutil.copytree(LIBRARY, tmp_path / "typedbridge")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    if planted is not None:
        name, line = PLANTED[planted]
        with (tmp_path / "typedbridge" / name).open("a") as module:
            module.write(f"\n{line}\n")
    done = subprocess.run(
        [sys.executable, "-c", "import importlinter.cli as cli; cli.lint_imports_command()"],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    broken = 0 if planted is None else 1
    assert f"{broken} broken" in done.stdout
    assert broken == done.returncode


def test_symlink_leads_to_the_plugin() -> None:
    """In a checkout the plugin's folder is seen inside the library through a relative link."""
    link = LIBRARY / "mypy_plugin"
    if not link.is_symlink():
        pytest.skip("this is not a checkout but an unpacked sdist")
    assert Path("../mypy_plugin") == link.readlink()


def test_tested_pythons_are_the_declared_ones() -> None:
    """Classifiers, the lowest Python and the matrix name the same Pythons."""
    matrix = re.search(
        r"^PYTHONS: Final = (\(.*\))$", (ROOT / "noxfile.py").read_text(), re.MULTILINE
    )
    assert matrix is not None
    pythons: tuple[str, ...] = ast.literal_eval(matrix[1])
    classifiers = "\n".join(PROJECT["project"]["classifiers"])
    assert list(pythons) == re.findall(r"^.* :: Python :: (3\.\d+)$", classifiers, re.MULTILINE)
    assert f">={pythons[0]}" == PROJECT["project"]["requires-python"]


@pytest.mark.parametrize("path", sorted(CONSTRAINTS.glob("*.txt")), ids=lambda path: path.name)
def test_constraints_hold_names_and_versions_only(path: Path) -> None:
    """A constraints line is a comment or name==version: no address, marker or hash."""
    for line in path.read_text().splitlines():
        assert re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", line), line


def test_every_development_tool_is_pinned() -> None:
    """Each package of the dependency groups has its version in constraints/."""
    named = {
        normal(re.split(r"[\[;<>=! ]", requirement)[0])
        for group in PROJECT["dependency-groups"].values()
        for requirement in group
        if isinstance(requirement, str)
    }
    pinned = {
        name
        for constraints in ("tools.txt", "mypy-latest.txt", "django-lts.txt", "django-latest.txt")
        for name in pins(constraints)
    }
    assert set() == named - pinned


def test_lowest_mypy_is_the_one_tested() -> None:
    """The extra's lower bound is the version that the lowest-mypy tests run on."""
    [requirement] = PROJECT["project"]["optional-dependencies"]["mypy"]
    lowest = re.search(r">=([\d.]+)", requirement)
    assert lowest is not None
    assert (pins("mypy-lowest.txt")["mypy"] + ".").startswith(lowest[1] + ".")


def test_every_test_says_in_a_sentence_what_it_shows() -> None:
    """Each test function has a docstring that ends as a sentence does."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted(Path(__file__).parent.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").endswith(".")
    ]
    assert [] == silent
