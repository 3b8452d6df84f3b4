"""Start the checkers, each once for all files, and read their output into one form."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["CHECKERS", "ROOT", "Checker", "CheckerFailedError", "Diagnostic", "find"]

ROOT: Final = Path(__file__).resolve().parent.parent

_ENVIRONMENT: Final = {
    # The plugin is imported by mypy, from the checkout.
    "PYTHONPATH": str(ROOT),
    # An internal failure of the plugin ends mypy instead of keeping the stub's answer.
    "TYPEDBRIDGE_PLUGIN_STRICT": "1",
    "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
}


@dataclass(frozen=True)
class Diagnostic:
    """An error, in the terms that all checkers share. `path` is `folder/file.py`."""

    path: str
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class CheckerFailedError(Exception):
    """The checker crashed or could not start, which is not a result."""


@dataclass(frozen=True)
class Checker:
    """How to run one checker over a folder of case files, and how to read what it says."""

    name: str
    title: str
    # (folder, Python version, paths) -> arguments
    command: Callable[[Path, str, list[str]], list[str]]
    parse: Callable[[str], Iterable[Diagnostic]]
    # What its report of a failed assert_type contains, in the code or the message.
    assert_type: str

    def run(self, folder: Path, python: str, paths: list[str]) -> list[Diagnostic]:
        """Check `paths` below `folder` as if written for that version of Python."""
        if not paths:
            return []
        tool, *arguments = self.command(folder, python, paths)
        done = subprocess.run(
            [find(tool), *arguments],
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in {0, 1}:
            msg = f"{self.name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
            raise CheckerFailedError(msg)
        found = list(self.parse(done.stdout))
        if done.returncode == 1 and not done.stdout.strip():
            raise CheckerFailedError(f"{self.name} said nothing but:\n{done.stderr}")
        base = str(folder.resolve()) + os.sep
        return [
            Diagnostic(one.path.removeprefix(base), one.line, one.code, one.message)
            for one in found
        ]


def find(tool: str) -> str:
    """The path of a tool of the environment that runs the tests."""
    # Beside the interpreter first: a virtual environment need not be activated.
    path = shutil.which(tool, path=str(Path(sys.executable).parent)) or shutil.which(tool)
    if path is None:
        raise CheckerFailedError(
            f"{tool} is not installed; it is in the dependency group typecheck"
        )
    return path


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _mypy(plugin: str) -> Callable[[Path, str, list[str]], list[str]]:
    def command(folder: Path, python: str, paths: list[str]) -> list[str]:
        config = folder / f"mypy{'-plugin' if plugin else ''}.ini"
        config.write_text(
            "[mypy]\nstrict = True\nnamespace_packages = True\nexplicit_package_bases = True\n"
            f"mypy_path = {folder}:{ROOT}\n{plugin}",
            encoding="utf-8",
        )
        cache = str(folder / f".{config.stem}_cache")
        arguments = ["--config-file", str(config), "--cache-dir", cache, "--output", "json"]
        return ["mypy", *arguments, "--python-version", python, *paths]

    return command


def _parse_mypy(output: str) -> Iterable[Diagnostic]:
    for line in output.splitlines():
        if line.startswith("{"):
            one: dict[str, Any] = json.loads(line)
            if one["severity"] == "error":
                yield Diagnostic(one["file"], one["line"], one["code"] or "", one["message"])


def _pyright(tool: str, settings: dict[str, object]) -> Callable[[Path, str, list[str]], list[str]]:
    def command(folder: Path, python: str, paths: list[str]) -> list[str]:
        config = folder / f"{tool}-{python}.json"
        _write_json(
            config,
            {
                **settings,
                "extraPaths": [str(ROOT)],
                "pythonVersion": python,
                "include": paths,
            },
        )
        return [tool, "--project", str(config), "--outputjson", "--pythonpath", sys.executable]

    return command


def _parse_pyright(output: str) -> Iterable[Diagnostic]:
    for one in json.loads(output)["generalDiagnostics"]:
        if one["severity"] == "error":
            line = one["range"]["start"]["line"] + 1
            yield Diagnostic(one["file"], line, one.get("rule", ""), one["message"])


def _pyrefly(folder: Path, python: str, paths: list[str]) -> list[str]:
    config = folder / "pyrefly.toml"
    config.write_text(
        f'preset = "strict"\nsearch-path = [{json.dumps(str(ROOT))}]\n'
        f"python-interpreter-path = {json.dumps(sys.executable)}\n",
        encoding="utf-8",
    )
    arguments = ["--config", str(config), "--python-version", python, "--output-format", "json"]
    return ["pyrefly", "check", *arguments, *paths]


def _parse_pyrefly(output: str) -> Iterable[Diagnostic]:
    for one in json.loads(output)["errors"]:
        if one["severity"] == "error":
            yield Diagnostic(one["path"], one["line"], one["name"], one["description"])


def _ty(folder: Path, python: str, paths: list[str]) -> list[str]:
    config = folder / "ty.toml"
    # A strict mode it has not; the rest of its optional rules is about style.
    config.write_text('[rules]\nunused-awaitable = "error"\n', encoding="utf-8")
    arguments = ["--config-file", str(config), "--python", sys.prefix, "--python-version", python]
    arguments += ["--extra-search-path", str(ROOT), "--output-format", "gitlab", "--no-progress"]
    return ["ty", "check", *arguments, *paths]


def _parse_ty(output: str) -> Iterable[Diagnostic]:
    for one in json.loads(output or "[]"):
        if one["severity"] in {"major", "critical", "blocker"}:
            place = one["location"]
            line = place["positions"]["begin"]["line"]
            yield Diagnostic(place["path"], line, one["check_name"], one["description"])


def _zuban(folder: Path, python: str, paths: list[str]) -> list[str]:
    config = folder / "zuban.ini"
    config.write_text(f"[mypy]\nstrict = True\nmypy_path = {ROOT}\n", encoding="utf-8")
    arguments = ["--config-file", str(config), "--no-pretty", "--no-error-summary"]
    arguments += ["--show-error-codes", "--python-version", python]
    return ["zuban", "check", *arguments, "--python-executable", sys.executable, *paths]


# zuban has no JSON output; this is its one line for an error.
_ZUBAN_LINE: Final = re.compile(r"(?P<path>[^:]+):(?P<line>\d+)(?::\d+)?: error: (?P<message>.*)")


def _parse_zuban(output: str) -> Iterable[Diagnostic]:
    for line in output.splitlines():
        if found := _ZUBAN_LINE.fullmatch(line):
            message, _, code = found["message"].rpartition("  [")
            yield Diagnostic(found["path"], int(found["line"]), code.removesuffix("]"), message)


_PLUGIN: Final = "plugins = typedbridge.mypy_plugin\n"

CHECKERS: Final = {
    one.name: one
    for one in (
        Checker("mypy-plugin", "mypy with plugin", _mypy(_PLUGIN), _parse_mypy, "[assert-type]"),
        Checker("mypy", "mypy", _mypy(""), _parse_mypy, "[assert-type]"),
        Checker(
            "pyright",
            "pyright",
            _pyright("pyright", {"typeCheckingMode": "strict"}),
            _parse_pyright,
            "reportAssertTypeFailure",
        ),
        Checker(
            "basedpyright",
            "basedpyright",
            _pyright("basedpyright", {"typeCheckingMode": "strict"}),
            _parse_pyright,
            "reportAssertTypeFailure",
        ),
        Checker("pyrefly", "pyrefly", _pyrefly, _parse_pyrefly, "[assert-type]"),
        Checker("ty", "ty", _ty, _parse_ty, "type-assertion-failure"),
        Checker("zuban", "zuban", _zuban, _parse_zuban, "Expression is of type"),
    )
}
