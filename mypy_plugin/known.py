"""What a value is, where the source leaves no doubt.

A type may be the join of several values; an attribute may be assigned elsewhere, a subclass may
override, a decorator may say of itself that it changes nothing. So a value is known only if

- its name is bound by definitions, imports and assignments alone, each of which is known, and nowhere
  by `global`, `nonlocal`, a parameter, a loop, an `except`, a `with` or a pattern;
- each decorator on the way is a bridge, `classmethod`, `staticmethod` or one that returns what it gets,
  as `override` does (`HARMLESS`, `functools.wraps(...)`);
- an attribute is that of a module, of a class that is named, or of an object whose class is sure: made
  on the spot or held by a known name, of a class that is final, or of a final method. If mypy lets it be
  assigned, no attribute of that name is, in the module that defines it or in the one that uses it.

What another module puts in the place of a function or variable, as a test does, counts for nothing.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from mypy.nodes import Decorator, FuncBase, MemberExpr, SuperExpr, TypeInfo
from mypy.types import Instance, flatten_nested_unions, get_proper_type

from typedbridge.mypy_plugin import names
from typedbridge.mypy_plugin.calls import NotUnderstoodError
from typedbridge.mypy_plugin.source import (
    FunctionNode,
    ScopeNode,
    Source,
    Sources,
    bindings,
    has_star_import,
)
from typedbridge.mypy_plugin.values import (
    CACHES,
    FACTORIES,
    HARMLESS,
    KNOWN,
    OVERLOAD,
    UNKNOWN,
    Class,
    Descriptor,
    Function,
    Maker,
    Module,
    Named,
    Object,
    Partial,
    Value,
    applied,
    definer_of,
    made,
    made_by,
)

if TYPE_CHECKING:
    from mypy.nodes import Expression, MypyFile

    from typedbridge.mypy_plugin.calls import Call, Modules
    from typedbridge.mypy_plugin.source import Binding

# How far names are followed: more than anybody writes, less than for ever.
_DEPTH: Final = 40


class Knowledge:
    """Finds out what values are. Each method raises `NotUnderstoodError` for what may be anything."""

    def __init__(self, modules: Modules, sources: Sources, user: Source) -> None:
        self._modules = modules
        self._sources = sources
        self._user = user
        self._depth = 0

    def values(self, expression: ast.expr, source: Source) -> list[Value]:
        """Return all that an expression may be."""
        self._depth += 1
        try:
            if self._depth > _DEPTH:
                raise NotUnderstoodError(expression)
            return self._values(expression, source)
        finally:
            self._depth -= 1

    def _values(self, expression: ast.expr, source: Source) -> list[Value]:
        if isinstance(expression, ast.Name):
            return self._named(source, source.scope_of(expression), expression.id)
        if isinstance(expression, ast.NamedExpr):
            return self.values(expression.value, source)
        if isinstance(expression, ast.IfExp):
            return [
                *self.values(expression.body, source),
                *self.values(expression.orelse, source),
            ]
        if isinstance(expression, ast.Attribute):
            owners = self.values(expression.value, source)
            return [found for owner in owners for found in self.attribute(owner, expression.attr)]
        if isinstance(expression, ast.Call):
            callees = self.values(expression.func, source)
            return [
                found for callee in callees for found in self._called(callee, expression, source)
            ]
        raise NotUnderstoodError(expression)

    def attribute(self, owner: Value, name: str) -> list[Value]:
        """Return what an attribute of a known value may be."""
        if isinstance(owner, Module):
            return self._member_of_module(owner.file.fullname, name)
        if isinstance(owner, (Class, Object)):
            members = self._member_of_class(owner.info, name)
            return [member.of if isinstance(member, Descriptor) else member for member in members]
        raise NotUnderstoodError(owner)

    def functions(self, value: Value) -> list[Value]:
        """Return what runs when a value is called: behind a `partial`, or of an object's class."""
        if isinstance(value, Partial):
            return self.functions(value.of)
        return self.attribute(value, "__call__") if isinstance(value, Object) else [value]

    def is_only_cached(self, module: str, info: TypeInfo | None, name: str) -> bool:
        """Say whether a function or method has caches, and nothing else, around it."""
        source, scope = self._node_of(info) if info is not None else self._tree_of(module)
        found = bindings(source, scope, name)
        return (
            len(found) == 1
            and isinstance(found[0], FunctionNode)
            and all(
                isinstance(value, Named) and value.fullname in CACHES
                for decorator in found[0].decorator_list
                for value in self.values(decorator, source)
            )
        )

    def under(self, decorator: ast.expr, source: Source) -> list[Value]:
        """Return what a decorator is applied to."""
        function = source.parents[decorator]
        if not isinstance(function, FunctionNode):
            raise NotUnderstoodError(function)
        order = function.decorator_list
        return self._decorated(function, order[order.index(decorator) + 1 :], source)

    def _named(self, source: Source, scope: ScopeNode, name: str) -> list[Value]:
        for around in source.scopes_for_names(scope):
            if found := bindings(source, around, name):
                return self._bound(found, source)
        if has_star_import(source):
            return self._imported_by_star(source.file, name)
        return self._library(f"builtins.{name}")

    def _library(self, fullname: str) -> list[Value]:
        if fullname not in KNOWN:
            raise NotUnderstoodError(fullname)
        return [KNOWN[fullname]]

    def _bound(self, found: list[Binding], source: Source) -> list[Value]:
        if len(found) > 1:
            # All but the last say what the last one takes; in a stub, all are the function.
            found = [one for one in found if not self._is_overload(one, source)] or found
        return [value for one in found for value in self._value_bound(one, source)]

    def _is_overload(self, binding: Binding, source: Source) -> bool:
        return isinstance(binding, FunctionNode) and any(
            isinstance(value, Named) and value.fullname in OVERLOAD
            for decorator in binding.decorator_list[:1]
            for value in self._or_nothing(decorator, source)
        )

    def _or_nothing(self, expression: ast.expr, source: Source) -> list[Value]:
        try:
            return self.values(expression, source)
        except NotUnderstoodError:
            return []

    def _value_bound(self, binding: Binding, source: Source) -> list[Value]:
        if isinstance(binding, FunctionNode):
            return self._decorated(binding, binding.decorator_list, source)
        if isinstance(binding, ast.ClassDef):
            return [self._class(binding, source)]
        if isinstance(binding, ast.alias):
            return self._imported(binding, source)
        if isinstance(binding, ast.expr):
            return self.values(binding, source)
        raise NotUnderstoodError(binding)

    def _decorated(
        self, function: FunctionNode, decorators: list[ast.expr], source: Source
    ) -> list[Value]:
        value: Value = Function(function)
        for decorator in reversed(decorators):
            found = self.values(decorator, source)
            if len(set(found)) != 1:
                raise NotUnderstoodError(decorator)
            value = applied(found[0], value)
        return [value]

    def _called(self, callee: Value, call: ast.Call, source: Source) -> list[Value]:
        if isinstance(callee, Class):
            return [made(callee.info)]
        if isinstance(callee, Maker):
            return [made_by(callee, call)]
        if isinstance(callee, Named):
            name = callee.fullname
            if name in FACTORIES and bool(call.args) is FACTORIES[name]:
                return [Named(f"{name}(...)")]
            if call.args and not isinstance(call.args[0], ast.Starred):
                if name == names.PARTIAL:
                    return [Partial(value) for value in self.values(call.args[0], source)]
                if name in names.DESCRIPTORS:
                    first = self._or_nothing(call.args[0], source) or [UNKNOWN]
                    return [Descriptor(names.DESCRIPTORS[name], value) for value in first]
        raise NotUnderstoodError(callee)

    def _class(self, node: ast.ClassDef, source: Source) -> Class:
        """Return a class that stands in a module or in another class."""
        for decorator in node.decorator_list:
            for value in self.values(decorator, source):
                if not isinstance(value, Named) or value.fullname not in HARMLESS:
                    raise NotUnderstoodError(decorator)
        around = source.scope_of(node)
        if isinstance(around, ast.Module):
            symbols = source.file.names
        elif isinstance(around, ast.ClassDef):
            symbols = self._class(around, source).info.names
        else:
            raise NotUnderstoodError(node)
        symbol = symbols.get(node.name)
        if symbol is None or not isinstance(symbol.node, TypeInfo):
            raise NotUnderstoodError(node)
        return Class(symbol.node)

    def _imported(self, alias: ast.alias, source: Source) -> list[Value]:
        statement = source.parents[alias]
        if isinstance(statement, ast.ImportFrom):
            return self._member_of_module(_module_named(statement, source.file), alias.name)
        module = alias.name if alias.asname else alias.name.partition(".")[0]
        if module not in self._modules:
            raise NotUnderstoodError(module)
        return [Module(self._modules[module])]

    def _member_of_module(self, module: str, name: str) -> list[Value]:
        fullname = f"{module}.{name}"
        if fullname in KNOWN:
            return [KNOWN[fullname]]
        source, tree = self._tree_of(module)
        if found := bindings(source, tree, name):
            if source.sets_in_module(name) or self._user.sets_in_module(name):
                raise NotUnderstoodError(fullname)
            return self._bound(found, source)
        if fullname in self._modules:
            return [Module(self._modules[fullname])]
        return self._imported_by_star(source.file, name)

    def _imported_by_star(self, file: MypyFile, name: str) -> list[Value]:
        """Ask mypy, which knows in what module a name is defined."""
        symbol = file.names.get(name)
        module = symbol.node.fullname.rpartition(".")[0] if symbol and symbol.node else ""
        if module == file.fullname or module not in self._modules:
            raise NotUnderstoodError(name)
        return self._member_of_module(module, name)

    def _member_of_class(self, info: TypeInfo, name: str) -> list[Value]:
        if info.fallback_to_any or definer_of(info, "__getattribute__") != "builtins.object":
            raise NotUnderstoodError(info)
        definer = info.get_containing_type_info(name)
        source, node = self._node_of(definer)
        found = bindings(source, node, name)
        # mypy lets nobody assign to a method.
        is_variable = any(isinstance(one, ast.expr) for one in found)
        if not found or (
            is_variable and (source.sets_attribute(name) or self._user.sets_attribute(name))
        ):
            raise NotUnderstoodError(name)
        return self._bound(found, source)

    def _tree_of(self, module: str) -> tuple[Source, ScopeNode]:
        file = self._modules.get(module)
        source = self._sources.of(file) if file is not None else None
        if source is None:
            raise NotUnderstoodError(module)
        return source, source.tree

    def _node_of(self, info: TypeInfo | None) -> tuple[Source, ScopeNode]:
        """Find the definition of a class."""
        if info is None:
            raise NotUnderstoodError(info)
        source, node = self._tree_of(info.module_name)
        for part in info.fullname.removeprefix(f"{info.module_name}.").split("."):
            found = bindings(source, node, part)
            if len(found) != 1 or not isinstance(found[0], ast.ClassDef):
                raise NotUnderstoodError(info)
            node = found[0]
        return source, node


def values_of(
    call: Call, knowledge: Knowledge, expression: Expression, node: ast.expr, source: Source
) -> list[Value]:
    """Return all that an expression of a call may be, also by the types that mypy has found.

    What has the type of a final class is of just this class, and nobody replaces a final method.
    """
    if isinstance(expression, (MemberExpr, SuperExpr)) and isinstance(node, ast.Attribute):
        if receivers := _final_receivers(call, expression):
            return [value for one in receivers for value in knowledge.attribute(one, node.attr)]
    elif (objects := _instances(call, expression)) and all(info.is_final for info in objects):
        return [Object(info) for info in objects]
    return knowledge.values(node, source)


def _final_receivers(call: Call, member: MemberExpr | SuperExpr) -> list[Object]:
    """Return the objects that a member is read from, if no subclass can have replaced the member."""
    if isinstance(member, SuperExpr):
        above = member.info.mro[1:] if member.info is not None else []
        infos = [next((info for info in above if member.name in info.names), None)]
    else:
        infos = [*_instances(call, member.expr)]
    final = [Object(info) for info in infos if info is not None and _is_final(info, member.name)]
    return final if len(final) == len(infos) else []


def _instances(call: Call, expression: Expression) -> list[TypeInfo]:
    """Return the classes that an expression is an instance of by its type; nothing if it may be else."""
    if not call.checker.has_type(expression):
        return []
    items = flatten_nested_unions([call.checker.lookup_type(expression)])
    instances = [proper for item in items if isinstance(proper := get_proper_type(item), Instance)]
    return [instance.type for instance in instances] if len(instances) == len(items) else []


def _is_final(info: TypeInfo, member: str) -> bool:
    symbol = info.get(member)
    node = symbol.node if symbol is not None else None
    return info.is_final or (isinstance(node, (FuncBase, Decorator)) and node.is_final)


def _module_named(statement: ast.ImportFrom, file: MypyFile) -> str:
    """Return the full name of the module that `from ... import` reads."""
    if not statement.level:
        return statement.module or ""
    package = file.fullname.split(".")
    if not file.is_package_init_file():
        package.pop()
    package = package[: len(package) - statement.level + 1]
    return ".".join([*package, *filter(None, [statement.module])])
