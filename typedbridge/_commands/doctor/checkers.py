"""Type checkers: which are there, is mypy one that the plugin takes, and does it load the plugin?"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.requirements import Requirement

from typedbridge._commands.doctor.model import Check, Verdict
from typedbridge._commands.doctor.process import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLUGIN: Final = "typedbridge.mypy_plugin"
CHECKERS: Final = ("mypy", "pyright", "basedpyright", "pyrefly", "ty", "zuban")

MAY_HOLD: Final = ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg")
"""The files in which somebody may have configured the plugin."""

ASK_MYPY: Final = """
import io, json
from mypy.config_parser import parse_config_file
from mypy.options import Options
options, said = Options(), io.StringIO()
parse_config_file(options, lambda: None, None, said, said)
print(json.dumps([options.config_file, options.plugins, options.python_version, said.getvalue()]))
"""
"""Which file mypy reads depends on its version: only mypy itself can say."""


class MypySettings(NamedTuple):
    """What mypy answers."""

    file: str | None
    plugins: list[str]
    python: list[int]
    said: str
    """What it had to say of its settings."""


def checkers() -> Check:
    """Which type checkers are in this environment, with their versions."""
    there = [f"{name} {version}" for name in CHECKERS if (version := version_of(name))]
    return Check("type checkers", Verdict.OK, ", ".join(there) or "none in this environment")


def mypy() -> Check:
    """Is mypy within the range on which the plugin is tested?"""
    version = version_of("mypy")
    requirements = map(Requirement, metadata.requires("typedbridge") or ())
    (wanted,) = [
        requirement.specifier for requirement in requirements if requirement.name == "mypy"
    ]
    if version is None:
        return Check("mypy", Verdict.OK, "not in this environment")
    if wanted.contains(version, prereleases=True):
        return Check("mypy", Verdict.OK, f"mypy {version}")
    text = f"the plugin is tested on mypy {wanted}: pip install 'typedbridge[mypy]'"
    return Check("mypy", Verdict.WRONG, f"mypy {version}", text)


def plugin(project: Path) -> Check:
    """Does the mypy that runs in the project load the plugin?"""
    mentioned = [
        name
        for name in MAY_HOLD
        if (file := project / name).is_file()
        and re.search(rf"^[^#;]*{re.escape(PLUGIN)}\b", _text(file), re.MULTILINE)
    ]
    if version_of("mypy") is None:
        found = f"mypy is not here; {', '.join(mentioned) or 'no file'} names the plugin"
        advice = "run doctor where mypy is installed" if mentioned else None
        return Check("mypy plugin", Verdict.NOTE, found, advice)
    done = subprocess.run(  # noqa: S603  # this interpreter, and a program of ours
        [sys.executable, "-c", ASK_MYPY], cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return Check("mypy plugin", Verdict.WRONG, f"mypy cannot read its settings: {reason}")
    settings = MypySettings(*json.loads(done.stdout.splitlines()[-1]))
    if settings.said.strip():
        text = f"mypy says of its settings: {settings.said.strip().splitlines()[0]}"
        return Check("mypy plugin", Verdict.WRONG, text, "correct them")
    if not any(name.partition(":")[0] == PLUGIN for name in settings.plugins):
        return _not_loaded(settings.file, mentioned)
    if tuple(settings.python) < (3, 11):
        found = f"{settings.file} has python_version = {'.'.join(map(str, settings.python))}"
        advice = "typedbridge runs on 3.11 or newer: judge code for that"
        return Check("mypy plugin", Verdict.WARNING, found, advice)
    return Check("mypy plugin", Verdict.OK, f"configured in {settings.file}")


def _not_loaded(file: str | None, mentioned: list[str]) -> Check:
    read = f"mypy reads {file}" if file else "mypy finds no settings"
    elsewhere = [name for name in mentioned if name != file]
    if elsewhere:
        found = f"{read}, and the plugin is configured in {', '.join(elsewhere)}"
        to = file or f"{elsewhere[0]}, in the section of mypy"
        return Check("mypy plugin", Verdict.WRONG, found, f'put plugins = ["{PLUGIN}"] into {to}')
    if mentioned:
        found = f"{file} names the plugin, and mypy does not take it from there"
        advice = "it belongs into plugins = ..., in the section [mypy] or [tool.mypy]"
        return Check("mypy plugin", Verdict.WRONG, found, advice)
    advice = f'put plugins = ["{PLUGIN}"] into {file or "[tool.mypy] in pyproject.toml"}'
    return Check("mypy plugin", Verdict.WARNING, f"{read}; the plugin is not used", advice)


def pre_commit(project: Path) -> Iterator[Check]:
    """mypy under pre-commit has an environment of its own, where the plugin must be as well."""
    file = project / ".pre-commit-config.yaml"
    text = _text(file) if file.is_file() else ""
    if re.search(r"^[^#]*mirrors-mypy", text, re.MULTILINE) and "typedbridge" not in text:
        advice = "add typedbridge to additional_dependencies of the hook mypy"
        yield Check(
            "pre-commit", Verdict.WARNING, f"{file.name} runs mypy without typedbridge", advice
        )


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
