"""Run generated programs, and compare with what mypy says of them."""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import sys
import tempfile
import types
import warnings
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from typecheck_tests.cases import first_line, statements_of
from typecheck_tests.checkers import CHECKERS, Diagnostic
from typecheck_tests.generated import prelude
from typecheck_tests.running import PREDICTED, from_library

__all__ = ["Fault", "Judge", "compare"]

_PRELUDE: Final = Path(prelude.__file__).read_text(encoding="utf-8")

# The programs are not written in newer syntax.
_PYTHON: Final = "3.11"

# Of what follows from a statement before it that failed nothing can be said.
_AFTERMATH: Final = (NameError, AttributeError)


@dataclass(frozen=True)
class Fault:
    """One line that mypy is wrong about."""

    what: str
    line: int
    said: str

    def __str__(self) -> str:
        return f"{self.what}, line {self.line}: {self.said}"


@dataclass
class Outcome:
    """What happened in a statement, each time that it ran."""

    errors: list[BaseException] = field(default_factory=list[BaseException])
    warned: list[Warning] = field(default_factory=list[Warning])
    ran: int = 0

    @property
    def fine(self) -> bool:
        return bool(self.ran) and not self.errors

    def shows(self, code: str) -> bool:
        """Whether what a finding predicts has happened, or may have."""
        if any(isinstance(error, _AFTERMATH) for error in self.errors):
            return True
        seen = [*self.warned, *(error for error in self.errors if from_library(error))]
        return any(isinstance(one, PREDICTED[code]) for one in seen)

    @property
    def late(self) -> bool:
        """Whether the library found only here that what it called gave nothing to await."""
        return any(isinstance(error, TypeError) and from_library(error) for error in self.errors)


def _known(one: Diagnostic) -> bool:
    """Whether mypy is wrong about it without any library: an overloaded result, passed straight on."""
    return "incompatible type overloaded function; expected overloaded function" in one.message


class _StandIn:
    """What a name stands for whose statement failed: whatever is done with it fails as well."""

    def __getattr__(self, name: str) -> Any:  # as an attribute of anything
        raise NameError(name)

    def __call__(self, *_: object, **__: object) -> None:
        raise NameError


class _Guards(ast.NodeTransformer):
    """Puts `with __statement__(line):` around every statement that does something."""

    def visit(self, node: ast.AST) -> Any:  # as the base class
        self.generic_visit(node)
        if not isinstance(node, ast.stmt) or isinstance(
            node, (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.If, ast.For)
        ):
            return node
        guard = ast.parse(f"with __statement__({first_line(node)}): pass").body[0]
        assert isinstance(guard, ast.With)
        guard.body = [node]
        new: list[ast.stmt] = [guard]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            new.insert(0, ast.parse(f"{node.name} = __stand_in__").body[0])
        for one in new:
            ast.copy_location(one, node)
            ast.fix_missing_locations(one)
        return new


def outcomes(source: str) -> dict[int, Outcome]:
    """Run a program, and each of its functions `use_...`; say what its statements did, by line."""
    found: dict[int, Outcome] = defaultdict(Outcome)
    warned: list[Warning] = []

    @contextmanager
    def statement(line: int) -> Generator[None, None, None]:
        outcome, before = found[line], len(warned)
        outcome.ran += 1
        try:
            yield
        except Exception as error:  # noqa: BLE001  # what it raises is what is asked
            outcome.errors.append(error)
        outcome.warned += warned[before:]

    def note(message: Warning | str, *_: object, **__: object) -> None:
        if isinstance(message, Warning):
            warned.append(message)

    module = types.ModuleType("generated_program")
    vars(module).update(__statement__=statement, __stand_in__=_StandIn(), print=lambda *_: None)
    tree = _Guards().visit(ast.parse(source))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        sys.modules["prelude"] = prelude
        exec(compile(tree, "generated_program", "exec"), vars(module))
        for name, function in list(vars(module).items()):
            if name.startswith("use_"):
                result = function()
                if inspect.iscoroutine(result):
                    asyncio.run(asyncio.wait_for(result, 20))
        vars(module).clear()
        gc.collect()
    return found


class Judge:
    """Checks and runs programs, many at a time; a context manager, which keeps mypy's caches."""

    def __enter__(self) -> Self:
        self._place = tempfile.TemporaryDirectory(prefix="generated-")
        root = Path(self._place.name).resolve()
        self._ours, self._theirs = root / "typedbridge", root / "asgiref"
        for folder in (self._ours, self._theirs):
            folder.mkdir()
            (folder / "prelude.py").write_text(_in_place_of(_PRELUDE, folder.name))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._place.cleanup()

    def faults(self, sources: Sequence[str]) -> list[list[Fault]]:
        """For each program where mypy is wrong: with the plugin, or on the stubs, next to asgiref."""
        plugin = self._check("mypy-plugin", self._ours, sources)
        stubs = self._check("mypy", self._ours, sources)
        asgiref = self._check("mypy", self._theirs, sources)
        return [
            list(compare(source, plugin[number], stubs[number], asgiref[number]))
            for number, source in enumerate(sources)
        ]

    def _check(
        self, checker: str, folder: Path, sources: Sequence[str]
    ) -> dict[int, list[Diagnostic]]:
        names = [f"program_{number}.py" for number in range(len(sources))]
        for name, source in zip(names, sources, strict=True):
            (folder / name).write_text(_in_place_of(source, folder.name), encoding="utf-8")
        found: dict[int, list[Diagnostic]] = defaultdict(list)
        for one in CHECKERS[checker].run(folder, _PYTHON, names):
            found[names.index(one.path)].append(one)
        return found


def _in_place_of(source: str, package: str) -> str:
    return source.replace("typedbridge", package)


def compare(
    source: str, plugin: list[Diagnostic], stubs: list[Diagnostic], asgiref: list[Diagnostic]
) -> Iterator[Fault]:
    """Run a program and give the lines where what mypy said is not what happened."""
    ran = outcomes(source)
    lines = statements_of(ast.parse(source))

    def at(one: Diagnostic) -> int:
        return lines.get(one.line, one.line)

    # A program that is refused late, at a call, may be refused where the mistake was made.
    late = any(outcome.late for outcome in ran.values())
    of_stubs = {at(one) for one in stubs}
    # What asgiref's types let pass in one line they may refuse in the next.
    accepted = not asgiref
    for one in plugin:
        outcome = ran.get(at(one), Outcome())
        if one.code in PREDICTED:
            shown = outcome.shows(one.code) or (late and one.code == "bridge-sync-function")
            if outcome.ran and not shown:
                happened = outcome.errors or "nothing"
                yield Fault("false finding", one.line, f"{one}; what happens: {happened}")
        elif late or not outcome.fine or _known(one):
            continue
        elif at(one) not in of_stubs:
            yield Fault("false alarm of the plugin", one.line, str(one))
        elif accepted:
            yield Fault("false alarm, which asgiref has not", one.line, str(one))
    for one in stubs:
        fine = ran.get(at(one), Outcome()).fine
        if fine and not late and accepted and not _known(one):
            yield Fault("false alarm of the stubs, which asgiref has not", one.line, str(one))
