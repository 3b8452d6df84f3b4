"""How do asgiref and typedbridge stand to each other in a process of this environment? It is tried."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from typedbridge._commands.doctor.model import Check, Verdict

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "asgiref"

MEET: Final = """
import asyncio, contextlib, json, os, warnings
warnings.simplefilter("ignore")
with contextlib.suppress(ImportError):
    import asgiref.sync
from typedbridge.sync import async_to_sync, sync_to_async
async_to_sync(sync_to_async(int))()
from typedbridge.asgiref import status
print(json.dumps([*status(), os.environ.get("TYPEDBRIDGE_ASGIREF")]))
"""
"""Uses both libraries, as a program with both in it would, and asks how that went."""


class Met(NamedTuple):
    """What that process answers: the state, and the variable that may have decided it."""

    state: str
    version: str | None
    reason: str | None
    switch: str | None


def asgiref(project: Path) -> Check:
    """Have the two meet in a process of their own, so that nothing is imported here."""
    done = subprocess.run(  # noqa: S603  # this interpreter, and a program of ours
        [sys.executable, "-c", MEET], cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return Check(NAME, Verdict.WRONG, f"the libraries cannot be used: {last}")
    met = Met(*json.loads(done.stdout.splitlines()[-1]))
    version, reason = met.version, met.reason
    match met.state:
        case "absent":
            return Check(NAME, Verdict.OK, "not installed")
        case "installed":
            return Check(NAME, Verdict.OK, f"asgiref {version}: typedbridge is in its place")
        case "beside":
            return Check(NAME, Verdict.OK, f"asgiref {version}: the two act as one in a process")
        case _ if met.switch == "apart":
            text = (
                "unset it if one process uses both for what belongs together, such as a connection"
            )
            return Check(NAME, Verdict.NOTE, f"asgiref {version} is kept apart: {reason}", text)
        case _:
            text = "start programs with python -m typedbridge run, or install another asgiref"
            return Check(NAME, Verdict.WRONG, f"asgiref {version} cannot be joined: {reason}", text)
