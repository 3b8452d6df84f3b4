"""Run the cases: what the types accept runs, and what a finding refuses fails as it says.

A case is a program. Its statements run in order, then each of its functions called `use_...`: an
async one in a loop of its own, any other in a thread without a loop.

* A statement with a finding (`# E[mypy-plugin]: bridge-...`) must raise, or warn of, what the
  finding predicts, from inside the library.
* A statement with another mark is one that types alone refuse. It may do what it likes.
* Any other statement must run. `# raises: LookupError` says of one that it raises when it runs,
  and must.
* What `assert_type` says of a value must be true of it.
"""

from __future__ import annotations
import __future__ as future

import ast
import asyncio
import gc
import inspect
import itertools
import re
import sys
import traceback
import types
import typing
import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest.mock import MagicMock

import typeguard

import typedbridge
from typecheck_tests.cases import Case, CaseFile, first_line
from typecheck_tests.samples import NoSampleError, samples

__all__ = ["PREDICTED", "Ran", "from_library", "run"]

# What a finding's code says will happen. The sync function is the one that fails late: only what
# it returns is refused, and until then the library can do no more than warn.
PREDICTED: Final[dict[str, tuple[type[Exception], ...]]] = {
    "bridge-async-function": (TypeError,),
    "bridge-sync-function": (TypeError, UserWarning),
    "bridge-generator": (TypeError,),
    "bridge-decorator-order": (TypeError,),
    "bridge-executor": (TypeError,),
    "bridge-executor-type": (TypeError,),
    "bridge-blocking-call": (RuntimeError,),
    "bridge-coroutine-object": (TypeError,),
    # Python's own warning, of a coroutine that was never awaited.
    "bridge-not-awaited": (RuntimeWarning,),
}

_LIBRARY: Final = str(Path(typedbridge.__file__).parent)

_FUNCTION: Final = (ast.FunctionDef, ast.AsyncFunctionDef)

# Seconds for one function of a case: what hangs is reported with its name.
_SECONDS: Final = 20


@dataclass
class Ran:
    """What happened when a case ran; empty problems: as its marks say."""

    case: Case
    problems: list[str] = field(default_factory=list[str])


class _Watch:
    """Decides, for the statements of one file, whether what happened was to be expected."""

    def __init__(self, file: CaseFile) -> None:
        self.file = file
        self.results = {case.name: Ran(case) for case in file.cases}
        self.findings = {
            file.statement(mark.line): code
            for case in file.cases
            for mark in case.marks
            if mark.applies_to("mypy-plugin") and (code := _code(mark.text))
        }
        self.raises = {
            file.statement(line): name for case in file.cases for line, name in case.raises.items()
        }
        self.marked = {
            file.statement(mark.line)
            for case in file.cases
            for mark in case.marks
            if mark.applies_to("mypy-plugin")
        }
        # Lines, and with findings whether any of the runs showed them.
        self.reached: set[int] = set()
        self.shown: set[int] = set()
        self.warned: list[Warning] = []

    def problem(self, line: int, text: str) -> None:
        place = f"typecheck_tests/cases/{self.file.path}:{line}"
        self.results[self.file.case_at(line).name].problems.append(f"{place}: {text}")

    def failed(self, error: BaseException, otherwise: int) -> None:
        """Note an error that nothing expected, at the innermost line of the case."""
        frames = traceback.extract_tb(error.__traceback__)
        lines = [one.lineno for one in frames if one.filename == self.file.path and one.lineno]
        self.problem(lines[-1] if lines else otherwise, f"raises {error!r}")

    @contextmanager
    def statement(self, line: int) -> Generator[None, None, None]:
        """Around a statement that a mark says something about."""
        self.reached.add(line)
        before = len(self.warned)
        error: BaseException | None = None
        try:
            yield
        except (Exception, SystemExit) as raised:  # noqa: BLE001  # which of them is to be expected is the question
            error = raised
        if line in self.raises:
            if type(error).__name__ != self.raises[line]:
                self.problem(line, f"should raise {self.raises[line]}, not {error!r}")
        elif line in self.findings:
            code = self.findings[line]
            seen: list[BaseException] = [*self.warned[before:]]
            if error is not None and from_library(error):
                seen.append(error)
            if any(isinstance(one, PREDICTED[code]) for one in seen):
                self.shown.add(line)

    def assert_type(self, value: object, expected: Any, /) -> object:  # Any: a type expression
        """In the place of `typing.assert_type`: the value is of that type."""
        if typing.get_origin(expected) is tuple and isinstance(value, list):
            value = tuple(value)  # what `asyncio.gather` returns, which no type can say
        frame = sys._getframe(1)  # noqa: SLF001  # the cheapest way to know the line
        self.reached.add(self.file.statement(frame.f_lineno))
        try:
            typeguard.check_type(value, expected)
        except typeguard.TypeCheckError as error:
            self.problem(frame.f_lineno, f"is said to be {expected}: {error}")
        return value

    def finish(self, tree: ast.Module) -> None:
        """Find what was to be seen and did not run, and findings that nothing came of."""
        asserted = {
            self.file.statement(node.lineno)
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and node.id == "assert_type"
        }
        expected = (asserted - self.marked) | self.findings.keys() | self.raises.keys()
        for line in sorted(expected - self.reached):
            self.problem(line, "never ran")
        for line in sorted((self.findings.keys() & self.reached) - self.shown):
            self.problem(line, f"{self.findings[line]} is reported, and nothing happens")


def _code(text: str) -> str | None:
    found = re.search(r"\bbridge-[a-z-]+", text)
    return found[0] if found else None


def from_library(error: BaseException) -> bool:
    """Whether the library itself raised it, and not what it called."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(_LIBRARY)


class _Guards(ast.NodeTransformer):
    """Puts `with __statement__(line):` around each statement that a mark says something about."""

    def __init__(self, file: CaseFile, lines: Iterable[int]) -> None:
        self.file = file
        self.lines = frozenset(lines)

    def visit(self, node: ast.AST) -> Any:  # as the base class
        visited = self.generic_visit(node)
        if not isinstance(node, ast.stmt):
            return visited
        line = first_line(node)
        if line not in self.lines or self.file.statement(line) != line:
            return visited
        guard = ast.parse(f"with __statement__({line}): pass").body[0]
        assert isinstance(guard, ast.With)
        guard.body = [node]
        before: list[ast.stmt] = []
        if isinstance(node, (*_FUNCTION, ast.ClassDef)):
            # Where it is refused, what comes after it finds a stand-in.
            before = ast.parse(f"{node.name} = __stand_in__").body
        for new in (*before, guard):
            ast.copy_location(new, node)
            ast.fix_missing_locations(new)
        return [*before, guard]


def run(file: CaseFile) -> list[Ran]:
    """Run the cases of a file, in their order, in the current folder."""
    watch = _Watch(file)
    tree = ast.parse(file.source)
    guards = _Guards(file, watch.marked | watch.raises.keys())
    module = types.ModuleType(f"cases_{file.folder}_{file.name.removesuffix('.py')}")
    vars(module).update(__statement__=watch.statement, __stand_in__=MagicMock())
    with _as_module(module), _recorded(watch.warned):
        for node in tree.body:
            try:
                _execute([node], guards, module)
            except Exception as error:  # noqa: BLE001  # a case that fails is what is looked for
                watch.failed(error, node.lineno)
            if vars(module).get("assert_type") is typing.assert_type:
                vars(module)["assert_type"] = watch.assert_type
        for node in tree.body:
            if isinstance(node, _FUNCTION) and node.name.startswith("use_"):
                _use(vars(module)[node.name], node, watch)
        # What refused calls have left, coroutines that nobody awaits among it, goes here and now.
        vars(module).clear()
        gc.collect()
    watch.finish(tree)
    return list(watch.results.values())


def _execute(statements: list[ast.stmt], guards: _Guards, module: types.ModuleType) -> None:
    tree = guards.visit(ast.Module(statements, type_ignores=[]))
    # Statements are compiled one by one: what the first line of a file says holds for all.
    flags = future.annotations.compiler_flag
    exec(compile(tree, guards.file.path, "exec", flags, dont_inherit=True), vars(module))


def _use(func: Any, node: ast.stmt, watch: _Watch) -> None:  # Any: a function of a case
    try:
        calls = list(itertools.product(*_arguments(func)))
    except NoSampleError as error:
        watch.problem(node.lineno, str(error))
        return
    for arguments in calls:
        try:
            result = func(*arguments)
            if inspect.iscoroutine(result):
                asyncio.run(asyncio.wait_for(result, _SECONDS))
        except Exception as error:  # noqa: BLE001  # a case that fails is what is looked for
            watch.failed(error, node.lineno)


def _arguments(func: Any) -> Iterator[list[object]]:  # Any: a function of a case
    hints = typing.get_type_hints(func)
    for name, parameter in inspect.signature(func).parameters.items():
        if parameter.default is inspect.Parameter.empty:
            yield samples(hints[name], f"{func.__name__}({name})")


@contextmanager
def _as_module(module: types.ModuleType) -> Generator[None, None, None]:
    # Dataclasses and type hints look their module up.
    name = module.__name__
    sys.modules[name] = module
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def _recorded(warned: list[Warning]) -> Generator[None, None, None]:
    def note(message: Warning | str, *_: object, **__: object) -> None:
        if isinstance(message, Warning):
            warned.append(message)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        yield
