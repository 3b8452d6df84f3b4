"""Import statements, and what is taken from the modules that they bind.

An edit always replaces the one word ``asgiref``. An import is changed only if everything that is done
with what it binds is understood; otherwise the reasons are found, and nothing of it is touched.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import libcst as cst

from typedbridge._commands.migrate.model import Edit, Finding, Reason
from typedbridge._commands.migrate.names import MODULES, OLD, lack
from typedbridge._commands.migrate.packages import rewrite_package
from typedbridge._commands.migrate.tree import accesses, dotted, root
from typedbridge._commands.migrate.uses import (
    module_problems,
    object_problems,
    uses,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from libcst.metadata import Scope

from typedbridge._commands.migrate.tree import Tree


def rewrite_imports(tree: Tree) -> Iterator[Edit | Finding]:
    """Go through the import statements of a file."""
    packages: defaultdict[Scope, list[cst.ImportAlias]] = defaultdict(list)
    for node in tree.nodes():
        scope = tree.scope(node)
        if scope is None:
            continue
        if isinstance(node, cst.ImportFrom) and not node.relative:
            yield from _from(tree, scope, node)
        elif isinstance(node, cst.Import):
            for alias in node.names:
                if alias.asname is not None:
                    yield from _module_as(tree, scope, node, alias)
                elif dotted(alias.name)[0] == OLD:
                    packages[scope].append(alias)
    for scope, aliases in packages.items():
        yield from rewrite_package(tree, scope, aliases)


def _bound(alias: cst.ImportAlias) -> str:
    """The name that an import binds in its scope."""
    return alias.evaluated_alias or alias.evaluated_name.partition(".")[0]


def _all_or_nothing(
    tree: Tree, word: cst.CSTNode, problems: Sequence[Finding]
) -> Iterator[Edit | Finding]:
    """Replace the word, or say why not."""
    if problems:
        yield from problems
    else:
        yield Edit(tree.start(root(word)))


def _from(tree: Tree, scope: Scope, node: cst.ImportFrom) -> Iterator[Edit | Finding]:
    match dotted(node.module):
        case ["asgiref"]:
            problems = _modules_from(tree, scope, node)
        case ["asgiref", module] if module in MODULES:
            problems = _names_from(tree, scope, node, module)
        case _:
            return
    if problems is not None and node.module is not None:
        yield from _all_or_nothing(tree, node.module, problems)


def _names_from(tree: Tree, scope: Scope, node: cst.ImportFrom, module: str) -> list[Finding]:
    """``from asgiref.sync import ...``."""
    if isinstance(node.names, cst.ImportStar):
        text = f"import the names of asgiref.{module} one by one"
        return [tree.finding(node, Reason.STAR, text)]
    problems: list[Finding] = []
    for alias in node.names:
        path = [module, alias.evaluated_name]
        if lacking := lack(path):
            rest = "; the import is left as it is" if len(node.names) > 1 else ""
            problems.append(tree.finding(alias, lacking.reason, lacking.text + rest))
            continue
        found = uses(tree, accesses(scope, _bound(alias), node), _bound(alias))
        problems += object_problems(tree, path, [*found])
    return problems


def _modules_from(tree: Tree, scope: Scope, node: cst.ImportFrom) -> list[Finding] | None:
    """``from asgiref import ...``; nothing if no module of ours is among them."""
    if isinstance(node.names, cst.ImportStar):
        return None
    ours = [alias for alias in node.names if alias.evaluated_name in MODULES]
    others = [alias.evaluated_name for alias in node.names if alias not in ours]
    if not ours:
        return None
    if others:
        text = f"{', '.join(others)} stays in asgiref: import it in a statement of its own"
        return [tree.finding(ours[0], Reason.MIXED, text)]
    problems: list[Finding] = []
    for alias in ours:
        found = uses(tree, accesses(scope, _bound(alias), node), _bound(alias))
        problems += module_problems(tree, alias.evaluated_name, [*found])
    return problems


def _module_as(
    tree: Tree, scope: Scope, node: cst.Import, alias: cst.ImportAlias
) -> Iterator[Edit | Finding]:
    """``import asgiref.sync as bridges``."""
    bound = _bound(alias)
    match dotted(alias.name):
        case ["asgiref", module] if module in MODULES:
            found = [*uses(tree, accesses(scope, bound, node), bound)]
            problems = [*module_problems(tree, module, found)]
            yield from _all_or_nothing(tree, alias.name, problems)
        case ["asgiref"]:
            for use in uses(tree, accesses(scope, bound, node), bound):
                if use.names and use.names[0] in MODULES:
                    text = f"import asgiref.{use.names[0]} itself, not through the package"
                    yield tree.finding(use.node, Reason.DYNAMIC, text)
        case _:
            return
