"""Read the case files: cases, expected-error marks, and which lines belong together."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = [
    "CASES",
    "FOLDERS",
    "ROWS",
    "Case",
    "CaseFile",
    "Mark",
    "first_line",
    "load",
    "statements_of",
]

CASES: Final = Path(__file__).parent / "cases"

# In the order of the page. A case file's name is one of these keys.
ROWS: Final = {
    "functions": "functions with every kind of parameter",
    "methods": "methods, through instance, class, `super()`, subclass; dunder methods",
    "class_static": "`@classmethod`, `@staticmethod`, `@property`, `@abstractmethod` outside",
    "generics": "generic functions; bound and constrained type variables; PEP 695 syntax",
    "generic_methods": "methods of generic classes; own type variables; `Self`",
    "overloads": "overloaded functions, methods, builtins",
    "callables": "partial, lru_cache, operator and callable objects, classes, lambdas, builtins",
    "unions": "unions of callables; `Any`; `NoReturn`, `None`, an awaitable as result",
    "helpers": "inside a helper generic over `ParamSpec`, `Concatenate`",
    "twins": "twin as class attribute, `acreate = sync_to_async(create)`",
    "options": "option forms, stored and reused; an alias of the decorator",
    "wrappers": "`SyncToAsync` and `AsyncToSync` used, subscripted, subclassed",
    "overrides": "overrides, protocol members, `Callable` fields",
    "attributes": "`.func`, `.awaitable`, `.__wrapped__`, `.__name__`; as `SyncToAsync[P, R]`",
    "asyncio_calls": "`gather`, `create_task`, `TaskGroup`, `wait_for` over bridges",
    "round_trips": "round trips `async_to_sync(sync_to_async(f))`",
    "contexts": "`ThreadSensitiveContext` as target, typed contexts, `Local` attributes",
    "call_form": "`call_sync(func, ...)` and `call_async(func, ...)`",
    "cancelling": "`on_cancel=`, `cancelled()`, `check_cancelled()`",
    "waiting": "`diagnose()`, `DeadlockError.chain`",
    "observing": "`typedbridge.observe`: observers, and what they are told",
    "streams": "iterators and generators on the other side: items, what is sent, options",
    "stream_methods": "such generators as methods; generic, overloaded, `Self`; as overrides",
    "managers": "context managers on the other side: objects, classes, functions, methods",
    "stream_findings": "mistakes with generators and managers, and right programs near to them",
    "near": "right programs that look like those mistakes",
    "findings": "mistakes found before the program runs",
}

FOLDERS: Final = ("baseline", "partly", "plugin_only")

_HEADER: Final = re.compile(r"# case: (\S.*)")
_NEAR: Final = re.compile(r"# near: (.+)")
_RAISES: Final = re.compile(r"# raises: (\w+)")
_MARK: Final = re.compile(
    r"# E(?:\[(?P<all_but>all but )?(?P<names>[\w, -]+)\])?(?:: (?P<text>[^#]*[^#\s]))?\s*(?=#|$)"
)


@dataclass(frozen=True)
class Mark:
    """An error that is reported: by whom (nobody named: by all), and a text it contains."""

    line: int
    checkers: frozenset[str]
    text: str
    # Those who do not report it, where the mark names them and not the others.
    silent: frozenset[str] = frozenset()

    def applies_to(self, checker: str) -> bool:
        return checker not in self.silent and (not self.checkers or checker in self.checkers)

    def names(self, checker: str) -> bool:
        return checker in self.checkers | self.silent


@dataclass
class Case:
    """A named section of a case file."""

    name: str
    first_line: int
    source: str = ""
    marks: list[Mark] = field(default_factory=list[Mark])
    # By line, what a statement raises when the case is run.
    raises: dict[int, str] = field(default_factory=dict[int, str])
    # The findings that it is near to and has not: the codes.
    near: frozenset[str] = frozenset()

    def names(self, checker: str) -> bool:
        """Whether a mark says of this checker alone, or with others, what it reports."""
        return any(mark.names(checker) for mark in self.marks)


@dataclass
class CaseFile:
    """One file of cases; `folder/name` is its path below `cases/`."""

    folder: str
    name: str
    source: str
    cases: list[Case]
    # A statement may span lines, and checkers disagree about which of them an error is on.
    # Line -> first line of the statement, or of the header of a compound one.
    statements: dict[int, int]

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}"

    @property
    def row(self) -> str:
        return self.name.removesuffix(".py").removesuffix("_py312")

    @property
    def needs_python_312(self) -> bool:
        return self.name.endswith("_py312.py")

    def case_at(self, line: int) -> Case:
        """The case a line belongs to; lines above the first case belong to that one."""
        found = self.cases[0]
        for case in self.cases:
            if case.first_line <= line:
                found = case
        return found

    def statement(self, line: int) -> int:
        return self.statements.get(line, line)


def first_line(statement: ast.stmt) -> int:
    """The line where a statement begins, its decorators included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def statements_of(tree: ast.Module) -> dict[int, int]:
    first: dict[int, int] = {}
    # ast.walk goes from the outside in, so inner statements overwrite the lines of outer ones.
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        start, end = first_line(node), node.end_lineno or node.lineno
        body: list[ast.stmt] = getattr(node, "body", [])
        if body and body[0].lineno == node.lineno:
            # `def f(): ...` on one line: the body reports where the header does.
            first.update(dict.fromkeys(range(start, node.lineno + 1), first.get(start, start)))
            continue
        # A statement in the body of a one-line definition keeps the header's first line.
        first.update(dict.fromkeys(range(start, end + 1), min(first.get(start, start), start)))
        if body:
            first.update({line: line for line in range(first_line(body[0]), end + 1)})
    return first


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _marks(source: str) -> list[Mark]:
    marks: list[Mark] = []
    for line, comment in _comments(source):
        for found in _MARK.finditer(comment):
            text = (found["text"] or "").strip()
            names = frozenset(re.findall(r"[\w-]+", found["names"] or ""))
            if found["all_but"]:
                marks.append(Mark(line, frozenset(), text, silent=names))
            else:
                marks.append(Mark(line, names, text))
    return marks


def _cases(source: str) -> list[Case]:
    cases: list[Case] = []
    for number, line in enumerate(source.splitlines(keepends=True), 1):
        if header := _HEADER.fullmatch(line.rstrip()):
            cases.append(Case(header[1], number))
        elif cases and (found := _NEAR.fullmatch(line.rstrip())):
            cases[-1].near |= frozenset(re.findall(r"[\w-]+", found[1]))
        if cases:
            cases[-1].source += line
    return cases


def read(path: Path) -> CaseFile:
    source = path.read_text(encoding="utf-8")
    file = CaseFile(
        path.parent.name, path.name, source, _cases(source), statements_of(ast.parse(source))
    )
    if file.row not in ROWS:
        msg = f"{path}: the name of a case file is a row of the table in cases.py"
        raise ValueError(msg)
    if not file.cases:
        msg = f"{path}: no `# case: name` line"
        raise ValueError(msg)
    for mark in _marks(source):
        file.case_at(mark.line).marks.append(mark)
    for line, comment in _comments(source):
        if found := _RAISES.search(comment):
            file.case_at(line).raises[line] = found[1]
    return file


def load() -> list[CaseFile]:
    """All case files this interpreter can parse, in the order of the page."""
    paths = [path for folder in FOLDERS for path in sorted((CASES / folder).glob("*.py"))]
    if sys.version_info < (3, 12):
        paths = [path for path in paths if not path.stem.endswith("_py312")]
    files = [read(path) for path in paths]
    rows = list(ROWS)
    return sorted(files, key=lambda file: (FOLDERS.index(file.folder), rows.index(file.row)))
