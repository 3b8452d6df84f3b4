"""``import asgiref.sync``: it binds the name ``asgiref``, which several imports and many uses share.

If the name changes, it has to change everywhere at once; so this looks for everything that speaks against it.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import libcst as cst
from libcst.metadata import ClassScope, ImportAssignment

from typedbridge._commands.migrate.model import Edit, Finding, Reason
from typedbridge._commands.migrate.names import MODULES, NEW, OLD
from typedbridge._commands.migrate.tree import accesses, dotted, literal, root
from typedbridge._commands.migrate.uses import package_problems, uses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from libcst.metadata import BaseAssignment, Scope

    from typedbridge._commands.migrate.tree import Tree
    from typedbridge._commands.migrate.uses import Use

NAMED: Final = rf"\b{OLD}\.(?:{'|'.join(MODULES)})\b"
TYPE_COMMENT: Final = re.compile(rf"#\s*type:.*{NAMED}")


def rewrite_package(
    tree: Tree, scope: Scope, aliases: Sequence[cst.ImportAlias]
) -> Iterator[Edit | Finding]:
    """Go through the statements of one scope that bind ``asgiref``, and everything that is done with it."""
    found = [*uses(tree, accesses(scope, OLD), OLD)]
    going = [use for use in found if use.names and use.names[0] in MODULES]
    staying = [use for use in found if use not in going]
    moved = [alias for alias in aliases if [*dotted(alias.name), ""][1] in MODULES]
    kept = [alias for alias in aliases if alias not in moved]
    if not moved and not going:
        return
    problems = [*package_problems(tree, found)]
    problems += [*_name_problems(tree, scope, aliases[0], going)] or [*_unseen(tree, scope, found)]
    if staying and not kept and not problems:
        rest = ".".join([OLD, *staying[0].names])
        text = f"{rest} stays in asgiref: import it in a statement of its own"
        problems.append(tree.finding(staying[0].node, Reason.MIXED, text))
    new = NEW
    if not moved:
        # `import asgiref` alone: another module has imported the submodule.
        modules = {use.names[0] for use in going}
        if len(modules) > 1 or staying or len(kept) > 1 or dotted(kept[0].name) != [OLD]:
            text = f"import asgiref.{going[0].names[0]} itself, not through the package"
            problems.append(tree.finding(going[0].node, Reason.DYNAMIC, text))
        moved, new = kept, f"{NEW}.{min(modules)}"
    if problems:
        yield from problems
        return
    for alias in moved:
        yield Edit(tree.start(root(alias.name)), new)
    for use in going:
        yield Edit(use.start)


def _unseen(tree: Tree, scope: Scope, found: Sequence[Use]) -> Iterator[Finding]:
    """Uses of the name that libcst does not tell of."""
    seen = {use.start for use in found}
    for node in tree.nodes():
        match node:
            case cst.Name(value="asgiref") if tree.is_expression(node):
                unseen = tree.start(node) not in seen and _is_looked_up(tree, node, scope)
            case cst.NameItem(name=cst.Name(value="asgiref")):  # global, nonlocal
                unseen = True
            case cst.Comment(value=text):
                unseen = TYPE_COMMENT.search(text) is not None
            case cst.SimpleString():
                unseen = _is_exported(tree, node) or _is_code(tree, node, seen)
            case _:
                continue
        if unseen:
            text = "this use of asgiref is not understood: change the import by hand"
            yield tree.finding(node, Reason.DYNAMIC, text)


def _is_looked_up(tree: Tree, node: cst.CSTNode, scope: Scope) -> bool:
    """Tell whether a name may be found in a scope; where nothing is known of it, it may."""
    around = tree.scope(node)
    bound = around[OLD] if around is not None else ()
    return not bound or any(assignment.scope is scope for assignment in bound)


def _is_exported(tree: Tree, node: cst.SimpleString) -> bool:
    """Tell whether this is the name in ``__all__``."""
    at: cst.CSTNode | None = node if literal(node) == OLD else None
    while at is not None and not isinstance(at, cst.BaseSmallStatement):
        at = tree.parent(at)
    return at is not None and "__all__" in tree.source(at)


def _is_code(tree: Tree, node: cst.SimpleString, seen: set[int]) -> bool:
    """Tell whether a string that was not seen is an expression with the name: a type in quotes, perhaps.

    One that is the name of something from end to end is another module's business.
    """
    begin = tree.start(node)
    if isinstance(tree.parent(node), cst.Expr) or not re.search(NAMED, node.raw_value):
        return False
    if any(begin <= start < begin + len(node.value.encode()) for start in seen):
        return False
    with suppress(SyntaxError, ValueError):
        tree_of_it = ast.parse(node.raw_value.strip(), mode="eval")
        return not isinstance(tree_of_it.body, ast.Attribute)
    return False


def _binds(assignment: BaseAssignment, package: str) -> bool:
    """Tell whether an assignment is an import of a package under its own name."""
    return (
        isinstance(assignment, ImportAssignment)
        and isinstance(assignment.node, cst.Import)
        and any(
            alias.asname is None and dotted(alias.name)[0] == package
            for alias in assignment.node.names
        )
    )


def _name_problems(
    tree: Tree, scope: Scope, alias: cst.ImportAlias, going: Sequence[Use]
) -> Iterator[Finding]:
    """The name ``asgiref`` has other values too, or ``typedbridge`` is taken."""
    others = [item for item in scope.assignments if item.name == OLD and not _binds(item, OLD)]
    scopes = {scope, *(tree.scope(use.node) or scope for use in going)}
    if others:
        text = "asgiref is also something else here: change the import by hand"
    elif isinstance(scope, ClassScope):
        text = "asgiref is an attribute of this class: change the import by hand"
    elif not all(_binds(item, NEW) for where in scopes for item in where[NEW]):
        text = "the name typedbridge is something else here: change the import by hand"
    else:
        return
    yield tree.finding(alias, Reason.DYNAMIC, text)
