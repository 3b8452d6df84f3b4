"""Programs with typedbridge in asgiref's place, each run in a process of its own: see programs.py.

Nothing is imported at the top: what is there before ``install`` is part of a program.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import importlib
import importlib.metadata
import importlib.util
import inspect
import pickle
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from unittest import mock

LIMIT: Final = 20.0
"""Seconds until a program that hangs ends, with the stack of every thread."""

NAMES: Final = ("sync", "local", "current_thread_executor")

PROGRAMS: Final[dict[str, Callable[[], None]]] = {}

WITHOUT_PACKAGES: Final[set[str]] = set()
"""Programs for an interpreter that has no packages installed."""


def program(function: Callable[[], None]) -> Callable[[], None]:
    """Put a program on the list."""
    PROGRAMS[function.__name__] = function
    return function


def without_packages(function: Callable[[], None]) -> Callable[[], None]:
    """Put a program on the list that is run where asgiref is not installed."""
    WITHOUT_PACKAGES.add(function.__name__)
    return program(function)


# Any: the door is looked at as a program does.
def door() -> Any:
    return importlib.import_module("typedbridge.asgiref")


def assert_in_place() -> None:
    import asgiref.current_thread_executor
    import asgiref.local
    import asgiref.sync

    import typedbridge.current_thread_executor
    import typedbridge.local
    import typedbridge.sync

    for name in NAMES:
        ours = getattr(typedbridge, name)
        assert getattr(asgiref, name) is ours
        assert sys.modules[f"asgiref.{name}"] is ours
        assert importlib.import_module(f"asgiref.{name}") is ours
    assert door().status().state == "installed"


def refusal() -> Any:
    """Install too late, and return the error."""
    try:
        door().install()
    except RuntimeError as error:
        assert type(error) is door().TooLateError  # noqa: PT017  # no pytest here
        return error
    raise AssertionError("installed")


def imported(name: str) -> Any:
    """A module whose names are not looked up by a type checker."""
    return importlib.import_module(name)


def thread() -> threading.Thread:
    return threading.current_thread()


@program
def the_three_modules_are_ours_and_the_rest_is_not() -> None:
    assert door().status() == ("absent", importlib.metadata.version("asgiref"), None)
    door().install()
    assert_in_place()
    door().install()
    assert_in_place()
    import asgiref
    import asgiref.testing

    assert asgiref.__version__ == importlib.metadata.version("asgiref")
    for module in (asgiref, asgiref.testing):
        assert Path(str(module.__file__)).parent.name == "asgiref"


@program
def the_modules_are_modules_for_tools() -> None:
    door().install()
    import asgiref.sync

    spec = importlib.util.find_spec("asgiref.sync")
    assert spec is not None
    before = asgiref.sync
    assert importlib.reload(asgiref.sync) is before
    assert_in_place()
    assert "def sync_to_async" in inspect.getsource(asgiref.sync)
    assert "class SyncToAsync" in inspect.getsource(asgiref.sync.SyncToAsync)
    for name in ("sync_to_async", "async_to_sync", "SyncToAsync", "ThreadSensitiveContext"):
        value = getattr(asgiref.sync, name)
        assert pickle.loads(pickle.dumps(value)) is value


@program
def a_pickle_of_asgiref_names_ours() -> None:
    import asgiref.sync

    made = pickle.dumps([asgiref.sync.sync_to_async, asgiref.sync.SyncToAsync])
    del asgiref
    door().install()
    ours: Any = importlib.import_module("typedbridge.sync")
    assert pickle.loads(made) == [ours.sync_to_async, ours.SyncToAsync]


@program
def what_is_imported_later_uses_ours() -> None:
    door().install()
    ours = imported("typedbridge.sync")
    assert imported("django.core.handlers.asgi").sync_to_async is ours.sync_to_async
    assert imported("asgiref.wsgi").sync_to_async is ours.sync_to_async
    local = vars(imported("django.utils.translation.trans_real"))["_active"]
    assert type(local) is importlib.import_module("typedbridge.local").Local


@program
def a_patch_through_either_name_reaches_the_code_that_runs() -> None:
    door().install()
    import asgiref.sync

    ours: Any = importlib.import_module("typedbridge.sync")
    with mock.patch("asgiref.sync.sync_to_async", "patched"):
        assert ours.sync_to_async == "patched"
    calls: list[str] = []

    async def back() -> threading.Thread:
        found: threading.Thread = await ours.sync_to_async(thread)()
        return found

    kept: dict[str, Any] = {
        "handler": asgiref.sync.SyncToAsync.thread_handler,
        "call": asgiref.sync.SyncToAsync.__call__,
        "wrap": asgiref.sync.AsyncToSync.main_wrap,
    }

    def note(name: str) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            return kept[name](*args, **kwargs)

        return noted

    with (
        mock.patch("asgiref.sync.SyncToAsync.thread_handler", note("handler")),
        mock.patch("asgiref.sync.SyncToAsync.__call__", note("call")),
        mock.patch("asgiref.sync.AsyncToSync.main_wrap", note("wrap")),
    ):
        assert ours.async_to_sync(back)() is thread()
    assert calls == ["wrap", "call", "handler"]


@program
def it_is_too_late_where_a_module_holds_a_function() -> None:
    import asgiref.sync

    handlers = imported("django.core.handlers.asgi")
    before = {name: module for name, module in sys.modules.items() if "asgiref" in name}
    error = refusal()
    assert "django.core.handlers.asgi" in error.modules
    assert error.modules[0] in str(error)
    assert f"and {len(error.modules) - 5} more modules" in str(error)
    assert "manage.py" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.modules) == (str(error), error.modules)
    after = {name: module for name, module in sys.modules.items() if "asgiref" in name}
    del after["typedbridge.asgiref"]
    assert before == after
    assert asgiref.sync is sys.modules["asgiref.sync"]
    assert door().status().state == "not met"
    assert handlers.sync_to_async is asgiref.sync.sync_to_async


def holder(**names: object) -> types.ModuleType:
    """Import a module of somebody's that has these names."""
    module = sys.modules["holder"] = types.ModuleType("holder")
    vars(module).update(names)
    return module


@program
def whatever_is_held_is_found() -> None:
    import asgiref.current_thread_executor
    import asgiref.local
    import asgiref.sync

    class Owner:
        method = asgiref.sync.sync_to_async(print)

    Owner.__module__ = "holder"

    async def function() -> None: ...

    held: list[object] = [
        asgiref.sync,
        asgiref.local,
        asgiref.sync.async_to_sync,
        asgiref.sync.SyncToAsync,
        asgiref.sync.sync_to_async(print),
        asgiref.sync.async_to_sync(function),
        asgiref.sync.ThreadSensitiveContext(),
        asgiref.local.Local(),
        asgiref.current_thread_executor.CurrentThreadExecutor,
        Owner,
    ]
    del asgiref
    for one in held:
        holder(one=one)
        error = refusal()
        assert error.modules == ("holder",), error.modules
        assert "holder already holds asgiref's functions" in str(error)


@program
def what_is_the_same_in_both_may_be_held() -> None:
    import asgiref.compatibility
    import asgiref.sync
    import asgiref.wsgi

    class Proxy:
        """Like Django's: it makes what it stands for as soon as it is asked for anything."""

        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

    holder(
        iscoroutinefunction=asgiref.sync.iscoroutinefunction,
        markcoroutinefunction=asgiref.sync.markcoroutinefunction,
        guarantee=asgiref.compatibility.guarantee_single_callable,
        asgiref=asgiref,
        proxy=Proxy(),
    )
    sys.modules["nothing"] = None  # type: ignore[assignment]  # as an import that is forbidden
    compatibility = asgiref.compatibility
    del asgiref
    door().install()
    assert_in_place()
    assert imported("asgiref.compatibility") is compatibility
    ours = imported("typedbridge.sync")
    assert imported("asgiref.wsgi").sync_to_async is ours.sync_to_async


@program
def who_holds_something_of_a_module_that_uses_them_is_found() -> None:
    import asgiref.wsgi

    holder(WsgiToAsgi=asgiref.wsgi.WsgiToAsgi)
    assert refusal().modules == ("holder",)


@program
def both_had_joined_before() -> None:
    import asgiref.sync

    ours: Any = importlib.import_module("typedbridge.sync")

    async def main() -> Any:
        async with ours.ThreadSensitiveContext():
            return await ours.sync_to_async(thread)()

    ours.async_to_sync(main)()
    assert door().status().state == "beside"
    del asgiref
    door().install()
    assert_in_place()
    ours.async_to_sync(main)()
    assert asyncio.run(ours.sync_to_async(thread)()) is asyncio.run(ours.sync_to_async(thread)())


@program
def it_works_while_asgiref_is_being_imported() -> None:
    class Behind:
        """Installs when asgiref has just been executed, as a child of ``run`` does."""

        def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
            if name != "asgiref":
                return None
            sys.meta_path.remove(self)
            spec: Any = importlib.util.find_spec(name)
            execute = spec.loader.exec_module

            def exec_module(module: types.ModuleType) -> None:
                execute(module)
                door().install()

            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Behind())
    importlib.import_module("asgiref.sync")
    assert_in_place()


@program
def names_that_packages_import_are_there() -> None:
    door().install()
    for module, names in {
        "asgiref.sync": (
            "AsyncSingleThreadContext AsyncToSync CurrentThreadExecutor Local SyncToAsync "
            "ThreadSensitiveContext _restore_context async_to_sync iscoroutinefunction "
            "markcoroutinefunction sync_to_async"
        ),
        "asgiref.local": "Local",
        "asgiref.current_thread_executor": "CurrentThreadExecutor",
    }.items():
        for name in names.split():
            assert hasattr(importlib.import_module(module), name), name


@program
def a_context_is_restored_as_asgiref_does_it() -> None:
    import contextvars

    door().install()
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")
    context = contextvars.Context()
    context.run(variable.set, 5)
    vars(importlib.import_module("asgiref.sync"))["_restore_context"](context)
    assert variable.get() == 5


@without_packages
def it_is_there_where_asgiref_is_not_installed() -> None:
    assert importlib.util.find_spec("asgiref") is None
    assert door().status() == ("absent", None, None)
    door().install()
    assert_in_place()
    import asgiref

    assert asgiref.__name__ == "asgiref"
    assert importlib.util.find_spec("asgiref") is not None
    with contextlib.suppress(ModuleNotFoundError):
        raise AssertionError(importlib.import_module("asgiref.testing"))


if __name__ == "__main__":
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    PROGRAMS[sys.argv[1]]()
    faulthandler.cancel_dump_traceback_later()
