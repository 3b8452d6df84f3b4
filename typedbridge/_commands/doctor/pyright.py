"""Settings of pyright and basedpyright that change what they see of typedbridge."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Final, NamedTuple

from typedbridge._commands.doctor.model import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NAME: Final = "pyright"
SECTIONS: Final = ("basedpyright", "pyright")
STRING: Final = r'("(?:\\.|[^"\\])*")'
COMMENT: Final = re.compile(rf"{STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
LAST_COMMA: Final = re.compile(rf"{STRING}|,(?=\s*[}}\]])")
"""What pyright allows in its JSON file and JSON does not; strings are matched to be left as they are."""


class Settings(NamedTuple):
    """Where settings were found, and what they are."""

    file: Path
    values: Mapping[str, object]


class UnreadableError(Exception):
    """A file of settings that is not one."""


def pyright(project: Path) -> Iterator[Check]:
    """Look at the settings that pyright would read in a project."""
    try:
        settings, ignored = _settings(project)
    except UnreadableError as error:
        yield Check(NAME, Verdict.WRONG, str(error), "correct it: pyright goes on without it")
        return
    if settings is None:
        stubs = [*_stubs_in_the_way(project, {})]
        yield from stubs or [Check(NAME, Verdict.OK, "no settings: its own apply")]
        return
    problems = [*_problems(settings)]
    if ignored:
        text = f"pyright reads {settings.file.name}, and not what {ignored} says"
        problems.append(Check(NAME, Verdict.WARNING, text, "keep one of the two"))
    yield from problems or [Check(NAME, Verdict.OK, f"configured in {settings.file.name}")]


def _settings(project: Path) -> tuple[Settings | None, str | None]:
    """The settings, and a section that is not read since the file goes before it."""
    for folder in (project, *project.parents):
        file, toml = folder / "pyrightconfig.json", folder / "pyproject.toml"
        section = _section(toml) if toml.is_file() else None
        if file.is_file():
            return Settings(file, _json(file)), section and f"[tool.{section[0]}] in {toml.name}"
        if section is not None:
            return Settings(toml, section[1]), None
        if (folder / ".git").exists():
            break
    return None, None


def _json(file: Path) -> Mapping[str, object]:
    text = file.read_text(encoding="utf-8")
    for extra in (COMMENT, LAST_COMMA):
        text = extra.sub(lambda match: match[1] or "", text)
    try:
        values: object = json.loads(text)
    except ValueError as error:
        raise UnreadableError(f"{file.name} is no JSON: {error}") from error
    return _table(values)


def _section(file: Path) -> tuple[str, Mapping[str, object]] | None:
    try:
        tool = _table(tomllib.loads(file.read_text(encoding="utf-8")).get("tool"))
    except ValueError as error:
        raise UnreadableError(f"{file.name} is no TOML: {error}") from error
    return next(((name, _table(tool[name])) for name in SECTIONS if name in tool), None)


def _table(value: object) -> Mapping[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # what a file holds is seen by looking


def _problems(settings: Settings) -> Iterator[Check]:
    file, values = settings
    version = str(values.get("pythonVersion", ""))
    if re.fullmatch(r"\d+\.\d+", version) and tuple(map(int, version.split("."))) < (3, 11):
        found = f"{file.name} has pythonVersion {version}"
        advice = "typedbridge runs on 3.11 or newer: judge code for that"
        yield Check(NAME, Verdict.WARNING, found, advice)
    if values.get("typeCheckingMode") == "off":
        found = f'{file.name} has typeCheckingMode "off"'
        yield Check(
            NAME, Verdict.WARNING, found, "no wrong use of a bridge is reported; try standard"
        )
    if values.get("reportUnusedCoroutine") in {False, "none"}:
        found = f"{file.name} switches reportUnusedCoroutine off"
        advice = "a bridge that is called and not awaited goes unnoticed; switch it on"
        yield Check(NAME, Verdict.WARNING, found, advice)
    yield from _stubs_in_the_way(file.parent, values)
    yield from _environment(file.parent, values)


def _stubs_in_the_way(folder: Path, values: Mapping[str, object]) -> Iterator[Check]:
    stubs = folder / str(values.get("stubPath", "typings")) / "typedbridge"
    if stubs.exists():
        found = f"{stubs.parent.name}/{stubs.name} hides the stubs that typedbridge brings"
        yield Check(NAME, Verdict.WRONG, found, f"delete {stubs}")


def _environment(folder: Path, values: Mapping[str, object]) -> Iterator[Check]:
    if "venv" not in values:
        return
    home = folder / str(values.get("venvPath", ".")) / str(values["venv"])
    packages = [*home.glob("lib/python*/site-packages"), *home.glob("Lib/site-packages")]
    if not any(path for place in packages for path in place.glob("*typedbridge*")):
        found = f"pyright looks for packages in {home}, where typedbridge is not"
        yield Check(NAME, Verdict.WRONG, found, "install it there, or correct venvPath and venv")
