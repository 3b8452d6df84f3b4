"""``migrate`` turns imports into typedbridge's: input, output, and what it keeps its hands off."""

from __future__ import annotations

import ast
import random
from itertools import pairwise
from textwrap import dedent
from typing import Final

import pytest

pytest.importorskip("libcst", reason="the command's parser: extra cli")

from typedbridge._commands.migrate.model import Reason
from typedbridge._commands.migrate.rewrite import rewrite

pytestmark = pytest.mark.plain

CHANGED: Final = {
    "names": (
        "from asgiref.sync import sync_to_async, async_to_sync",
        "from typedbridge.sync import sync_to_async, async_to_sync",
    ),
    "a name as another": (
        "from asgiref.sync import sync_to_async as to_thread",
        "from typedbridge.sync import sync_to_async as to_thread",
    ),
    "a re-export": (
        'from asgiref.local import Local as Local\n__all__ = ["Local"]',
        'from typedbridge.local import Local as Local\n__all__ = ["Local"]',
    ),
    "every module": (
        (
            "from asgiref.local import Local\n"
            "from asgiref.current_thread_executor import CurrentThreadExecutor"
        ),
        (
            "from typedbridge.local import Local\n"
            "from typedbridge.current_thread_executor import CurrentThreadExecutor"
        ),
    ),
    "parentheses, comments and odd spaces": (
        "from  asgiref . sync  import (  # asgiref\n\tsync_to_async , # keep\n\n  async_to_sync,)",
        "from  typedbridge . sync  import (  # asgiref\n\tsync_to_async , # keep\n\n  async_to_sync,)",
    ),
    "a backslash": (
        "from asgiref.sync \\\n  import sync_to_async",
        "from typedbridge.sync \\\n  import sync_to_async",
    ),
    "a module": (
        "import asgiref.sync\nasgiref.sync.sync_to_async(len)",
        "import typedbridge.sync\ntypedbridge.sync.sync_to_async(len)",
    ),
    "several modules in one statement": (
        "import os, asgiref.sync, asgiref.local, sys\nasgiref.local.Local(), asgiref.sync.SyncToAsync",
        (
            "import os, typedbridge.sync, typedbridge.local, sys\n"
            "typedbridge.local.Local(), typedbridge.sync.SyncToAsync"
        ),
    ),
    "a module beside one that stays": (
        (
            "import asgiref.sync\nimport asgiref.timeout\n"
            "asgiref.sync.async_to_sync(f)\nasgiref.timeout.timeout(1)"
        ),
        (
            "import typedbridge.sync\nimport asgiref.timeout\n"
            "typedbridge.sync.async_to_sync(f)\nasgiref.timeout.timeout(1)"
        ),
    ),
    "a module that the package brought": (
        "import asgiref\n@asgiref.sync.sync_to_async\ndef f(): ...",
        "import typedbridge.sync\n@typedbridge.sync.sync_to_async\ndef f(): ...",
    ),
    "a module as a name": (
        "import asgiref.sync as bridges\nbridges.sync_to_async(len)",
        "import typedbridge.sync as bridges\nbridges.sync_to_async(len)",
    ),
    "a module from the package": (
        "from asgiref import sync, local as storage\nsync.sync_to_async(len)\nstorage.Local()",
        "from typedbridge import sync, local as storage\nsync.sync_to_async(len)\nstorage.Local()",
    ),
    "parentheses around the name": (
        "import asgiref.sync\n(asgiref).sync.sync_to_async(len)",
        "import typedbridge.sync\n(typedbridge).sync.sync_to_async(len)",
    ),
    "an import inside a function": (
        "def f():\n    import asgiref.sync\n    return asgiref.sync.sync_to_async\nasgiref = 1",
        "def f():\n    import typedbridge.sync\n    return typedbridge.sync.sync_to_async\nasgiref = 1",
    ),
    "a use inside a function": (
        (
            "import asgiref.sync\ndef f(asgiref): return asgiref\n"
            "def g(): return [asgiref.sync.SyncToAsync for x in y]"
        ),
        (
            "import typedbridge.sync\ndef f(asgiref): return asgiref\n"
            "def g(): return [typedbridge.sync.SyncToAsync for x in y]"
        ),
    ),
    "for type checkers alone": (
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from asgiref.sync import SyncToAsync\n"
            'def f(x: "SyncToAsync[[int], str]"): ...'
        ),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from typedbridge.sync import SyncToAsync\n"
            'def f(x: "SyncToAsync[[int], str]"): ...'
        ),
    ),
    "annotations in quotes": (
        (
            "import asgiref.sync\nfrom typing import Optional, cast\n"
            'def f(x: "asgiref.sync.SyncToAsync[[int], str] | None"): ...\n'
            "x: Optional['asgiref.local.Local'] = cast('asgiref.local.Local', y)"
        ),
        (
            "import typedbridge.sync\nfrom typing import Optional, cast\n"
            'def f(x: "typedbridge.sync.SyncToAsync[[int], str] | None"): ...\n'
            "x: Optional['typedbridge.local.Local'] = cast('typedbridge.local.Local', y)"
        ),
    ),
    "an import that may fail": (
        "try:\n    from asgiref.sync import sync_to_async\nexcept ImportError:\n    sync_to_async = None",
        "try:\n    from typedbridge.sync import sync_to_async\nexcept ImportError:\n    sync_to_async = None",
    ),
    "a module that may be missing": (
        (
            "try:\n    from asgiref import sync\nexcept ImportError:\n    sync = None\n"
            "if sync is not None:\n    sync.sync_to_async(len)"
        ),
        (
            "try:\n    from typedbridge import sync\nexcept ImportError:\n    sync = None\n"
            "if sync is not None:\n    sync.sync_to_async(len)"
        ),
    ),
    "mock.patch": (
        "from unittest import mock\n@mock.patch('asgiref.sync.sync_to_async')\ndef f(m): ...",
        "from unittest import mock\n@mock.patch('typedbridge.sync.sync_to_async')\ndef f(m): ...",
    ),
    "patch as another name, with a keyword": (
        "from unittest.mock import patch as p\nwith p(target='asgiref.sync.SyncToAsync.__call__'): ...",
        "from unittest.mock import patch as p\nwith p(target='typedbridge.sync.SyncToAsync.__call__'): ...",
    ),
    "patch.multiple": (
        "import unittest.mock\nunittest.mock.patch.multiple('asgiref.sync', sync_to_async=f, create=True)",
        "import unittest.mock\nunittest.mock.patch.multiple('typedbridge.sync', sync_to_async=f, create=True)",
    ),
    "patch.object and its like": (
        (
            "from unittest import mock\nimport asgiref.sync as s\nmock.patch.object(s, 'sync_to_async')\n"
            "getattr(s, 'async_to_sync')\nmonkeypatch.setattr(s, 'SyncToAsync', f)"
        ),
        (
            "from unittest import mock\nimport typedbridge.sync as s\nmock.patch.object(s, 'sync_to_async')\n"
            "getattr(s, 'async_to_sync')\nmonkeypatch.setattr(s, 'SyncToAsync', f)"
        ),
    ),
    "fixtures that patch": (
        (
            "def test(monkeypatch, mocker):\n    monkeypatch.setattr('asgiref.sync.sync_to_async', f)\n"
            "    mocker.patch('asgiref.local.Local')"
        ),
        (
            "def test(monkeypatch, mocker):\n    monkeypatch.setattr('typedbridge.sync.sync_to_async', f)\n"
            "    mocker.patch('typedbridge.local.Local')"
        ),
    ),
    "import_module of what is known": (
        "import importlib\nimportlib.import_module('asgiref.sync').sync_to_async(len)",
        "import importlib\nimportlib.import_module('typedbridge.sync').sync_to_async(len)",
    ),
    "import_string": (
        (
            "from django.utils.module_loading import import_string\n"
            "import_string('asgiref.sync.sync_to_async')"
        ),
        (
            "from django.utils.module_loading import import_string\n"
            "import_string('typedbridge.sync.sync_to_async')"
        ),
    ),
    "attributes that both classes have": (
        (
            "from asgiref.sync import SyncToAsync\nSyncToAsync.single_thread_executor.submit(len)\n"
            "class C(SyncToAsync):\n    def thread_handler(self): return super().thread_handler()"
        ),
        (
            "from typedbridge.sync import SyncToAsync\nSyncToAsync.single_thread_executor.submit(len)\n"
            "class C(SyncToAsync):\n    def thread_handler(self): return super().thread_handler()"
        ),
    ),
    "syntax of newer Pythons": (
        (
            "import asgiref.sync\nmatch x:\n    case asgiref.sync.SyncToAsync(a=asgiref.local.Local()): ...\n"
            "f'{asgiref.sync.sync_to_async!r:{asgiref.local.Local}}'\n"
            "async def f(x=asgiref.sync.SyncToAsync, *, y: asgiref.local.Local = 1):\n"
            "    async with asgiref.sync.ThreadSensitiveContext(): f(asgiref=1).asgiref"
        ),
        (
            "import typedbridge.sync\nmatch x:\n    case typedbridge.sync.SyncToAsync(a=typedbridge.local.Local()): ...\n"
            "f'{typedbridge.sync.sync_to_async!r:{typedbridge.local.Local}}'\n"
            "async def f(x=typedbridge.sync.SyncToAsync, *, y: typedbridge.local.Local = 1):\n"
            "    async with typedbridge.sync.ThreadSensitiveContext(): f(asgiref=1).asgiref"
        ),
    ),
    "patch.object of the module": (
        (
            "import asgiref.sync\nmonkeypatch.setattr(asgiref.sync, 'sync_to_async', f)\n"
            "asgiref.sync.SyncToAsync = f\ndel asgiref.sync.AsyncToSync"
        ),
        (
            "import typedbridge.sync\nmonkeypatch.setattr(typedbridge.sync, 'sync_to_async', f)\n"
            "typedbridge.sync.SyncToAsync = f\ndel typedbridge.sync.AsyncToSync"
        ),
    ),
    "some imports where another has to stay": (
        "from asgiref.sync import sync_to_async\nfrom asgiref.local import _CVar",
        "from typedbridge.sync import sync_to_async\nfrom asgiref.local import _CVar",
    ),
}

KEPT: Final = {
    "what has no counterpart": (
        (
            "from asgiref.wsgi import WsgiToAsgi\nimport asgiref.testing\nfrom asgiref import timeout\n"
            "import asgiref\nasgiref.__version__"
        ),
        [],
    ),
    "words in comments and docstrings": ('"""asgiref.sync"""\n# asgiref.sync.sync_to_async', []),
    "a module of the same name": (
        "from . import asgiref\nfrom .asgiref.sync import sync_to_async",
        [],
    ),
    "a name that is not asgiref": ("from myasgiref.sync import f\nimport asgiref_x.sync", []),
    "a private name": ("from asgiref.sync import _restore_context", [Reason.PRIVATE]),
    "a private name beside others": (
        "from asgiref.sync import sync_to_async, _restore_context",
        [Reason.PRIVATE],
    ),
    "a private name through a module": (
        "import asgiref.local as l\nl.Local()\nl._CVar",
        [Reason.PRIVATE],
    ),
    "a private name through the package": (
        "import asgiref.sync\nasgiref.sync.async_to_sync(f)\nasgiref.sync._restore_context",
        [Reason.PRIVATE],
    ),
    "a private attribute of a class": (
        "from asgiref.sync import AsyncToSync\nAsyncToSync._run_event_loop",
        [Reason.PRIVATE],
    ),
    "a name that is elsewhere": ("from asgiref.sync import Local", [Reason.MISSING]),
    "what asgiref itself imports": (
        "import asgiref.sync\nasgiref.sync.asyncio.get_running_loop()",
        [Reason.MISSING],
    ),
    "an attribute of older classes": (
        "from asgiref.sync import SyncToAsync\nSyncToAsync.launch_map",
        [Reason.MISSING],
    ),
    "a star": ("from asgiref.sync import *", [Reason.STAR]),
    "a mixed import": (
        "from asgiref import sync, timeout\nsync.sync_to_async(len)",
        [Reason.MIXED],
    ),
    "a package that is used for more": (
        "import asgiref.sync\nasgiref.sync.sync_to_async(len)\nasgiref.__version__",
        [Reason.MIXED],
    ),
    "a module as a value": ("import asgiref.sync as s\nreload(s)", [Reason.DYNAMIC]),
    "a module as a value, beside a use that is known": (
        "from asgiref import sync\nsync.sync_to_async(len)\nvars(sync)",
        [Reason.DYNAMIC],
    ),
    "the package as a value": ("import asgiref.sync\nprint(asgiref)", [Reason.DYNAMIC]),
    "the module through the package as a value": (
        "import asgiref.sync\nprint(asgiref.sync)",
        [Reason.DYNAMIC],
    ),
    "a computed attribute": ("import asgiref.sync as s\ngetattr(s, name)", [Reason.DYNAMIC]),
    "the package by another name": (
        "import asgiref as a\na.sync.sync_to_async(len)",
        [Reason.DYNAMIC],
    ),
    "two modules that the package brought": (
        "import asgiref\nasgiref.sync.sync_to_async(asgiref.local.Local)",
        [Reason.DYNAMIC],
    ),
    "a package that may be missing": (
        (
            "try:\n    import asgiref.sync\nexcept ImportError:\n    asgiref = None\n"
            "asgiref.sync.sync_to_async(len)"
        ),
        [Reason.DYNAMIC],
    ),
    "a name that is taken": (
        "import asgiref.sync\ntypedbridge = 1\nasgiref.sync.sync_to_async(len)",
        [Reason.DYNAMIC],
    ),
    "a name that is taken where it is used": (
        "import asgiref.sync\ndef f(typedbridge): asgiref.sync.sync_to_async(len)",
        [Reason.DYNAMIC],
    ),
    "a package that is another in one case": (
        (
            "if x:\n    import asgiref.sync\nelse:\n    import other as asgiref\n"
            "asgiref.sync.sync_to_async(len)"
        ),
        [Reason.DYNAMIC],
    ),
    "a package that is deleted": (
        "import asgiref.sync\nasgiref.sync.sync_to_async(len)\ndel asgiref",
        [Reason.DYNAMIC],
    ),
    "a package that is global": (
        (
            "def f():\n    global asgiref\n    import asgiref.sync\n"
            "def g(): asgiref.sync.sync_to_async(len)"
        ),
        [Reason.DYNAMIC],
    ),
    "a package that is exported": ("import asgiref.sync\n__all__ = ['asgiref']", [Reason.DYNAMIC]),
    "a package that is an attribute": (
        "class C:\n    import asgiref.sync\n    def f(self): self.asgiref.sync.sync_to_async(len)",
        [Reason.DYNAMIC],
    ),
    "a type in a comment": (
        "import asgiref.sync\nx = f()  # type: asgiref.sync.SyncToAsync",
        [Reason.DYNAMIC],
    ),
    "a type in a string that may be one": (
        (
            "import asgiref.sync\nT = TypeVar('T', bound='list[asgiref.sync.SyncToAsync]')\n"
            "log('asgiref.sync was called')"
        ),
        [Reason.DYNAMIC],
    ),
    "a path that is written with escapes": (
        "from unittest import mock\nmock.patch('asgiref\\x2esync.sync_to_async')",
        [Reason.DYNAMIC],
    ),
    "import_module of what is not known": (
        "import importlib\nm = importlib.import_module('asgiref.sync')",
        [Reason.DYNAMIC],
    ),
    "a string that may be anything": ("x = 'asgiref.sync.sync_to_async'", [Reason.DYNAMIC]),
    "sys.modules": ("import sys\nsys.modules['asgiref.sync']", [Reason.DYNAMIC]),
    "a string that is put together": (
        (
            "from unittest import mock\nmock.patch('asgiref.' 'sync.sync_to_async')\n"
            "mock.patch(f'asgiref.sync.{name}')"
        ),
        [Reason.DYNAMIC, Reason.DYNAMIC],
    ),
    "a patch of a private name": (
        "from unittest import mock\nmock.patch('asgiref.sync._restore_context')",
        [Reason.PRIVATE],
    ),
    "a patch of several names": (
        "from unittest import mock\nmock.patch.multiple('asgiref.sync', sync_to_async=f, gone=g)",
        [Reason.MISSING],
    ),
    "a patch of what an import that stays would find": (
        (
            "from unittest import mock\nimport asgiref.sync as s\nvars(s)\n"
            "mock.patch('asgiref.sync.sync_to_async')"
        ),
        [Reason.DYNAMIC, Reason.DYNAMIC],
    ),
    "somebody else's patch": (
        "from elsewhere import patch\npatch('asgiref.sync.sync_to_async')",
        [Reason.DYNAMIC],
    ),
}


@pytest.mark.parametrize(("before", "after"), CHANGED.values(), ids=list(CHANGED))
def test_what_is_certain_is_rewritten(before: str, after: str) -> None:
    """The word asgiref becomes typedbridge where that is all it takes."""
    assert after == rewrite(before).text


@pytest.mark.parametrize(("text", "reasons"), KEPT.values(), ids=list(KEPT))
def test_what_is_not_certain_is_kept_and_told(text: str, reasons: list[Reason]) -> None:
    """Nothing is touched, and each place that needs a person has its reason."""
    rewritten = rewrite(text)
    assert text == rewritten.text
    assert reasons == [finding.reason for finding in rewritten.findings]


@pytest.mark.parametrize(
    "text", [case[0] for case in (*CHANGED.values(), *KEPT.values())], ids=[*CHANGED, *KEPT]
)
def test_a_second_time_changes_nothing(text: str) -> None:
    """What was rewritten is Python, has nothing more to rewrite, and the same places for a person."""
    once = rewrite(text)
    ast.parse(once.text)
    twice = rewrite(once.text)
    assert (once.text, []) == (twice.text, twice.edits)
    assert [finding.reason for finding in once.findings] == [
        finding.reason for finding in twice.findings
    ]


def decorated(snippet: str, rng: random.Random) -> str:
    """A snippet inside something, with formatting that nobody's formatter makes."""
    indent = rng.choice(["    ", "\t", "  "])
    if rng.random() < 0.4:
        head = rng.choice(["if x:", "def somewhere():", "class Inside:", "try:"])
        tail = f"\nfinally:\n{indent}pass" if head == "try:" else ""
        snippet = f"{head}\n" + "\n".join(indent + line for line in snippet.split("\n")) + tail
    return snippet + rng.choice(
        ["", "  # asgiref.sync", "   ", " ;pass", "\n\n\f\n", "\n# ünïcödé 字"]
    )


@pytest.mark.parametrize("seed", range(150))
def test_all_but_the_word_stays_to_the_byte(seed: int) -> None:
    """Programs put together at random: between the edits, every character is where it was."""
    rng = random.Random(seed)
    cases = [case[0] for case in (*CHANGED.values(), *KEPT.values())]
    text = decorated(rng.choice(cases), rng)
    text = "\n".join(["'''asgiref.sync 字'''", "'é'", text, "x = 1" + rng.choice(["", "\n"])])
    text = text.replace("\n", rng.choice(["\n", "\r\n"]))
    rewritten = rewrite(text)
    ast.parse(rewritten.text)
    before = text.encode()
    ends = [0, *(edit.start + len("asgiref") for edit in rewritten.edits)]
    starts = [*(edit.start for edit in rewritten.edits), len(before)]
    kept = [before[end:start] for end, start in zip(ends, starts, strict=True)]
    words = [edit.new.encode() for edit in rewritten.edits]
    expected = b"".join(part for pair in zip(kept, [*words, b""], strict=True) for part in pair)
    assert expected == rewritten.text.encode()
    assert all(before[one:other] for one, other in pairwise(starts))


def test_lines_and_columns_are_an_editors() -> None:
    """They count from 1, and a column counts characters, not bytes."""
    text = "#\r\n'ä'; from asgiref.sync import (\r\n  sync_to_async,\r\n  _gone)\r\n"
    (finding,) = rewrite(text).findings
    assert (4, 3) == (finding.line, finding.column)


def test_a_syntax_error_is_a_finding() -> None:
    """It says where, and the text comes back as it was."""
    text = "import asgiref.sync\ndef f(:\n"
    rewritten = rewrite(text)
    assert text == rewritten.text
    (finding,) = rewritten.findings
    assert (Reason.UNREADABLE, 2) == (finding.reason, finding.line)


@pytest.mark.parametrize("long", ["1" + "+1" * 1500, "a" + ".b" * 1500], ids=["sum", "attributes"])
def test_code_that_is_nested_too_deeply_is_left_alone(long: str) -> None:
    """Where Python's stack does not suffice to look at a file, it is left as it is, and told."""
    text = f"import asgiref.sync\nx = {long}"
    rewritten = rewrite(text)
    assert text == rewritten.text
    assert [Reason.UNREADABLE] == [finding.reason for finding in rewritten.findings]


def test_the_parser_has_the_stack_that_it_needs() -> None:
    """On the usual 8 MiB, libcst would end the process in this text."""
    brackets = "(" * 3000 + "1" + ")" * 3000
    assert (
        f"import typedbridge.sync\nx = {brackets}"
        == rewrite(f"import asgiref.sync\nx = {brackets}").text
    )


REFUSED: Final = {
    "a generator under the decorator": (
        """
        @sync_to_async
        def rows():
            if x:
                yield 1
        """,
        [(4, Reason.GENERATOR)],
    ),
    "a generator under the decorator with options": (
        """
        @sync_to_async(thread_sensitive=False)
        def rows():
            yield from x
        """,
        [(4, Reason.GENERATOR)],
    ),
    "an async generator": (
        """
        @async_to_sync
        async def rows():
            yield 1
        """,
        [(4, Reason.GENERATOR)],
    ),
    "a generator that is passed": (
        """
        def rows():
            yield 1
        sync_to_async(rows)
        SyncToAsync(rows)
        """,
        [(6, Reason.GENERATOR), (7, Reason.GENERATOR)],
    ),
    "a generator method that is passed": (
        """
        class C:
            def rows(self):
                yield 1
            async def all(self):
                await sync_to_async(self.rows)()
        """,
        [(8, Reason.GENERATOR)],
    ),
    "a static method below": (
        """
        class C:
            @sync_to_async
            @staticmethod
            def f(): ...
            @async_to_sync()
            @classmethod
            async def g(cls): ...
        """,
        [(5, Reason.DESCRIPTOR), (8, Reason.DESCRIPTOR)],
    ),
    "an executor alone": (
        """
        sync_to_async(f, executor=pool)
        sync_to_async(executor=pool, thread_sensitive=True)
        SyncToAsync(f, True, pool)
        """,
        [(line, Reason.EXECUTOR) for line in (4, 5, 6)],
    ),
    "old attributes in a subclass": (
        """
        class C(SyncToAsync[..., int]):
            def __call__(self): return self.launch_map, self.get_current_task()
        """,
        [(5, Reason.MISSING), (5, Reason.MISSING)],
    ),
}

ACCEPTED: Final = {
    "a function that defines a generator": """
        @sync_to_async
        def f():
            def rows(): yield 1
            class C:
                def rows(self): yield 1
            return list(rows()), lambda: (yield)
        """,
    "a generator that a decorator makes a function": """
        @sync_to_async
        @collect
        def rows(): yield 1
        @contextmanager
        def manager(): yield 1
        sync_to_async(manager)
        """,
    "a name that is something else by then": """
        def rows(): yield 1
        rows = collect(rows)
        sync_to_async(rows)
        """,
    "a parameter": """
        def rows(): yield 1
        def use(rows): sync_to_async(rows)
        """,
    "the right order": """
        class C:
            @staticmethod
            @sync_to_async
            def f(): ...
        """,
    "an executor that is allowed": """
        sync_to_async(f, thread_sensitive=False, executor=pool)
        sync_to_async(f, executor=pool, thread_sensitive=flag)
        sync_to_async(f, executor=None)
        SyncToAsync(f, False, pool)
        sync_to_async(f, **options)
        sync_to_async(f, True)
        other(f, executor=pool)
        """,
    "a subclass with an attribute of that name": """
        class C:
            def f(self): return self.launch_map
        """,
}

HEADER: Final = "\nfrom {}.sync import async_to_sync, sync_to_async, SyncToAsync"


@pytest.mark.parametrize("package", ["asgiref", "typedbridge"])
@pytest.mark.parametrize(("body", "places"), REFUSED.values(), ids=list(REFUSED))
def test_what_typedbridge_refuses_is_found(
    body: str, places: list[tuple[int, Reason]], package: str
) -> None:
    """Before the rewriting and after it, so that a second run still lists it."""
    rewritten = rewrite(HEADER.format(package) + "\n" + dedent(body))
    assert places == [(finding.line, finding.reason) for finding in rewritten.findings]


@pytest.mark.parametrize(
    ("bridge", "function", "advice"),
    [
        ("sync_to_async", "def", "use typedbridge.sync_to_async_generator"),
        ("SyncToAsync", "async def", "use async for as it is"),
        ("async_to_sync", "def", "use for as it is"),
        ("async_to_sync", "async def", "use typedbridge.async_to_sync_generator"),
    ],
)
def test_what_to_use_for_a_generator(bridge: str, function: str, advice: str) -> None:
    """The decorator for generators; or nothing, for one that is of the right colour already."""
    (finding,) = rewrite(
        f"{HEADER.format('asgiref')}\n@{bridge}\n{function} rows():\n    yield 1\n"
    ).findings
    assert finding.text.endswith(f"refuses: {advice}")


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=list(ACCEPTED))
def test_what_typedbridge_takes_is_not_found(body: str) -> None:
    """A correct program that looks like a wrong one is left in peace."""
    assert [] == rewrite(HEADER.format("asgiref") + "\n" + dedent(body)).findings
