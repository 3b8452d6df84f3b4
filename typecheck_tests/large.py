"""Check large packages that use asgiref with typedbridge in its place, with and without the plugin.

    PYTHONPATH=. python -m typecheck_tests.large django channels

The packages are installed in the environment of the interpreter that runs this, and so are mypy and
asgiref. Each package's source is copied and checked from a cold cache: with asgiref itself, on
the stubs alone, and with the plugin. What is printed is how the errors differ, and the processor
time of each run. A crash, or an internal failure of the plugin, ends the run.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

# The modules of asgiref that typedbridge takes the place of.
REPLACED: Final = ("sync", "local", "current_thread_executor")

SETTINGS: Final = """\
[mypy]
plugins = {plugins}
check_untyped_defs = true
ignore_missing_imports = true
follow_imports = normal
namespace_packages = true
explicit_package_bases = true
show_traceback = true
[mypy-asgiref.*]
ignore_errors = true
"""


class CheckFailedError(Exception):
    """There is no package, or mypy did not get to its end."""


@dataclass(frozen=True)
class Run:
    """What one run of mypy said."""

    errors: list[str]
    seconds: float


def place(package: str, folder: Path) -> None:
    """Copy the source of an installed package, where `a.b` is a part of it, into `folder`.

    :raises CheckFailedError: it is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise CheckFailedError(f"{package} is not a package that is installed here")
    source = Path(next(iter(found.submodule_search_locations)))
    shutil.copytree(
        source,
        folder.joinpath(*package.split(".")),
        ignore=shutil.ignore_patterns("__pycache__"),
    )


def write_substitute(folder: Path) -> None:
    """Write an asgiref whose replaced modules hold the names of typedbridge."""
    place("asgiref", folder)
    for module in REPLACED:
        stub = folder / "asgiref" / f"{module}.pyi"
        stub.write_text(f"from typedbridge.{module} import *\n", encoding="utf-8")


def run(source: Path, search: list[Path], settings: str) -> Run:
    """Check what is in `source` with an empty cache.

    :raises CheckFailedError: mypy crashed, or the plugin failed.
    """
    config = source / "mypy.ini"
    config.write_text(settings, encoding="utf-8")
    path = os.pathsep.join(map(str, [source, *search]))
    environment = {
        **os.environ,
        "MYPYPATH": path,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "TYPEDBRIDGE_PLUGIN_STRICT": "1",
        # mypy joins some types in the order of a set.
        "PYTHONHASHSEED": "0",
        # An installed plugin comes compiled, one in a source tree may not.
        "PYTHONPYCACHEPREFIX": str(source.parent / "bytecode"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--no-error-summary"]
    command += ["--cache-dir", os.devnull, "."]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, cwd=source, env=environment, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in {0, 1} or done.stderr.strip():
        said = f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
        raise CheckFailedError(f"mypy ended with {done.returncode}:\n{said}")
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Run(done.stdout.splitlines(), seconds)


def show(title: str, before: Run, after: Run) -> None:
    """Print what the second run says and the first does not, and the reverse."""
    print(f"  {title}: {before.seconds:.1f} s to {after.seconds:.1f} s")
    for sign, lines in (
        ("-", Counter(before.errors) - Counter(after.errors)),
        ("+", Counter(after.errors) - Counter(before.errors)),
    ):
        for line in lines.elements():
            print(f"    {sign} {line}")


def main() -> None:
    """Check each package three times."""
    parser = argparse.ArgumentParser(
        prog="python -m typecheck_tests.large", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("package", nargs="+", help="an import name: django, airflow.providers.http")
    parser.add_argument("--plugin", action="append", default=[], help="another plugin beside ours")
    parser.add_argument("--settings", default="", help="more lines for mypy.ini")
    options = parser.parse_args()
    for package in options.package:
        with tempfile.TemporaryDirectory() as name:
            source, substitute = Path(name, "source"), Path(name, "substitute")
            place(package, source)
            write_substitute(substitute)
            runs: list[Run] = []
            for search, ours in (
                ([], []),
                ([substitute, ROOT], []),
                ([substitute, ROOT], ["typedbridge.mypy_plugin"]),
            ):
                plugins = ", ".join([*options.plugin, *ours])
                settings = SETTINGS.format(plugins=plugins) + f"{options.settings}\n"
                runs.append(run(source, search, settings))
        asgiref, stubs, plugin = runs
        files = len(asgiref.errors)
        print(f"{package}: {files} errors with asgiref")
        show("from asgiref to the stubs", asgiref, stubs)
        show("from the stubs to the plugin", stubs, plugin)


if __name__ == "__main__":
    try:
        main()
    except CheckFailedError as failure:
        sys.exit(str(failure))
