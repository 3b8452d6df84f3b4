"""The names users import, the attributes they read, and the one environment variable."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import os
import subprocess
import sys
import threading
from collections.abc import MutableMapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import typedbridge
from typedbridge import AsyncToSync, Local, SyncToAsync, sync_to_async
from typedbridge.sync import iscoroutinefunction, markcoroutinefunction

# asgiref has no list of its public names: these are what its users import.
ASGIREF_NAMES = {
    "sync": {
        "AsyncSingleThreadContext",
        "AsyncToSync",
        "SyncToAsync",
        "ThreadSensitiveContext",
        "async_to_sync",
        "iscoroutinefunction",
        "markcoroutinefunction",
        "sync_to_async",
    },
    "local": {"Local"},
    "current_thread_executor": {"CurrentThreadExecutor"},
}
MODULES = sorted(ASGIREF_NAMES)

#: The doors that asgiref does not have.
ADDED = ["executors", "streams", "waits"]


class TestNames:
    """What can be imported, and from where."""

    @pytest.mark.parametrize("module", MODULES)
    def test_the_modules_have_the_names_of_asgirefs(self, module: str) -> None:
        """An import needs nothing but the other package's name."""
        theirs = importlib.import_module(f"asgiref.{module}")
        ours = importlib.import_module(f"typedbridge.{module}")
        assert set() == {name for name in ASGIREF_NAMES[module] if not hasattr(theirs, name)}
        assert ASGIREF_NAMES[module] <= set(ours.__all__)

    @pytest.mark.parametrize("module", [*MODULES, *ADDED])
    def test_all_names_the_public_names(self, module: str) -> None:
        """Every name in it is there, and is the package's own object of that name."""
        ours = importlib.import_module(f"typedbridge.{module}")
        for name in ours.__all__:
            assert getattr(typedbridge, name) is getattr(ours, name)

    def test_the_package_has_all_public_names(self) -> None:
        """And no others."""
        doors = [*MODULES, *ADDED]
        modules = [importlib.import_module(f"typedbridge.{module}") for module in doors]
        assert sorted(typedbridge.__all__) == sorted(
            name for module in modules for name in module.__all__
        )

    def test_the_package_is_imported_without_the_rest(self) -> None:
        """mypy needs only the plugin below it: no asyncio, until a name is used."""
        program = """
import sys, typedbridge
print("asyncio" in sys.modules, sorted(m for m in sys.modules if m.startswith("typedbridge")))
print(set(typedbridge.__all__) <= set(dir(typedbridge)), typedbridge.local.Local.__name__)
from typedbridge import *
print("asyncio" in sys.modules, sync_to_async is typedbridge.sync.sync_to_async)
"""
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
        )
        assert "False ['typedbridge']\nTrue Local\nTrue True\n" == done.stdout

    def test_a_name_that_is_not_there(self) -> None:
        """The error is the one of any other package."""
        with pytest.raises(
            AttributeError, match=r"^module 'typedbridge' has no attribute 'sync_to_asink'$"
        ):
            _ = typedbridge.sync_to_asink  # type: ignore[attr-defined]
        with pytest.raises(ImportError, match="cannot import name 'sync_to_asink'"):
            from typedbridge import sync_to_asink  # type: ignore[attr-defined]  # noqa: F401

    def test_what_the_library_adds(self) -> None:
        """The names that asgiref does not have."""
        known = set().union(*ASGIREF_NAMES.values())
        ours = {"DeadlockError", "call_async", "call_sync", "cancelled", "check_cancelled"}
        for module in ADDED:
            ours |= set(importlib.import_module(f"typedbridge.{module}").__all__)
        assert ours == set(typedbridge.__all__) - known

    def test_a_deadlock_error_is_a_runtime_error(self) -> None:
        """Code that caught asgiref's error catches this one."""
        assert issubclass(typedbridge.DeadlockError, RuntimeError)


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


class TestSignatures:
    """Parameters have the names and order that users pass and override them by."""

    @pytest.mark.parametrize(
        "name",
        ["sync_to_async", "async_to_sync", "ThreadSensitiveContext", "SyncToAsync", "AsyncToSync"],
    )
    def test_what_is_called(self, name: str) -> None:
        """As in asgiref; what the library adds is given by name."""
        theirs = getattr(importlib.import_module("asgiref.sync"), name)
        ours = inspect.signature(getattr(typedbridge, name)).parameters
        added = ["on_cancel"] if "thread_sensitive" in ours else []
        assert [*parameters(theirs), *added] == list(ours)
        assert all(ours[name].kind is inspect.Parameter.KEYWORD_ONLY for name in added)

    @pytest.mark.parametrize(
        "path",
        ["SyncToAsync.thread_handler", "AsyncToSync.main_wrap"],
    )
    def test_what_is_overridden(self, path: str) -> None:
        """An override written for asgiref is called with what it expects."""
        cls, _, method = path.partition(".")
        theirs = getattr(getattr(importlib.import_module("asgiref.sync"), cls), method)
        assert parameters(theirs) == parameters(getattr(getattr(typedbridge, cls), method))

    def test_main_wrap_is_a_coroutine_method(self) -> None:
        """It is awaited on the loop."""
        assert inspect.iscoroutinefunction(AsyncToSync.main_wrap)


class TestClassAttributes:
    """What real users read and replace is there, of the kind they expect."""

    @pytest.mark.parametrize(
        ("owner", "name", "kind"),
        [
            (SyncToAsync, "single_thread_executor", Executor),
            (SyncToAsync, "thread_sensitive_context", ContextVar),
            (SyncToAsync, "deadlock_context", ContextVar),
            (SyncToAsync, "context_to_thread_executor", MutableMapping),
            (SyncToAsync, "threadlocal", threading.local),
            (AsyncToSync, "executors", Local),
            (AsyncToSync, "loop_thread_executors", dict),
            (AsyncToSync, "async_single_thread_context", ContextVar),
            (AsyncToSync, "context_to_thread_executor", MutableMapping),
        ],
    )
    def test_they_are_there(self, owner: type, name: str, kind: type) -> None:
        """On the class, and through a subclass and an instance."""
        assert isinstance(getattr(owner, name), kind)
        assert getattr(type("Sub", (owner,), {}), name) is getattr(owner, name)


class TestCoroutineFunctions:
    """iscoroutinefunction and markcoroutinefunction."""

    def test_an_async_function_is_one(self) -> None:
        """And a plain one is not."""

        async def coroutine() -> None: ...

        def function() -> None: ...

        assert iscoroutinefunction(coroutine)
        assert not iscoroutinefunction(function)
        assert not iscoroutinefunction(3)

    def test_a_marked_callable_is_one(self) -> None:
        """Marking returns the callable itself."""

        def function() -> object:
            return asyncio.sleep(0)

        assert function is markcoroutinefunction(function)
        assert iscoroutinefunction(function)

    def test_a_marked_object_is_one(self) -> None:
        """Instances of a class can be marked, one by one."""

        class Callable:
            def __call__(self) -> object:
                return asyncio.sleep(0)

        marked, plain = markcoroutinefunction(Callable()), Callable()
        assert iscoroutinefunction(marked)
        assert not iscoroutinefunction(plain)

    def test_a_partial_of_one_is_one(self) -> None:
        """functools.partial passes it on."""

        async def coroutine() -> None: ...

        assert iscoroutinefunction(functools.partial(coroutine))

    def test_a_marked_method_is_one_on_its_instances(self) -> None:
        """Marked in the class body, asked on an instance."""

        class Holder:
            @markcoroutinefunction
            def method(self) -> object:
                return asyncio.sleep(0)

        assert iscoroutinefunction(Holder().method)

    def test_other_libraries_see_the_mark_of_a_bridge(self) -> None:
        """The question that frameworks ask."""
        bridge = sync_to_async(int)
        frameworks: Any = inspect if sys.version_info >= (3, 12) else asyncio
        assert frameworks.iscoroutinefunction(bridge)
        asked = importlib.import_module("asgiref.sync").iscoroutinefunction
        assert asked(bridge)


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter."""
    search = [str(Path(typedbridge.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={
            **{name: value for name, value in os.environ.items() if name != "ASGI_THREADS"},
            "PYTHONPATH": os.pathsep.join(filter(None, search)),
            **environment,
        },
    )


# Twice as many calls as workers, which meet in groups of that size: fewer workers would wait for
# ever, and more would show up among the threads.
COUNT_WORKERS = """
import asyncio, sys, threading
from typedbridge import sync_to_async

workers = int(sys.stdin.readline())
meeting = threading.Barrier(workers)

def meet():
    meeting.wait(30)
    return threading.get_ident()

async def main():
    meet_in_pool = sync_to_async(meet, thread_sensitive=False)
    return await asyncio.gather(*(meet_in_pool() for _ in range(2 * workers)))

print(len(set(asyncio.run(main()))))
"""


def count_workers(workers: int, **environment: str) -> str:
    done = python(COUNT_WORKERS.replace("sys.stdin.readline()", str(workers)), **environment)
    assert "" == done.stderr
    return done.stdout.strip()


class TestWorkers:
    """How many worker threads insensitive calls share."""

    @pytest.mark.parametrize("workers", [1, 3, 40])
    def test_the_environment_says_how_many(self, workers: int) -> None:
        """ASGI_THREADS is a number of threads."""
        assert str(workers) == count_workers(workers, ASGI_THREADS=str(workers))

    def test_by_default_as_many_as_asyncio_has(self) -> None:
        """min(32, cpus + 4)."""
        workers = ThreadPoolExecutor()._max_workers
        assert str(workers) == count_workers(workers)

    @pytest.mark.parametrize("value", ["0", "-1", "many", "", "1.5"])
    def test_nonsense_is_refused(self, value: str) -> None:
        """A ValueError that names the variable and shows its value."""
        done = python(COUNT_WORKERS.replace("sys.stdin.readline()", "1"), ASGI_THREADS=value)
        assert 1 == done.returncode
        error = done.stderr.strip().splitlines()[-1]
        assert error.startswith("ValueError")
        assert "ASGI_THREADS" in error
        assert repr(value) in error


def test_importing_starts_no_thread() -> None:
    """Threads begin with the first call that needs them."""
    done = python("import threading, typedbridge; print(threading.active_count())")
    assert ("1\n", "") == (done.stdout, done.stderr)
