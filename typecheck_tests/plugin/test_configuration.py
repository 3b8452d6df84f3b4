"""Switches in the mypy configuration file, and what is said about wrong ones."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from typecheck_tests.plugin.projects import CLEAN, PLUGIN
from typedbridge.mypy_plugin import errors

if TYPE_CHECKING:
    from typecheck_tests.plugin.projects import Project


def mypy_version() -> tuple[int, ...]:
    """Major and minor version of the mypy that is installed."""
    return tuple(int(part) for part in version("mypy").split(".")[:2])


# One of each finding.
FINDINGS = """
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from typedbridge import async_to_sync, sync_to_async

    async def fetch() -> None: ...
    def rows() -> Iterator[int]:
        yield 1

    def pooled(pool: Executor) -> None:
        sync_to_async(len, executor=pool)  # bridge-executor

    sync_to_async(fetch)  # bridge-async-function
    async_to_sync(len)  # bridge-sync-function
    async_to_sync(fetch())  # bridge-coroutine-object
    sync_to_async(rows)  # bridge-generator
    sync_to_async(staticmethod(len))  # bridge-decorator-order
    sync_to_async(len, thread_sensitive=False, executor=1)  # bridge-executor-type

    class Api:
        @async_to_sync
        async def get(self) -> None: ...

    async def main(api: Api) -> None:
        async_to_sync(fetch)()  # bridge-blocking-call
        api.get()  # bridge-may-block
        for _ in range(3):
            await sync_to_async(len)([])  # bridge-made-anew
        if sync_to_async(len)([]): ...  # bridge-not-awaited
    """

ALL = {code.code for code in errors.ALL}
DEFAULT = ALL - errors.ON_REQUEST

each_code = pytest.mark.parametrize("code", sorted(ALL))
each_by_default = pytest.mark.parametrize("code", sorted(DEFAULT))


@pytest.fixture
def project(project: Project) -> Project:
    project.write("program.py", FINDINGS)
    return project


def switch(code: str) -> str:
    """The key in the configuration file."""
    return code.replace("-", "_")


def codes(output: str) -> set[str]:
    """The plugin's codes in what mypy printed."""
    words = {line.rpartition("[")[2].removesuffix("]") for line in output.splitlines()}
    return {word for word in words if word.startswith("bridge-")}


def test_what_is_a_mistake_is_on_by_default(project: Project) -> None:
    """Without a section of its own the plugin reports all findings but those that are no mistake."""
    assert codes(project.mypy("program.py")) == DEFAULT


@pytest.mark.parametrize("code", sorted(errors.ON_REQUEST))
def test_the_others_are_switched_on(project: Project, code: str) -> None:
    """As notes: they do not make the run fail."""
    project.configure(extra=f"[typedbridge]\n{switch(code)} = true\n")

    output = project.mypy("program.py")

    assert codes(output) == DEFAULT | {code}
    assert all(": note: " in line for line in output.splitlines() if line.endswith(f"[{code}]"))


@each_by_default
def test_each_finding_is_switched_off_in_an_ini_file(project: Project, code: str) -> None:
    """The others stay on."""
    project.configure(extra=f"[typedbridge]\n{switch(code)} = false\n")

    assert codes(project.mypy("program.py")) == DEFAULT - {code}


@each_by_default
def test_each_finding_is_switched_off_in_pyproject(project: Project, code: str) -> None:
    """The keys are the same."""
    project.write(
        "pyproject.toml",
        f'[tool.mypy]\nplugins = ["{PLUGIN}"]\n[tool.typedbridge]\n{switch(code)} = false\n',
    )

    assert codes(project.mypy("program.py")) == DEFAULT - {code}


@each_by_default
def test_each_finding_is_silenced_in_its_line(project: Project, code: str) -> None:
    """A comment with the code is used, and nothing else is reported in the line."""
    project.write("program.py", FINDINGS.replace(f"# {code}\n", f"# type: ignore[{code}]\n"))
    project.configure("warn_unused_ignores = true")

    output = project.mypy("program.py")

    assert codes(output) == DEFAULT - {code}
    assert "unused-ignore" not in output


@pytest.mark.skipif(
    mypy_version() < (1, 19),
    reason="an older mypy reads disable_error_code before it has asked the plugin for its codes",
)
@each_by_default
def test_each_finding_is_disabled_by_its_code(project: Project, code: str) -> None:
    """disable_error_code knows the plugin's codes."""
    project.configure(f"disable_error_code = {code}")

    assert codes(project.mypy("program.py")) == DEFAULT - {code}


@each_code
def test_a_wrong_value_of_each_switch(project: Project, code: str) -> None:
    """One line, which names the key."""
    project.configure(extra=f"[typedbridge]\n{switch(code)} = maybe\n")

    expected = f"mypy.ini: error: [typedbridge]: {switch(code)} must be true or false, not 'maybe'"
    assert expected == project.mypy("program.py")


@each_code
def test_a_misspelled_key_of_each_switch(project: Project, code: str) -> None:
    """The code itself, with its hyphens, is no key; the message says which is meant."""
    project.configure(extra=f"[typedbridge]\n{code} = false\n")

    expected = f'[typedbridge]: unknown key "{code}"; did you mean {switch(code)}?'
    assert f"mypy.ini: error: {expected}" == project.mypy("program.py")


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

    assert codes(output) == DEFAULT - {"bridge-async-function", "bridge-generator"}


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

    assert codes(project.mypy("program.py")) == DEFAULT - {"bridge-blocking-call"}


def test_a_percent_sign_elsewhere_is_no_matter(project: Project) -> None:
    """The file is read as mypy reads it, without interpolation."""
    project.configure(extra="[other]\nformat = %(asctime)s\n[typedbridge]\nbridge_generator = 0\n")

    assert codes(project.mypy("program.py")) == DEFAULT - {"bridge-generator"}


def test_a_switched_off_finding_leaves_the_stubs_answer(project: Project) -> None:
    """What the stubs refuse by themselves stays an error, mypy's own."""
    project.write(
        "program.py",
        """
        from typedbridge import async_to_sync, call_async
        @async_to_sync
        def load() -> None: ...
        call_async(load.awaitable)
        """,
    )
    project.configure(extra="[typedbridge]\nbridge_sync_function = off\n")

    output = project.mypy("program.py")

    assert set() == codes(output)
    assert "[arg-type]" in output


def test_a_changed_switch_is_not_answered_from_the_cache(project: Project) -> None:
    """mypy checks the program again when a switch changes."""
    before = codes(project.mypy("program.py"))
    project.configure(extra="[typedbridge]\nbridge_generator = false\n")
    after = codes(project.mypy("program.py"))

    assert [DEFAULT, DEFAULT - {"bridge-generator"}] == [before, after]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "bridge_generators = false",
            'unknown key "bridge_generators"; did you mean bridge_generator?',
        ),
        ("strict = true", 'unknown key "strict"; known keys: bridge_async_function, '),
        ("bridge_generator =", "bridge_generator must be true or false, not ''"),
        ("bridge_generator = 2", "bridge_generator must be true or false, not '2'"),
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
    assert codes(right) == DEFAULT


def test_a_program_without_typedbridge(project: Project) -> None:
    """The plugin keeps silent where its library is not used."""
    project.write("program.py", "def f(x: int) -> int: return x\n\nf(1)\n")

    assert project.mypy("program.py").startswith(CLEAN)
