"""A file's bytes and the text that they are, there and back without a byte changed; and its writing."""

from __future__ import annotations

import codecs
import io
import os
import tempfile
import tokenize
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


class NoTextError(Exception):
    """The bytes of a file are no Python text; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a Python file says, and how it is kept."""

    text: str
    encoding: str
    mark: bytes
    """The byte order mark, if there is one."""

    def encode(self, text: str) -> bytes:
        """Another text, kept in the same way."""
        return self.mark + text.encode(self.encoding)


def decode(data: bytes) -> Source:
    """Read a Python file as Python does, by its mark or its coding comment.

    :raises NoTextError: the coding is not known, does not fit, or does not lead back to the same bytes.
    """
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        encoding = encoding.removesuffix("-sig") if mark else encoding
        source = Source(data[len(mark) :].decode(encoding), encoding, mark)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise NoTextError(str(error)) from error
    if source.encode(source.text) != data:
        raise NoTextError(f"what is written as {encoding} cannot be written back the same")
    return source


class ChangedMeanwhileError(Exception):
    """Somebody else has written to the file since it was read."""


def write(path: Path, before: bytes, after: bytes) -> None:
    """Replace a file's content in one step: no reader ever finds half of it.

    The mode and, where that is allowed, the owner stay. A link is followed: the file that it leads to is
    the one that changes.

    :param before: what the file was when it was read.
    :raises ChangedMeanwhileError: it is something else by now.
    :raises OSError: the folder or the file cannot be written.
    """
    path = path.resolve()
    status = path.stat()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123  # a descriptor
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(status.st_mode & 0o7777)
        with suppress(
            AttributeError, PermissionError
        ):  # Windows has none; others' files are others'
            os.chown(temporary, status.st_uid, status.st_gid)
        if path.read_bytes() != before:
            raise ChangedMeanwhileError("somebody else has changed it meanwhile")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
