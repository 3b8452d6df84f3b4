"""Switches in the mypy configuration file, and what is said about wrong ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from typecheck_tests.plugin.projects import CLEAN, PLUGIN

if TYPE_CHECKING:
    from typecheck_tests.plugin.projects import Project

# One of each finding, with its code.
FINDINGS = """
    from collections.abc import Iterator
    from typedbridge import async_to_sync, sync_to_async

    async def fetch() -> None: ...
    def rows() -> Iterator[int]:
        yield 1

    sync_to_async(fetch)
    sync_to_async(rows)
    sync_to_async(len, thread_sensitive=False, executor=1)

    async def main() -> None:
        async_to_sync(fetch)()
    """

ALL = {
    "bridge-async-function",
    "bridge-blocking-call",
    "bridge-executor-type",
    "bridge-generator",
}


@pytest.fixture
def project(project: Project) -> Project:
    project.write("program.py", FINDINGS)
    return project


def codes(output: str) -> set[str]:
    """The plugin's codes in what mypy printed."""
    words = {line.rpartition("[")[2].removesuffix("]") for line in output.splitlines()}
    return {word for word in words if word.startswith("bridge-")}


def test_everything_is_on_by_default(project: Project) -> None:
    """Without a section of its own the plugin reports all findings."""
    assert codes(project.mypy("program.py")) == ALL


@pytest.mark.parametrize("name", ["mypy.ini", "setup.cfg"])
def test_switches_in_ini_files(project: Project, name: str) -> None:
    """[typedbridge] switches single findings off and leaves the others on."""
    project.write(
        name,
        f"""
        [mypy]
        plugins = {PLUGIN}

        [typedbridge]
        bridge_async_function = false
        bridge_generator = no
        bridge_blocking_call = true
        """,
    )

    output = project.mypy("--config-file", name, "program.py")

    assert codes(output) == ALL - {"bridge-async-function", "bridge-generator"}


def test_switches_in_pyproject(project: Project) -> None:
    """[tool.typedbridge] takes TOML booleans."""
    project.write(
        "pyproject.toml",
        f"""
        [tool.mypy]
        plugins = ["{PLUGIN}"]

        [tool.typedbridge]
        bridge_blocking_call = false
        """,
    )

    assert codes(project.mypy("program.py")) == ALL - {"bridge-blocking-call"}


def test_a_percent_sign_elsewhere_is_no_matter(project: Project) -> None:
    """The file is read as mypy reads it, without interpolation."""
    project.configure(extra="[other]\nformat = %(asctime)s\n[typedbridge]\nbridge_generator = 0\n")

    assert codes(project.mypy("program.py")) == ALL - {"bridge-generator"}


def test_a_switched_off_finding_leaves_the_stubs_answer(project: Project) -> None:
    """What the stubs refuse by themselves stays an error, mypy's own."""
    project.write(
        "program.py",
        """
        from concurrent.futures import Executor
        from typedbridge import async_to_sync, call_async, sync_to_async
        @async_to_sync
        def load() -> None: ...
        call_async(load.awaitable)
        def wrap(pool: Executor) -> None:
            sync_to_async(len, executor=pool)
        """,
    )
    project.configure(extra="[typedbridge]\nbridge_executor = off\nbridge_sync_function = off\n")

    output = project.mypy("program.py")

    assert set() == codes(output)
    assert ["arg-type", "call-overload"] == sorted(
        code for code in ("arg-type", "call-overload") if f"[{code}]" in output
    )


def test_a_changed_switch_is_not_answered_from_the_cache(project: Project) -> None:
    """mypy checks the program again when a switch changes."""
    before = codes(project.mypy("program.py"))
    project.configure(extra="[typedbridge]\nbridge_generator = false\n")
    after = codes(project.mypy("program.py"))

    assert [ALL, ALL - {"bridge-generator"}] == [before, after]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "bridge_generators = false",
            'unknown key "bridge_generators"; did you mean bridge_generator?',
        ),
        ("strict = true", 'unknown key "strict"; known keys: bridge_async_function, '),
        ("bridge_generator = maybe", "bridge_generator must be true or false, not 'maybe'"),
    ],
)
def test_a_wrong_line_in_an_ini_file(project: Project, line: str, message: str) -> None:
    """A wrong key or value is one clear line, with the file and the section, and no traceback."""
    project.configure(extra=f"[typedbridge]\n{line}\n")

    output = project.mypy("program.py")

    assert output.startswith(f"mypy.ini: error: [typedbridge]: {message}")
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "bridge-generator = false",
            'unknown key "bridge-generator"; did you mean bridge_generator?',
        ),
        ('bridge_generator = "false"', "bridge_generator must be true or false, not 'false'"),
        ("bridge_generator = 0", "bridge_generator must be true or false, not 0"),
    ],
)
def test_a_wrong_line_in_pyproject(project: Project, line: str, message: str) -> None:
    """In TOML only true and false are booleans."""
    project.write(
        "pyproject.toml", f'[tool.mypy]\nplugins = ["{PLUGIN}"]\n[tool.typedbridge]\n{line}\n'
    )

    output = project.mypy("program.py")

    assert output == f"pyproject.toml: error: [tool.typedbridge]: {message}"


def test_a_section_that_is_no_table(project: Project) -> None:
    """tool.typedbridge must be a table."""
    project.write(
        "pyproject.toml", f'[tool]\ntypedbridge = 1\n[tool.mypy]\nplugins = ["{PLUGIN}"]\n'
    )

    assert "tool.typedbridge must be a table" in project.mypy("program.py")


def test_a_wrong_key_in_the_daemon(project: Project) -> None:
    """The daemon says the same, and stays usable."""
    project.configure(extra="[typedbridge]\nstrict = true\n")
    wrong = project.dmypy("run", "--", "program.py")
    project.configure()
    right = project.dmypy("run", "--", "program.py")
    project.dmypy("kill")

    assert 'unknown key "strict"' in wrong
    assert codes(right) == ALL


def test_a_program_without_typedbridge(project: Project) -> None:
    """The plugin keeps silent where its library is not used."""
    project.write("program.py", "def f(x: int) -> int: return x\n\nf(1)\n")

    assert project.mypy("program.py").startswith(CLEAN)
