"""The one door through which personal texts leave: what is sealed in an answer is opened in its last bytes.

Everything inside the house, kept answers and files of evidence included, holds sealed texts (domain.personal). They
are found in the finished bytes of an answer and replaced as its format wants it. Whose key is gone is shown as
`[erased]`. Octets (payloads, leaves, archives) leave as they are: proofs are about them.
"""

import csv
import html
import io
from collections.abc import Awaitable, Callable, Iterable, Mapping

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.paging import cell, csv_lines
from application.opening import MARK, in_json, open_json, opened, replaced, sealed_in
from application.personal import Opens

_Opens = Callable[[Opens, bytes], Awaitable[bytes]]


async def open_html(texts: Opens, content: bytes) -> bytes:
    """HTML or SVG with every sealed text in it opened."""
    return await opened(texts, content, html.escape)


async def open_words(texts: Opens, text: str) -> str:
    """Text for people's eyes, on a terminal."""
    return (await opened(texts, text.encode(), str)).decode()


async def open_csv(texts: Opens, content: bytes) -> bytes:
    """Whole lines of CSV with every sealed text in them opened."""
    if MARK not in content:
        return content
    found = await texts.open(sealed_in(content))
    rows = csv.reader(io.StringIO(content.decode(), newline=""))
    return csv_lines([[_opened_cell(value, found) for value in row] for row in rows])


def _opened_cell(value: str, found: Mapping[str, str]) -> object:
    """A cell of its own, or JSON within a cell."""
    content = value.encode()
    if MARK not in content:
        return value
    within_json = value.startswith(("{", "["))
    return cell(replaced(content, lambda sealed: in_json(found[sealed]) if within_json else found[sealed]).decode())


_DOORS: Mapping[str, _Opens] = {
    "application/json": open_json,
    "application/problem+json": open_json,
    "application/cloudevents+json": open_json,
    "application/cloudevents-batch+json": open_json,
    "application/x-ndjson": open_json,
    "text/event-stream": open_json,
    "text/html": open_html,
    "image/svg+xml": open_html,
    "text/csv": open_csv,
}


def opening(app: ASGIApp) -> ASGIApp:
    """Middleware: the door."""

    async def opened(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, _Door(scope["litestar_app"].state.services.house.texts, send))

    return opened


class _Door:
    """One answer on its way out. Lines that are streamed leave whole."""

    def __init__(self, texts: Opens, send: Send) -> None:
        self._texts = texts
        self._send = send
        self._start: Message | None = None
        self._open: _Opens | None = None
        self._rest = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._open = _DOORS.get(_media_type(message["headers"]))
            if self._open is not None:
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._open is not None:
            message["body"] = await self._opened(message["body"], more=message.get("more_body", False))
        await self._send(message)

    async def _opened(self, body: bytes, *, more: bool) -> bytes:
        content = self._rest + body
        end = content.rfind(b"\n") + 1 if more else len(content)
        content, self._rest = content[:end], content[end:]
        found = await self._open(self._texts, content) if self._open and MARK in content else content
        await self._begin(None if more else len(found))
        return found

    async def _begin(self, length: int | None) -> None:
        """The start of the answer, which waits for what it says of the length."""
        start, self._start = self._start, None
        if start is None or start["type"] != "http.response.start":
            return
        if length is not None:
            said = str(length).encode()
            start["headers"] = [(n, said if n.lower() == b"content-length" else v) for n, v in start["headers"]]
        await self._send(start)


def _media_type(headers: Iterable[tuple[bytes, bytes]]) -> str:
    found = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    return found.partition(b";")[0].strip().decode("latin-1")
