"""One text from the first look to the last: the edits that are certain, and what is left for a person."""

from __future__ import annotations

import libcst as cst

from typedbridge._commands.migrate.calls import find_in_calls
from typedbridge._commands.migrate.imports import rewrite_imports
from typedbridge._commands.migrate.model import Edit, Finding, Reason, Rewritten
from typedbridge._commands.migrate.names import NEW, OLD
from typedbridge._commands.migrate.strings import rewrite_strings
from typedbridge._commands.migrate.tree import NotFaithfulError, Tree


def rewrite(text: str) -> Rewritten:
    """Turn asgiref's bridges in a Python text into typedbridge's.

    Only the word ``asgiref`` is ever replaced, where it is certain; everything else stays as it is, to
    the byte. A text that cannot be parsed comes back as it was, with that as its finding.
    """
    if OLD not in text and NEW not in text:
        return Rewritten(text)
    try:
        tree = Tree(text)
    except cst.ParserSyntaxError as error:
        lines = str(error).splitlines()
        detail = error.message.splitlines()[0] if lines else "no Python"
        finding = Finding(
            error.raw_line, error.raw_column + 1, Reason.UNREADABLE, f"syntax error: {detail}"
        )
        return Rewritten(text, findings=[finding])
    except NotFaithfulError:
        return unreadable(text, "libcst does not give this text back as it is")
    except RecursionError:
        return unreadable(text, "the code is nested too deeply")
    found: set[Edit | Finding] = {*rewrite_imports(tree)}
    known = frozenset(item.start for item in found if isinstance(item, Edit))
    sure = not any(isinstance(item, Finding) for item in found)
    places = {(item.line, item.column) for item in found if isinstance(item, Finding)}
    found |= {
        item
        for item in rewrite_strings(tree, known, sure=sure)
        if isinstance(item, Edit) or (item.line, item.column) not in places
    }
    found |= {*find_in_calls(tree)}
    edits = sorted(item for item in found if isinstance(item, Edit))
    findings = sorted(item for item in found if isinstance(item, Finding))
    return Rewritten(_apply(tree.utf8, edits), edits, findings)


def unreadable(text: str, why: str) -> Rewritten:
    """The outcome for a file that is left alone as a whole."""
    return Rewritten(text, findings=[Finding(0, 0, Reason.UNREADABLE, why)])


def _apply(utf8: bytes, edits: list[Edit]) -> str:
    parts: list[bytes] = []
    at = 0
    for edit in edits:
        end = edit.start + len(OLD)
        # Each edit was found by its place; that the word stands there is looked at once more.
        if utf8[edit.start : end] != OLD.encode():
            raise AssertionError(f"no {OLD} at offset {edit.start}")
        parts += [utf8[at : edit.start], edit.new.encode()]
        at = end
    return b"".join([*parts, utf8[at:]]).decode()
