"""A project in a directory of its own, checked by mypy in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]

PLUGIN = "typedbridge.mypy_plugin"

# Shown by every run that is expected to find nothing.
CLEAN = "Success: no issues found"


@dataclass(frozen=True)
class Project:
    """Files, a configuration, and the means to check them."""

    path: Path

    def write(self, name: str, source: str) -> Path:
        """Write a file of the project."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source), encoding="utf-8")
        return file

    def configure(self, *lines: str, plugins: tuple[str, ...] = (PLUGIN,), extra: str = "") -> None:
        """Write mypy.ini: `lines` belong to [mypy], `extra` is what follows."""
        body = "\n".join(["[mypy]", f"plugins = {', '.join(plugins)}", *lines, "", dedent(extra)])
        self.write("mypy.ini", body)

    def mypy(self, *arguments: str, library: Path = ROOT, strict: str = "1") -> str:
        """Check the project; return what mypy prints, without the summary of a failed run."""
        if not any(
            (self.path / name).exists() for name in ("mypy.ini", "pyproject.toml", "setup.cfg")
        ):
            self.configure()
        return self._run([sys.executable, "-m", "mypy", *arguments], library, strict)

    def reuse(self, cache: Path) -> None:
        """Start with a cache of another project: mypy does not check the standard library again."""
        shutil.copytree(cache, self.path / ".mypy_cache", dirs_exist_ok=True)

    def dmypy(self, *arguments: str) -> str:
        """Give a command to the project's own mypy daemon; return what it prints."""
        status = str(self.path / "dmypy.json")
        return self._run(
            [sys.executable, "-m", "mypy.dmypy", "--status-file", status, *arguments], ROOT, "1"
        )

    def _run(self, command: list[str], library: Path, strict: str) -> str:
        environment = {
            **os.environ,
            "PYTHONPATH": str(library),
            "MYPYPATH": str(library),
            # A failure inside the plugin fails the test, if it is not empty.
            "TYPEDBRIDGE_PLUGIN_STRICT": strict,
            "MYPY_FORCE_COLOR": "0",
        }
        done = subprocess.run(
            command,
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        lines = (done.stdout + done.stderr).splitlines()
        return "\n".join(line for line in lines if not line.startswith("Found ")).strip()
