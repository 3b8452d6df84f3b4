"""A client for a language server on stdio, with the three requests that the tests make."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from typecheck_tests.checkers import find

__all__ = ["Document", "LanguageServer"]

# JSON of the protocol: what is in a message depends on its method.
_Json = Any

_CAPABILITIES: Final[_Json] = {
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "completion": {
            "completionItem": {
                "documentationFormat": ["markdown"],
                "resolveSupport": {"properties": ["documentation"]},
            }
        },
        "signatureHelp": {"signatureInformation": {"documentationFormat": ["markdown"]}},
    },
    "workspace": {"configuration": True},
}


class LanguageServer:
    """pyright's language server over one folder; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last_id = 0
        self._process = subprocess.Popen(
            [find("pyright-langserver"), "--stdio"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        root = self._folder.as_uri()
        self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "capabilities": _CAPABILITIES,
                "workspaceFolders": [{"uri": root, "name": "tests"}],
            },
        )
        self.notify("initialized", {})
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            self.request("shutdown", None)
            self.notify("exit", None)
        else:
            self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()

    def open(self, path: Path) -> Document:
        """Tell the server about a file as an editor that shows it does."""
        text = path.read_text(encoding="utf-8")
        uri = path.as_uri()
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return Document(self, uri, text)

    def notify(self, method: str, params: _Json) -> None:
        self._send({"method": method, "params": params})

    def request(self, method: str, params: _Json) -> _Json:
        """Ask and wait for the answer; the server may ask something itself meanwhile."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                settings: _Json = None
                if message["method"] == "workspace/configuration":
                    settings = [{} for _ in message["params"]["items"]]
                self._send({"id": message["id"], "result": settings})
            elif message.get("id") == self._last_id:
                return message["result"]

    def _send(self, message: _Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._to.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._to.flush()

    def _receive(self) -> _Json:
        length = 0
        while header := self._from.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise EOFError("the language server ended")
        return json.loads(self._from.read(length))


class Document:
    """An open file, asked about by what stands in it instead of by line and column."""

    def __init__(self, server: LanguageServer, uri: str, text: str) -> None:
        self._server = server
        self._uri = uri
        self._text = text

    def hover(self, at: str) -> str:
        """The hover text with the pointer on the last character of `at`."""
        answer = self._ask("hover", at, before=1)
        return "" if answer is None else str(answer["contents"]["value"])

    def signatures(self, after: str) -> list[tuple[str, str]]:
        """Label and documentation of each signature, with the cursor behind `after`."""
        answer = self._ask("signatureHelp", after, before=0)
        return [
            (one["label"], one.get("documentation", {}).get("value", ""))
            for one in answer["signatures"]
        ]

    def completions(self, after: str) -> dict[str, str]:
        """Label and documentation of each completion, with the cursor behind `after`."""
        answer = self._ask("completion", after, before=0)
        items = [
            self._server.request("completionItem/resolve", item)
            for item in answer["items"]
            if not item["label"].startswith("_")
        ]
        return {item["label"]: item.get("documentation", {}).get("value", "") for item in items}

    def _ask(self, what: str, text: str, *, before: int) -> _Json:
        end = self._text.index(text) + len(text) - before
        lines = self._text[:end].split("\n")
        return self._server.request(
            f"textDocument/{what}",
            {
                "textDocument": {"uri": self._uri},
                "position": {"line": len(lines) - 1, "character": len(lines[-1])},
            },
        )
