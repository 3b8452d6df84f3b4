"""What a user installs: built, installed into fresh environments, imported and type-checked there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parents[1]
TOOLS: Final = ROOT / "constraints" / "tools.txt"
MYPY: Final = ROOT / "constraints" / "mypy-latest.txt"

pytestmark = [
    pytest.mark.packaging,
    # Seconds: the first test waits for pip to build and install, at times without a warm cache.
    pytest.mark.timeout(300),
]

RUN: Final = """
import asyncio, sys
import typedbridge
from typedbridge.current_thread_executor import CurrentThreadExecutor
from typedbridge.local import Local
from typedbridge.sync import async_to_sync, sync_to_async

@sync_to_async
def double(number):
    return 2 * number

@async_to_sync
async def main():
    return await double(21)

assert 42 == main(), main()
assert "mypy" not in sys.modules
print(typedbridge.__file__)
"""

SAMPLE: Final = """
from __future__ import annotations

from typing import assert_type

from typedbridge import async_to_sync, sync_to_async


@sync_to_async
def repeat(text: str, *, times: int = 2) -> str:
    return text * times


class Shelf:
    @sync_to_async
    def find(self, title: str) -> list[int]:
        return [len(title)]


@async_to_sync
async def blocking(number: int) -> bytes:
    return bytes(number)


async def use(shelf: Shelf) -> None:
    assert_type(await repeat("a", times=3), str)
    assert_type(await shelf.find("title"), list[int])


def call() -> None:
    assert_type(blocking(1), bytes)
"""

WRONG: Final = """

async def wrong(shelf: Shelf) -> None:
    await repeat(1)
    await shelf.find()
"""

PLUGIN_ONLY: Final = """

def plain() -> None:
    assert_type(repeat.func("a"), str)
"""

MYPY_CONFIG: Final = """
[mypy]
strict = True
plugins = typedbridge.mypy_plugin
"""


class Built(NamedTuple):
    """What the build made."""

    sdist: Path
    wheel: Path
    wheel_from_sdist: Path


class Environment(NamedTuple):
    """A fresh environment with the package in it."""

    folder: Path
    python: Path
    site_packages: Path
    kind: str


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed; return what it printed."""
    done = tool(*command, cwd=cwd)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def tool(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command away from the project's folder, with nothing of this process's Python."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    # Build requirements are installed by pip in environments of their own; this reaches them too.
    environment["PIP_CONSTRAINT"] = str(TOOLS)
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def pip_install(python: Path, *what: str | Path, cwd: Path) -> None:
    """Install into another environment with this one's pip."""
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", *what, cwd=cwd)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    build: Sequence[str | Path] = (sys.executable, "-m", "build", ROOT, "--outdir")
    run(*build, folder / "both", cwd=folder)
    run(*build, folder / "direct", "--wheel", cwd=folder)
    [sdist] = (folder / "both").glob("*.tar.gz")
    [from_sdist] = (folder / "both").glob("*.whl")
    [wheel] = (folder / "direct").glob("*.whl")
    return Built(sdist=sdist, wheel=wheel, wheel_from_sdist=from_sdist)


@pytest.fixture(scope="module", params=["wheel", "sdist", "editable"])
def environment(
    request: pytest.FixtureRequest, built: Built, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """A fresh environment for each way to install; nothing else is in it."""
    kind: str = request.param
    folder = tmp_path_factory.mktemp(kind)
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    paths = sysconfig.get_paths(
        "venv", {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    )
    python = Path(paths["scripts"]) / "python"
    what: dict[str, tuple[str | Path, ...]] = {
        "wheel": (built.wheel,),
        "sdist": (built.sdist,),
        "editable": ("--editable", ROOT),
    }
    pip_install(python, *what[kind], cwd=folder)
    return Environment(folder, python, Path(paths["purelib"]), kind)


@pytest.fixture(scope="module")
def with_mypy(environment: Environment) -> Environment:
    """The environment after mypy came into it as well."""
    pip_install(environment.python, "-c", MYPY, "mypy", cwd=environment.folder)
    return environment


def test_import_and_calls_work_with_nothing_else_installed(environment: Environment) -> None:
    """A fresh environment with the package alone imports it and calls both ways."""
    imported = Path(run(environment.python, "-c", RUN, cwd=environment.folder).strip())
    home = ROOT if environment.kind == "editable" else environment.site_packages
    assert home / "typedbridge" / "__init__.py" == imported


def test_the_command_line_says_what_it_lacks_and_runs_programs(environment: Environment) -> None:
    """Without the extra there is one clear line, and ``run`` is there for services."""
    command = (environment.python, "-m", "typedbridge")
    done = tool(*command, "migrate", cwd=environment.folder)
    assert 2 == done.returncode
    assert "pip install 'typedbridge[cli]'" in done.stderr.splitlines()[0]
    assert run(*command, "run", "--help", cwd=environment.folder).startswith("Usage:")


def test_the_extra_brings_the_command_line(built: Built, tmp_path: Path) -> None:
    """``pip install typedbridge[cli]`` is all that ``migrate`` needs."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    paths = sysconfig.get_paths("venv", {"base": str(tmp_path / "venv")})
    python = Path(paths["scripts"]) / "python"
    pip_install(python, "-c", TOOLS, f"typedbridge[cli] @ {built.wheel.as_uri()}", cwd=tmp_path)
    (tmp_path / "views.py").write_text("from asgiref.sync import sync_to_async\n")
    run(python, "-m", "typedbridge", "migrate", "--write", "views.py", cwd=tmp_path)
    expected = "from typedbridge.sync import sync_to_async\n"
    assert expected == (tmp_path / "views.py").read_text()


def test_site_packages_gets_one_name(environment: Environment) -> None:
    """No generic top-level package, mypy_plugin above all, reaches site-packages."""
    names = {path.name for path in environment.site_packages.iterdir()}
    package = "_editable_impl_typedbridge.pth" if environment.kind == "editable" else "typedbridge"
    installed = {name for name in names if name == package or name.startswith("typedbridge-")}
    assert 2 == len(installed), names
    # A later test may have put mypy there; what it brings is not ours.
    ours = {"mypy_plugin", "tests", "typecheck_tests", "bench", "examples", "docs", "typedbridge"}
    assert {package} & ours == names & ours


def test_plugin_is_part_of_the_package(with_mypy: Environment) -> None:
    """typedbridge.mypy_plugin is importable by the name that users write in their settings."""
    program = "import typedbridge.mypy_plugin as it; print(it.plugin.__module__)"
    printed = run(with_mypy.python, "-c", program, cwd=with_mypy.folder)
    assert printed.startswith("typedbridge.mypy_plugin")


def test_mypy_with_the_plugin_sees_types(with_mypy: Environment) -> None:
    """mypy reads the installed types and loads the plugin from the same environment."""
    folder = with_mypy.folder
    (folder / "mypy.ini").write_text(MYPY_CONFIG)
    (folder / "right.py").write_text(SAMPLE + PLUGIN_ONLY)
    (folder / "wrong.py").write_text(SAMPLE + WRONG)
    mypy = (with_mypy.python, "-m", "mypy", "--no-error-summary", "--hide-error-context")
    assert "" == run(*mypy, "right.py", cwd=folder)
    found = tool(*mypy, "wrong.py", cwd=folder).stdout
    assert ["arg-type", "call-arg"] == [
        line.rpartition("[")[2].rstrip("]") for line in found.splitlines() if ": error:" in line
    ], found


def test_pyright_sees_types(environment: Environment) -> None:
    """pyright finds py.typed and the stubs of the installed package."""
    folder = environment.folder
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    (folder / "right.py").write_text(SAMPLE)
    (folder / "wrong.py").write_text(SAMPLE + WRONG)
    pyright = ("pyright", "--pythonpath", environment.python, "--outputjson")
    command = (sys.executable, "-m", *pyright)
    right = json.loads(tool(*command, "right.py", cwd=folder).stdout)
    assert [] == right["generalDiagnostics"]
    wrong = json.loads(tool(*command, "wrong.py", cwd=folder).stdout)
    assert ["reportArgumentType", "reportCallIssue"] == [
        found["rule"] for found in wrong["generalDiagnostics"]
    ]


def test_wheel_has_the_library_and_nothing_else(built: Built) -> None:
    """The wheel holds every module, stub and plugin file, py.typed, and no tests or benchmarks."""
    expected = {
        *(
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "typedbridge").rglob("*.py*")
            if path.suffix in {".py", ".pyi"}
        ),
        *(f"typedbridge/mypy_plugin/{path.name}" for path in (ROOT / "mypy_plugin").glob("*.py")),
        "typedbridge/py.typed",
    }
    with zipfile.ZipFile(built.wheel) as wheel:
        names = wheel.namelist()
    packed = [name for name in names if ".dist-info/" not in name]
    assert sorted(expected) == sorted(packed)
    assert "typedbridge/sync.pyi" in packed
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_wheel_from_sdist_is_the_same(built: Built) -> None:
    """The sdist lacks nothing: a wheel built from it has the same bytes in the same files."""
    with zipfile.ZipFile(built.wheel) as direct, zipfile.ZipFile(built.wheel_from_sdist) as other:
        assert {name: direct.read(name) for name in direct.namelist()} == {
            name: other.read(name) for name in other.namelist()
        }


def test_sdist_has_sources_and_tests(built: Built) -> None:
    """The sdist holds what a packager needs, each file once."""
    with tarfile.open(built.sdist) as sdist:
        names = [name.partition("/")[2] for name in sdist.getnames()]
    assert sorted(set(names)) == sorted(names)
    tops = {name.partition("/")[0] for name in names}
    assert {"typedbridge", "tests", "LICENSE", "README.md", "pyproject.toml"} <= tops
    assert "mypy_plugin" not in tops


def test_metadata_is_what_a_registry_page_shows(environment: Environment) -> None:
    """The installed metadata has a licence, a readme, the Python range and the extras."""
    program = (
        "import importlib.metadata, json;"
        "print(json.dumps(importlib.metadata.metadata('typedbridge').json))"
    )
    metadata = json.loads(run(environment.python, "-c", program, cwd=environment.folder))
    assert "MIT" == metadata["license_expression"]
    assert ">=3.11" == metadata["requires_python"]
    assert ["cli", "mypy"] == sorted(metadata["provides_extra"])
    assert all("extra ==" in requirement for requirement in metadata["requires_dist"])
    assert "text/markdown" == metadata["description_content_type"]
    assert metadata["description"].startswith("# typedbridge")
