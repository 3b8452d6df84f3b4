"""The mypy plugin of typedbridge: `plugins = ["typedbridge.mypy_plugin"]`.

This file says which code answers for which name. All of it refines what the stubs say; where it
does not understand a program, the answer of the stubs stands.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mypy.errors import CompileError
from mypy.nodes import Decorator, FuncDef, OverloadedFuncDef, TypeInfo, Var
from mypy.plugin import Plugin

from typedbridge.mypy_plugin import bind, config, executor, misuse, names
from typedbridge.mypy_plugin.calls import (
    Tools,
    decorator_in,
    guarded,
    guarded_signature,
    wrapper_of,
)
from typedbridge.mypy_plugin.errors import SYNC_FUNCTION, Findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy.nodes import MypyFile, SymbolNode
    from mypy.options import Options
    from mypy.plugin import (
        AnalyzeTypeContext,
        FunctionContext,
        FunctionSigContext,
        MethodContext,
        ReportConfigContext,
    )
    from mypy.types import FunctionLike, Type

    from typedbridge.mypy_plugin.calls import Handler, SignatureHandler


def _digest() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


# mypy throws its cache away when this file or this name changes, and looks at no other file of
# the plugin. So the version is the content of all of them.
__version__: Final = _digest()

_FUNCTIONS: Final[dict[str, Handler]] = {
    names.SYNC_TO_ASYNC: bind.sync_to_async,
    names.ASYNC_TO_SYNC: bind.async_to_sync,
    names.CALL_SYNC: bind.call_sync,
    names.CALL_ASYNC: bind.call_async,
    # mypy applies the options form to each item of an overloaded function under this name.
    names.TO_ASYNC_OPTIONS_ITEM: bind.sync_to_async,
    names.TO_SYNC_OPTIONS_ITEM: bind.async_to_sync,
}

_METHODS: Final[dict[str, Handler]] = {
    f"{names.TO_ASYNC_OPTIONS}.__call__": bind.sync_to_async,
    f"{names.TO_SYNC_OPTIONS}.__call__": bind.async_to_sync,
    f"{names.TO_SYNC_WRAPPER}.__call__": bind.call_of_blocking_wrapper,
}

_CLASSES: Final[dict[str, Handler]] = {
    names.TO_ASYNC_WRAPPER: bind.construct_to_async,
    names.TO_SYNC_WRAPPER: bind.construct_to_sync,
}

_HANDLERS: Final = (
    *_FUNCTIONS.values(),
    *_METHODS.values(),
    *_CLASSES.values(),
    bind.call_of_blocking,
    bind.call_of_local,
)

# Where most calls go, and no bridge is. mypy calls a list display "<list>", and so on.
_ELSEWHERE: Final = ("builtins.", "typing.", "<")

_SIGNATURES: Final[dict[str, SignatureHandler]] = {
    names.SYNC_TO_ASYNC: executor.check,
    names.TO_ASYNC_WRAPPER: executor.check,
    names.CALL_ASYNC: misuse.accept_sync_function,
    names.TO_SYNC_WRAPPER: misuse.accept_sync_function,
}


class TypedbridgePlugin(Plugin):
    """Hands each name that belongs to typedbridge to the code that answers for it."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._config_error = ""
        switched_off: frozenset[str] = frozenset()
        try:
            switched_off = config.switched_off(options.config_file)
        except config.ConfigError as error:
            self._config_error = f"{options.config_file}: error: {error}"
        self._switched_off = switched_off
        self._tools = Tools({}, Findings(switched_off))
        self._hooks = {handler: guarded(handler, self._tools) for handler in _HANDLERS}
        self._functions = {name: self._hooks[handler] for name, handler in _FUNCTIONS.items()}
        self._methods = {name: self._hooks[handler] for name, handler in _METHODS.items()}
        self._signatures = {
            name: guarded_signature(handler, self._tools) for name, handler in _SIGNATURES.items()
        }
        self._types = (
            {names.ASYNC_CALLABLE: bind.accept_sync_functions}
            if self._tools.findings.wanted(SYNC_FUNCTION)
            else {}
        )

    def set_modules(self, modules: dict[str, MypyFile]) -> None:
        """Stop here if the configuration is wrong: earlier, mypy would print a traceback."""
        super().set_modules(modules)
        self._tools.modules = modules
        if self._config_error:
            raise CompileError([self._config_error], use_stdout=True)

    def report_config_data(self, ctx: ReportConfigContext) -> list[str]:
        """Make mypy check a module again when a switch or the plugin changes.

        mypy keeps one version of the plugin for the whole cache; a module that was not part of
        the last run would keep what an older version said.
        """
        del ctx
        return [__version__, *sorted(self._switched_off)]

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        """Widen the stubs where the plugin refuses with a better message."""
        return self._types.get(fullname)

    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], FunctionLike] | None:
        """Take out of mypy's sight what the plugin refuses with a better message."""
        return self._signatures.get(fullname)

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Answer for the decorators, the wrapper classes, and calls of blocking bridges."""
        if fullname.startswith(_ELSEWHERE):
            return None
        if fullname in self._functions:
            return self._functions[fullname]
        if "." not in fullname:
            # A local name, or a call of a call: what it is, only its type can tell.
            return self._hooks[bind.call_of_local]
        found = self.lookup_fully_qualified(fullname)
        handler = _handler_of(found.node) if found is not None else None
        return self._hooks[handler] if handler is not None else None

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """Answer for the options forms, and for calls of blocking bridges that are methods."""
        if fullname.startswith(_ELSEWHERE):
            return None
        if fullname in self._methods:
            return self._methods[fullname]
        class_name, _, name = fullname.rpartition(".")
        found = self.lookup_fully_qualified(class_name)
        if found is None or not isinstance(found.node, TypeInfo):
            return None
        handler = _handler_of_method(found.node, name)
        return self._hooks[handler] if handler is not None else None


def _handler_of(node: SymbolNode | None) -> Handler | None:
    """Return who answers for a call of the function, variable or class, if it is one of ours."""
    if isinstance(node, FuncDef):
        # By far the most are. Undecorated, it is no bridge.
        return None
    if isinstance(node, TypeInfo):
        return next(
            (_CLASSES[base.fullname] for base in node.mro if base.fullname in _CLASSES), None
        )
    if isinstance(node, (Decorator, Var, OverloadedFuncDef)):
        if wrapper_of(node.type) == names.TO_SYNC_WRAPPER:
            return bind.call_of_blocking
        decorator = decorator_in(node.type)
        return _FUNCTIONS[decorator] if decorator is not None else None
    return None


def _handler_of_method(info: TypeInfo, name: str) -> Handler | None:
    """Return who answers for a method, which a base class may define."""
    found = info.get(name)
    if found is None:
        return None
    if name == "__call__":
        definer = info.get_containing_type_info(name)
        if definer is not None and definer.fullname == names.TO_SYNC_WRAPPER:
            return bind.call_of_blocking_wrapper
    return _handler_of(found.node)


def plugin(version: str) -> type[Plugin]:
    """Return the plugin's class: the entry point that mypy asks for."""
    del version
    return TypedbridgePlugin
