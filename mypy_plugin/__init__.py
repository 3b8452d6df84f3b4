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
from mypy.types import FunctionLike, get_proper_type

from typedbridge.mypy_plugin import bind, config, executor, misuse, names, partials, streams
from typedbridge.mypy_plugin.calls import (
    Tools,
    decorator_in,
    guarded,
    guarded_signature,
    shielded,
    wrapper_of,
)
from typedbridge.mypy_plugin.errors import Findings
from typedbridge.mypy_plugin.source import Sources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy.nodes import MypyFile, SymbolNode
    from mypy.options import Options
    from mypy.plugin import ReportConfigContext

    from typedbridge.mypy_plugin.calls import Handler, Hook, SignatureHandler, SignatureHook


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
    **streams.DECORATORS,
}

_METHODS: Final[dict[str, Handler]] = {
    **{f"{form}.__call__": _FUNCTIONS[made] for form, made in names.DECORATORS.items()},
    f"{names.TO_SYNC_WRAPPER}.__call__": bind.call_of_blocking_wrapper,
}

_CLASSES: Final[dict[str, Handler]] = {
    names.TO_ASYNC_WRAPPER: bind.construct_to_async,
    names.TO_SYNC_WRAPPER: bind.construct_to_sync,
}

# By what the thing that is called is an instance of.
_CALLS: Final[dict[str, Handler]] = {
    names.TO_SYNC_WRAPPER: bind.call_of_blocking,
    names.TO_ASYNC_WRAPPER: bind.call_of_awaitable,
}

_HANDLERS: Final = (
    *_FUNCTIONS.values(),
    *_METHODS.values(),
    *_CLASSES.values(),
    *_CALLS.values(),
    bind.call_of_local,
)

# Where most calls go, and no bridge is.
_LIBRARIES: Final = ("builtins.", "typing.")

_SIGNATURES: Final[dict[str, SignatureHandler]] = {
    names.SYNC_TO_ASYNC: bind.signature_of_sync_to_async,
    names.TO_ASYNC_WRAPPER: bind.signature_of_to_async_wrapper,
    names.ASYNC_TO_SYNC: misuse.refuse_coroutine,
    names.TO_SYNC_WRAPPER: bind.signature_of_wrapper,
    names.CALL_SYNC: bind.signature_of_call_sync,
    names.CALL_ASYNC: bind.signature_of_call_async,
    names.TO_ASYNC_ITER: executor.check,
    names.TO_ASYNC_GENERATOR: streams.signature_of_generator,
    names.TO_SYNC_GENERATOR: streams.signature_of_generator,
    names.TO_ASYNC_CONTEXT: executor.check,
}

_METHOD_SIGNATURES: Final[dict[str, SignatureHandler]] = {
    f"{names.TO_ASYNC_OPTIONS}.__call__": bind.signature_of_to_async_options,
    f"{names.TO_SYNC_OPTIONS}.__call__": bind.signature_of_to_sync_options,
}


class TypedbridgePlugin(Plugin):
    """Hands each name that belongs to typedbridge to the code that answers for it."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._config_error = ""
        switched: dict[str, bool] = {}
        try:
            switched = config.switched(options.config_file)
        except config.ConfigError as error:
            self._config_error = f"{options.config_file}: error: {error}"
        self._switched = switched
        self._tools = Tools({}, Findings(switched), Sources(options))
        hooks = {handler: guarded(handler, self._tools) for handler in _HANDLERS}
        functions = {name: hooks[handler] for name, handler in _FUNCTIONS.items()}
        methods = {name: hooks[handler] for name, handler in _METHODS.items()}
        self._functions = _Hooks(self, hooks, functions | {names.PARTIAL: partials.partial})
        self._methods = _MethodHooks(self, hooks, methods)
        signatures, method_signatures = (
            {name: guarded_signature(handler, self._tools) for name, handler in handlers.items()}
            for handlers in (_SIGNATURES, _METHOD_SIGNATURES)
        )
        of_subclass = guarded_signature(bind.signature_of_subclass, self._tools)
        self._signatures = _SignatureHooks(
            self._functions,
            signatures,
            {hooks[constructor]: of_subclass for constructor in _CLASSES.values()},
        )
        # The functions and methods answer for the decorators, the wrapper classes and calls of
        # blocking bridges; the signatures take out of mypy's sight what the plugin refuses with a better
        # message. Not as methods here: mypy asks for each call, and the tables' own methods answer in
        # a third of the time.
        vars(self).update(
            get_function_hook=self._functions.__getitem__,
            get_method_hook=self._methods.__getitem__,
            get_function_signature_hook=self._signatures.__getitem__,
            get_method_signature_hook=method_signatures.get,
        )

    def set_modules(self, modules: dict[str, MypyFile]) -> None:
        """Stop here if the configuration is wrong: earlier, mypy would print a traceback."""
        super().set_modules(modules)
        self._tools.modules = modules
        if self._config_error:
            raise CompileError([self._config_error], use_stdout=True)

    def get_additional_deps(self, file: MypyFile) -> list[tuple[int, str, int]]:
        """Look names up again: mypy has read a file, in a daemon perhaps one that has changed."""
        del file
        self._functions.forget()
        self._methods.forget()
        self._signatures.forget()
        self._tools.sources.forget()
        return []

    def report_config_data(self, ctx: ReportConfigContext) -> list[str]:
        """Make mypy check a module again when a switch or the plugin changes.

        mypy keeps one version of the plugin for the whole cache; a module that was not part of
        the last run would keep what an older version said.
        """
        del ctx
        return [__version__, *(f"{code}={on}" for code, on in sorted(self._switched.items()))]


class _Hooks(dict[str, "Hook | None"]):
    """Hooks by full name, each looked up when it is asked for and then kept, if it cannot change.

    :param hooks: of all handlers.
    :param known: those of names that are known without a look.
    """

    def __init__(
        self, plugin: Plugin, hooks: dict[Handler, Hook], known: Mapping[str, Hook]
    ) -> None:
        super().__init__()
        self._plugin = plugin
        self._hooks = hooks
        self._known = known
        self._looked_up = shielded(self.look_up, lambda _: (None, None))
        self.forget()

    def forget(self) -> None:
        """Look everything up again, but for what is known."""
        self.clear()
        self.update(self._known)

    def __missing__(self, fullname: str) -> Hook | None:
        node, handler = self._looked_up(fullname)
        hook = self._hooks[handler] if handler is not None else None
        if _cannot_change(fullname, node):
            self[fullname] = hook
        return hook

    def look_up(self, fullname: str) -> tuple[SymbolNode | None, Handler | None]:
        """Return what the name stands for, and who answers for it."""
        if "." not in fullname:
            # A local name, or a call of a call: what it is, only its type can tell. mypy calls a
            # list display "<list>", and so on.
            return None, None if fullname.startswith("<") else bind.call_of_local
        found = self._plugin.lookup_fully_qualified(fullname)
        node = found.node if found is not None else None
        return node, _handler_of(node)


class _MethodHooks(_Hooks):
    """The same for methods, which a base class may define."""

    def look_up(self, fullname: str) -> tuple[SymbolNode | None, Handler | None]:
        """Return what the name stands for, and who answers for it."""
        class_name, _, name = fullname.rpartition(".")
        owner = self._plugin.lookup_fully_qualified(class_name)
        if owner is None or not isinstance(owner.node, TypeInfo):
            return None, None
        found = owner.node.get(name)
        node = found.node if found is not None else None
        return node, _handler_of_method(owner.node, name, node)


class _SignatureHooks(dict[str, "SignatureHook | None"]):
    """Signature hooks by full name; those of a subclass of a wrapper class are found by its own hook.

    :param functions: knows which names are such classes.
    :param known: those of names that are known without a look.
    :param constructors: by the hook of a class.
    """

    def __init__(
        self,
        functions: _Hooks,
        known: Mapping[str, SignatureHook],
        constructors: Mapping[Hook, SignatureHook],
    ) -> None:
        super().__init__(known)
        self._functions = functions
        self._known = known
        self._constructors = constructors

    def forget(self) -> None:
        """Look everything up again, but for what is known."""
        self.clear()
        self.update(self._known)

    def __missing__(self, fullname: str) -> SignatureHook | None:
        # What is no class by now will be none.
        hook = self._functions[fullname]
        self[fullname] = found = self._constructors.get(hook) if hook is not None else None
        return found


def _cannot_change(fullname: str, node: SymbolNode | None) -> bool:
    """Say whether a name will be no bridge, or the same one, while mypy checks."""
    if isinstance(node, (FuncDef, TypeInfo)):
        return True
    if isinstance(node, (Decorator, OverloadedFuncDef)):
        # Before mypy has come to its decorators, it has no type.
        return isinstance(get_proper_type(node.type), FunctionLike)
    return "." not in fullname or fullname.startswith(_LIBRARIES)


def _handler_of(node: SymbolNode | None) -> Handler | None:
    """Return who answers for a call of the function, variable or class, if it is one of ours."""
    if isinstance(node, FuncDef):
        # Most are. Undecorated, it is no bridge.
        return None
    if isinstance(node, TypeInfo):
        for base in node.mro:
            if base.fullname in _CLASSES:
                return _CLASSES[base.fullname]
        return None
    if isinstance(node, (Decorator, Var, OverloadedFuncDef)):
        wrapper = wrapper_of(node.type)
        if wrapper is not None:
            return _CALLS[wrapper]
        decorator = decorator_in(node.type)
        return _FUNCTIONS[decorator] if decorator is not None else None
    return None


def _handler_of_method(info: TypeInfo, name: str, node: SymbolNode | None) -> Handler | None:
    """Return who answers for the method of that name, which is `node`."""
    if name == "__call__":
        definer = info.get_containing_type_info(name)
        if definer is not None and definer.fullname == names.TO_SYNC_WRAPPER:
            return bind.call_of_blocking_wrapper
    return _handler_of(node)


def plugin(version: str) -> type[Plugin]:
    """Return the plugin's class: the entry point that mypy asks for."""
    del version
    return TypedbridgePlugin
