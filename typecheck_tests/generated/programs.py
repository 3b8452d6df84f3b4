"""Draw programs: a function, decorators in a stack, a name for it, and calls of that name.

What is drawn is a program that a checker should have no word about, or one with a mistake: which
of the two, running it tells. While a program is put together, `Value` says what its function is
by then, so that most programs are right and their results can be asserted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from hypothesis import strategies as st

__all__ = ["HEAD", "programs"]

# What a call gives: a value, a coroutine, another awaitable, a generator; or the value, in a thread
# that has no loop.
Kind: TypeAlias = Literal["sync", "async", "awaitable", "generator", "async generator"]


@dataclass(frozen=True)
class Value:
    """What a name stands for."""

    kind: Kind
    # The type that a call, awaited where it is async, is asserted to have; none where a decorator
    # on the way says something else than is true.
    result: str | None
    # Whether the bridge refuses it: nothing is drawn that uses it then.
    refused: bool = False


@dataclass(frozen=True)
class Base:
    """Where a program begins: a callable of the user's."""

    value: Value
    # With `{name}`, and `{first}` for what a method has before its parameters.
    lines: tuple[str, ...]
    # What a call begins with.
    arguments: str = ""
    # Whether it is made by a `def` that can be decorated and stand in a class.
    is_function: bool = True


def _function_of(word: str, result: str, body: str) -> tuple[str, ...]:
    return (f"{word} {{name}}({{first}}x: int, y: str = '') -> {result}:", f"    {body}")


_GENERIC: Final = ("{name}({first}x: T, y: str = '') -> T:", "    return x")

_BASES: Final[dict[str, Base]] = {
    "sync": Base(Value("sync", "str"), _function_of("def", "str", "return y * x")),
    "async": Base(Value("async", "str"), _function_of("async def", "str", "return y * x")),
    "awaitable": Base(
        Value("awaitable", "str"),
        _function_of("def", "Awaitable[str]", "return asyncio.sleep(0, y * x)"),
    ),
    "awaitable object": Base(
        Value("awaitable", "int"), _function_of("def", "Job", "return Job(x)")
    ),
    "generic": Base(Value("sync", "int"), (f"def {_GENERIC[0]}", _GENERIC[1])),
    "async generic": Base(Value("async", "int"), (f"async def {_GENERIC[0]}", _GENERIC[1])),
    "generator": Base(
        Value("generator", "Iterator[str]"), _function_of("def", "Iterator[str]", "yield y * x")
    ),
    "async generator": Base(
        Value("async generator", "AsyncIterator[str]"),
        _function_of("async def", "AsyncIterator[str]", "yield y * x"),
    ),
    "higher": Base(
        Value("async", "str"),
        (
            "async def {name}({first}func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:",
            "    return func(*args, **kwargs)",
        ),
        arguments="plain, ",
    ),
    "cached": Base(
        Value("sync", "str"), ("@functools.cache", *_function_of("def", "str", "return y * x"))
    ),
    "overloaded": Base(Value("sync", "str"), ("{name} = either",), is_function=False),
    "async overloaded": Base(Value("async", "str"), ("{name} = aeither",), is_function=False),
    "object": Base(Value("sync", "str"), ("{name} = Repeater()",), is_function=False),
    "async object": Base(Value("async", "str"), ("{name} = Sender()",), is_function=False),
    "bound method": Base(Value("sync", "str"), ("{name} = Repeater().times",), is_function=False),
    "class": Base(Value("sync", "Pair"), ("{name} = Pair",), is_function=False),
    "partial": Base(
        Value("sync", "str"), ("{name} = functools.partial(plain, y='b')",), is_function=False
    ),
    "async partial": Base(
        Value("async", "str"), ("{name} = functools.partial(aplain, y='b')",), is_function=False
    ),
    "to_thread": Base(
        Value("async", "str"), ("{name} = asyncio.to_thread",), "plain, ", is_function=False
    ),
}


# --- decorators -----------------------------------------------------------------------------------

_Change: TypeAlias = Callable[[Value], "Value | None"]  # none: it does not go on such a thing


def _keep(value: Value) -> Value:
    return value


def _wrapped(value: Value) -> Value:
    # An inner function with `return func(...)`: what it gives is the same, what it is is not.
    kinds: dict[Kind, Kind] = {"async": "awaitable"}
    if value.kind in {"generator", "async generator"}:
        return replace(value, kind="sync")
    return replace(value, kind=kinds.get(value.kind, value.kind))


def _awrapped(value: Value) -> Value | None:
    return replace(value, kind="async") if value.kind in {"async", "awaitable"} else None


def _made_sync(value: Value) -> Value | None:
    return replace(value, kind="sync") if value.kind == "async" else None


def _drained(value: Value) -> Value | None:
    return replace(value, kind="sync", result="list[str]") if value.kind == "generator" else None


def _moved(value: Value) -> Value | None:
    return value if value.kind == "sync" else None


def _untrue(change: _Change) -> _Change:
    def changed(value: Value) -> Value | None:
        new = change(value)
        return None if new is None else replace(new, result=None)

    return changed


def _to_async(value: Value) -> Value:
    if value.kind in {"async", "generator", "async generator"}:
        return replace(value, refused=True)
    if value.kind == "awaitable":
        # Awaiting it gives the awaitable, which belongs to no loop.
        return Value("async", None)
    return replace(value, kind="async")


def _to_sync(value: Value) -> Value:
    if value.kind in {"generator", "async generator", "sync"}:
        return replace(value, refused=True)
    return replace(value, kind="sync")


def _never(value: Value) -> Value:
    return replace(value, refused=True)


DECORATORS: Final[dict[str, _Change]] = {
    "log": _keep,
    "tagged('a')": _keep,
    "registry.register": _keep,
    "registry.plain": _keep,
    "registry.keep": _keep,
    "registry": _keep,
    "keepers['log']": _keep,
    "wrapped": _wrapped,
    "awrapped": _awrapped,
    "made_sync": _made_sync,
    "drained": _drained,
    "moved": _moved,
    "run_inside": _untrue(_made_sync),
    "drained_inside": _untrue(_drained),
}

TO_ASYNC: Final[dict[str, _Change]] = {
    "sync_to_async": _to_async,
    "sync_to_async()": _to_async,
    "sync_to_async(thread_sensitive=False)": _to_async,
    "sync_to_async(thread_sensitive=SENSITIVE)": _to_async,
    "sync_to_async(thread_sensitive=False, executor=POOL)": _to_async,
    "sync_to_async(thread_sensitive=SENSITIVE, executor=POOL)": _to_async,
    "sync_to_async(thread_sensitive=POOL is None, executor=POOL)": _to_async,
    "sync_to_async(executor=POOL)": _never,
    "s2a": _to_async,
    "in_pool": _to_async,
    "SyncToAsync": _to_async,
    "Audited": _to_async,
    "typedbridge.sync.sync_to_async": _to_async,
    "partial(sync_to_async, thread_sensitive=False)": _to_async,
}

TO_SYNC: Final[dict[str, _Change]] = {
    "async_to_sync": _to_sync,
    "async_to_sync()": _to_sync,
    "async_to_sync(force_new_loop=FLAG)": _to_sync,
    "a2s": _to_sync,
    "fresh": _to_sync,
    "AsyncToSync": _to_sync,
    "Retried": _to_sync,
    "Moved": _to_sync,
    "partial(async_to_sync, force_new_loop=True)": _to_sync,
}

_ALL: Final = DECORATORS | TO_ASYNC | TO_SYNC

# Decorators that take a type apart with `partial` keep no signature on any checker.
_UNTYPED: Final = frozenset(
    {
        "partial(sync_to_async, thread_sensitive=False)",
        "partial(async_to_sync, force_new_loop=True)",
    }
)


@dataclass
class Program:
    """Lines of a module, and what its function is by then."""

    value: Value
    lines: list[str] = field(default_factory=list[str])
    # The expression that stands for the function, inside `use`.
    name: str = "f"
    arguments: str = ""

    def call(self, *arguments: object) -> str:
        """A call of the function."""
        return f"{self.name}({self.arguments}{', '.join(map(str, arguments))})"

    def add(self, *lines: str, indent: int = 0) -> None:
        self.lines += ["    " * indent + line for line in lines]


# What each program begins with.
HEAD: Final = (
    "from __future__ import annotations",
    "import asyncio",
    "import functools",
    "from collections.abc import AsyncIterator, Awaitable, Callable, Iterator",
    "from functools import partial",
    "from typing import Any, assert_type",
    "import typedbridge.sync",
    "from typedbridge.sync import AsyncToSync, SyncToAsync, async_to_sync, sync_to_async",
    "from prelude import *",
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Return the source of a program, which imports `prelude`."""
    base = _BASES[draw(st.sampled_from(list(_BASES)))]
    value = base.value
    stack: list[str] = []
    # One of them is a bridge.
    height = draw(st.integers(1, 4))
    bridge = draw(st.integers(0, height - 1))
    for step in range(height):
        fitting = TO_SYNC if value.kind in {"async", "awaitable"} else TO_ASYNC
        others = st.sampled_from([DECORATORS, DECORATORS, fitting, _ALL])
        names = fitting if step == bridge else draw(others)
        decorator = draw(st.sampled_from(list(names)))
        changed = _ALL[decorator](value)
        if changed is None:
            continue
        if decorator in _UNTYPED:
            changed = replace(changed, result=None)
        value = changed
        stack.insert(0, decorator)
        if value.refused:
            break
    program = Program(value, arguments=base.arguments)
    program.add(*HEAD, "")
    place = draw(st.sampled_from(list(_PLACE) if base.is_function else ["call", "attribute"]))
    _PLACE[place](program, stack, list(base.lines))
    if program.value.refused:
        # What is no async function is found when it is called.
        program.add("def use_refused() -> None:")
        program.add(f"print({program.call(1)})", indent=1)
    else:
        _bind(draw, program)
        for use in draw(
            st.lists(st.sampled_from(sorted(_USES)), min_size=1, max_size=3, unique=True)
        ):
            _USES[use](program)
    return "\n".join(program.lines) + "\n"


# --- where the function stands --------------------------------------------------------------------


def _define(
    program: Program, stack: list[str], definition: list[str], *, method: str = "", indent: int = 0
) -> None:
    """Write the decorated function; `method` is its first parameter in a class."""
    program.add(*(f"@{decorator}" for decorator in stack), indent=indent)
    program.add(*(line.format(name="f", first=method) for line in definition), indent=indent)


def _define_plainly(program: Program, definition: list[str], *, method: str = "") -> None:
    """Write the function without decorators, called `g`; inside a class if it is a method."""
    lines = [line.format(name="g", first=method) for line in definition]
    program.add(*lines, indent=1 if method else 0)


def _nested(stack: list[str], inner: str) -> str:
    for decorator in reversed(stack):
        inner = f"{decorator}({inner})"
    return inner


def _module(program: Program, stack: list[str], definition: list[str]) -> None:
    _define(program, stack, definition)


def _call(program: Program, stack: list[str], definition: list[str]) -> None:
    _define_plainly(program, definition)
    program.add(f"f = {_nested(stack, 'g')}")


def _function(program: Program, stack: list[str], definition: list[str]) -> None:
    program.add("def make() -> Any:")
    _define(program, stack, definition, indent=1)
    if not program.value.refused:
        program.add("def inside() -> Any:", indent=1)
        program.add("return f", indent=2)
        program.add("inside()", indent=1)
    program.add("return f", indent=1)
    program.add("f = make()")
    program.value = replace(program.value, result=None)


def _local_decorator(program: Program, stack: list[str], definition: list[str]) -> None:
    program.add("def make() -> Any:")
    program.add("def mine(func: F) -> F:", "    return func", "also = log", indent=1)
    _define(program, ["mine", *stack, "also"], definition, indent=1)
    program.add("return f", indent=1)
    program.add("f = make()")
    program.value = replace(program.value, result=None)


def _parameter(program: Program, stack: list[str], definition: list[str]) -> None:
    program.add("def make(keep: Keeps) -> Any:")
    _define(program, [*stack, "keep"], definition, indent=1)
    program.add("again = keep(f)", "return again", indent=1)
    program.add("f = make(log)")
    program.value = replace(program.value, result=None)


def _branch(program: Program, stack: list[str], definition: list[str]) -> None:
    program.add("if not FLAG:")
    _define(program, stack, definition, indent=1)


def _replaced(program: Program, stack: list[str], definition: list[str]) -> None:
    _define_plainly(program, definition)
    program.add("class C:")
    program.add("def __init__(self) -> None:", indent=1)
    program.add(f"self.f: Callable[..., Any] = {_nested(stack, 'g')}", indent=2)
    program.add("def swap(self) -> None:", "    self.f = plain", indent=1)
    program.add("c = C()", "c.swap()")
    program.name, program.arguments = "c.f", ""
    program.value = Value("sync", None, refused=program.value.refused)


def _method(program: Program, stack: list[str], definition: list[str]) -> None:
    program.add("class C:")
    _define(program, stack, definition, indent=1, method="self, ")
    program.add("c = C()")
    program.name = "c.f"


def _classmethod(program: Program, stack: list[str], definition: list[str]) -> None:
    program.add("class C:")
    _define(program, ["classmethod", *stack], definition, indent=1, method="cls, ")
    program.name = "C.f"


def _staticmethod(program: Program, stack: list[str], definition: list[str]) -> None:
    program.add("class C:")
    _define(program, ["staticmethod", *stack], definition, indent=1)
    program.name = "C.f"


def _twin(program: Program, stack: list[str], definition: list[str]) -> None:
    program.add("class C:")
    _define_plainly(program, definition, method="self, ")
    program.add(f"f = {_nested(stack, 'g')}", indent=1)
    program.add("c = C()")
    program.name = "c.f"
    if any(decorator.startswith("registry") for decorator in stack):
        # An object in the class body: fine as well, but bound by no checker alike.
        program.value = replace(program.value, result=None)


def _override(program: Program, stack: list[str], definition: list[str]) -> None:
    _method(program, stack, definition)
    kind = program.value.kind
    if kind in {"sync", "async"} and program.value.result == "str":
        program.lines.pop()
        word = "async " if kind == "async" else ""
        program.add("class D(C):")
        program.add(f"{word}def f(self, x: int, y: str = '') -> str:", "    return y * x", indent=1)
        program.add("def get() -> C:", "    return D()", "c = get()")
        program.value = replace(program.value, kind="async" if kind == "async" else "sync")


def _attribute(program: Program, stack: list[str], definition: list[str]) -> None:
    _define_plainly(program, definition)
    program.add("class C:")
    program.add("def __init__(self) -> None:", f"    self.f = {_nested(stack, 'g')}", indent=1)
    program.add("c = C()")
    program.name = "c.f"


_Place: TypeAlias = Callable[[Program, list[str], list[str]], None]
_PLACE: Final[dict[str, _Place]] = {
    "module": _module,
    "call": _call,
    "function": _function,
    "local decorator": _local_decorator,
    "parameter": _parameter,
    "branch": _branch,
    "replaced": _replaced,
    "method": _method,
    "classmethod": _classmethod,
    "staticmethod": _staticmethod,
    "twin": _twin,
    "override": _override,
    "attribute": _attribute,
}


# --- what it is called by -------------------------------------------------------------------------


def _bind(draw: st.DrawFn, program: Program) -> None:
    binding = draw(
        st.sampled_from(("none", "alias", "item", "or", "assigned again", "loop", "default"))
    )
    name, value = program.name, program.value
    plain = value.kind == "sync" and value.result == "str"
    if binding == "alias":
        program.add(f"h = {name}")
    elif binding == "item":
        program.add(f"table = {{'f': {name}}}", "h = table['f']")
    elif binding == "or" and plain:
        program.add(f"h = plain if not FLAG else {name}")
    elif binding == "assigned again" and plain:
        program.add(
            f"h: Callable[..., str] = {name}",
            "def again() -> None:",
            "    global h",
            "    h = plain",
            "again()",
        )
    elif binding == "loop" and plain:
        program.add(f"for h in ({name}, plain):", "    pass")
    elif binding == "default":
        program.add(f"def through(h: Any = {name}) -> Any:", "    return h", "h = through()")
    else:
        program.add(f"h = {name}")
        return
    program.name = "h"
    if binding in {"or", "assigned again", "loop", "default"}:
        program.value = replace(value, result=None)


# --- how it is used -------------------------------------------------------------------------------


def _asserted(program: Program, indent: int, expression: str) -> None:
    if program.value.result:
        program.add(f"assert_type({expression}, {program.value.result})", indent=indent)
    else:
        program.add(f"print({expression})", indent=indent)


def _in_async(program: Program) -> None:
    program.add("async def use_in_async() -> None:")
    awaits = "await " if program.value.kind in {"async", "awaitable"} else ""
    _asserted(program, 1, awaits + program.call(1, "y='a'"))


def _in_sync(program: Program) -> None:
    program.add("def use_in_sync() -> None:")
    if program.value.kind == "async":
        _asserted(program, 1, f"asyncio.run({program.call(1)})")
    elif program.value.kind != "awaitable":
        _asserted(program, 1, program.call(1))
    else:
        program.add("pass", indent=1)


def _in_thread(program: Program) -> None:
    program.add("async def use_in_thread() -> None:")
    if program.value.kind == "sync":
        program.add(
            f"print(await asyncio.to_thread({program.name}, {program.arguments}1))", indent=1
        )
        program.add(f"print(await asyncio.to_thread(lambda: {program.call(1)}))", indent=1)
    else:
        program.add("pass", indent=1)


def _nested_def(program: Program) -> None:
    program.add("async def use_nested() -> None:")
    if program.value.kind == "sync":
        program.add(
            "def inside() -> object:",
            f"    return {program.call(1)}",
            "print(await asyncio.to_thread(inside))",
            indent=1,
        )
        program.add(
            f"many = ({program.call('number')} for number in (1, 2))",
            "print(await asyncio.to_thread(list, many))",
            indent=1,
        )
    else:
        program.add("pass", indent=1)


def _partial(program: Program) -> None:
    program.add("async def use_partial() -> None:")
    if program.value.kind == "sync":
        program.add(
            f"later = functools.partial({program.name}, {program.arguments}1)",
            "print(await asyncio.to_thread(later))",
            indent=1,
        )
    elif program.value.kind == "async":
        program.add(
            f"later = functools.partial({program.name}, {program.arguments}1)",
            "print(await later())",
            indent=1,
        )
    else:
        program.add("pass", indent=1)


def _gathered(program: Program) -> None:
    program.add("async def use_gathered() -> None:")
    if program.value.kind == "async":
        program.add(f"print(await asyncio.gather({program.call(1)}, {program.call(2)}))", indent=1)
        program.add(f"task = asyncio.create_task({program.call(1)})", "print(await task)", indent=1)
    else:
        program.add("pass", indent=1)


def _bridged_again(program: Program) -> None:
    if program.value.kind == "sync":
        program.add("async def use_bridged_again() -> None:")
        _asserted(program, 1, f"await sync_to_async({program.name})({program.arguments}1)")
    elif program.value.kind == "async":
        program.add("def use_bridged_again() -> None:")
        _asserted(program, 1, f"async_to_sync({program.name})({program.arguments}1)")


_USES: Final[dict[str, Callable[[Program], None]]] = {
    "in async": _in_async,
    "in sync": _in_sync,
    "in thread": _in_thread,
    "nested": _nested_def,
    "partial": _partial,
    "gathered": _gathered,
    "bridged again": _bridged_again,
}
