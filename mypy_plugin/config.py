"""The plugin's switches in the mypy configuration file."""

from __future__ import annotations

import configparser
import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from typedbridge.mypy_plugin import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTION: Final = "typedbridge"

# A switch is named like the error code: bridge_blocking_call = false.
_SWITCHES: Final = {code.code.replace("-", "_"): code.code for code in errors.ALL}
_WORDS: Final = configparser.ConfigParser.BOOLEAN_STATES


class ConfigError(Exception):
    """The section cannot be used; the message says why, in one line."""


def switched(config_file: str | None) -> dict[str, bool]:
    """Return which error codes the configuration file switches on or off.

    :raises ConfigError: a key is unknown, or a value is not a boolean.
    """
    if config_file is None:
        return {}
    path = Path(config_file)
    in_toml = path.suffix == ".toml"
    section = f"[tool.{SECTION}]" if in_toml else f"[{SECTION}]"
    options = _toml_section(path) if in_toml else _ini_section(path)
    return {_code(section, key): _is_on(section, key, value) for key, value in options.items()}


def _toml_section(path: Path) -> Mapping[str, object]:
    # mypy has read the file already: it exists and it is valid.
    table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get(SECTION, {})
    if not isinstance(table, dict):
        raise ConfigError(f"tool.{SECTION} must be a table")
    return cast("dict[str, object]", table)


def _ini_section(path: Path) -> Mapping[str, object]:
    # As mypy reads it: no interpolation, so that a "%" elsewhere in the file is only a "%".
    parser = configparser.RawConfigParser()
    parser.read(path, encoding="utf-8")
    return dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}


def _code(section: str, key: str) -> str:
    code = _SWITCHES.get(key)
    if code is None:
        near = difflib.get_close_matches(key, _SWITCHES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(_SWITCHES)}"
        raise ConfigError(f'{section}: unknown key "{key}"; {hint}')
    return code


def _is_on(section: str, key: str, value: object) -> bool:
    if isinstance(value, str) and section == f"[{SECTION}]":
        value = _WORDS.get(value.lower(), value)
    if not isinstance(value, bool):
        raise ConfigError(f"{section}: {key} must be true or false, not {value!r}")
    return value
