"""What the interpreter and its environment say: Python, versions, variables, loops, greenlets."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import sysconfig
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.specifiers import SpecifierSet

from typedbridge._commands.doctor.model import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES: Final = ("ASGI_THREADS", "TYPEDBRIDGE_MAX_WORKERS")
"""The variables that say how many workers there may be; the library reads them when it is imported."""


def version_of(package: str) -> str | None:
    """The version of a package in this environment, if it is there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def python() -> Check:
    """The interpreter, and whether typedbridge is tested on it."""
    version = platform.python_version()
    found = f"{platform.python_implementation()} {version}, {sys.executable}"
    about = metadata.metadata("typedbridge")
    lowest = SpecifierSet(about["Requires-Python"])
    tested = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier", [])
        if line.startswith("Programming Language :: Python :: 3.")
    ]
    if not lowest.contains(version, prereleases=True):
        return Check("python", Verdict.WRONG, found, f"typedbridge needs Python {lowest}")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        text = "typedbridge is not tested without the GIL: use the usual build"
        return Check("python", Verdict.WARNING, f"{found}, free-threaded", text)
    if version.rpartition(".")[0] not in tested or platform.python_implementation() != "CPython":
        text = f"typedbridge is tested on CPython {', '.join(tested)}: run your tests with care"
        return Check("python", Verdict.NOTE, found, text)
    return Check("python", Verdict.OK, found)


def typedbridge(project: Path) -> Check:
    """The library itself, and whether something else is imported in its place."""
    spec = import_module("typedbridge").__spec__
    origin = spec.origin if spec is not None else None
    found = f"typedbridge {metadata.version('typedbridge')}, {origin}"
    for folder in (project, project / "src"):
        other = folder / "typedbridge"
        named = [path for path in (other, other.with_suffix(".py")) if path.exists()]
        if named and not (origin and Path(origin).is_relative_to(folder)):
            text = (
                f"rename {named[0]}: programs started there would import it in place of the library"
            )
            return Check("typedbridge", Verdict.WRONG, found, text)
    return Check("typedbridge", Verdict.OK, found)


def workers() -> Iterator[Check]:
    """The variables that size the worker pool. A server may have others than this shell."""
    try:
        import_module("typedbridge.sync")
    except ValueError as error:
        # The library's own words: it cannot be imported like this.
        name = next((name for name in SIZES if name in str(error)), SIZES[0])
        yield Check(
            name, Verdict.WRONG, str(error), f"set {name} to a positive number, or unset it"
        )
        return
    for name in SIZES:
        value = os.environ.get(name)
        if value is None:
            yield Check(name, Verdict.OK, "not set: the library's own bound")
        elif int(value) == 1:
            text = "calls with thread_sensitive=False wait for each other; raise it if they block"
            yield Check(name, Verdict.NOTE, "1: one worker", text)
        else:
            yield Check(name, Verdict.OK, f"{value} workers at most")


def event_loop() -> Check:
    """Which event loops are made where nobody chooses one."""
    loop = asyncio.new_event_loop()
    kind = f"{type(loop).__module__}.{type(loop).__qualname__}"
    loop.close()
    uvloop = version_of("uvloop")
    others = f"; uvloop {uvloop} is installed" if uvloop and "uvloop" not in kind else ""
    if not kind.startswith(("asyncio.", "uvloop.")):
        advice = "typedbridge is tested on asyncio's loops and uvloop: run your tests with care"
        return Check("event loop", Verdict.NOTE, f"{kind}{others}", advice)
    return Check("event loop", Verdict.OK, f"{kind}{others}")


def greenlets() -> Check:
    """gevent and eventlet, which replace the locks and queues that threads are made of."""
    installed = [name for name in ("gevent", "eventlet") if version_of(name)]
    if not installed:
        return Check("gevent", Verdict.OK, "neither gevent nor eventlet is installed")
    found = ", ".join(f"{name} {version_of(name)}" for name in installed)
    text = (
        "where it patches threading, typedbridge starts real threads, and a greenlet that waits in "
        "async_to_sync looks for its answer every millisecond (docs/contract.md, section 7)"
    )
    return Check("gevent", Verdict.NOTE, found, text)
