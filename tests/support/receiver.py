"""A real HTTP server that webhooks are sent to: it keeps what it gets, and answers as it is told.

async with receiving() as receiver:
    receiver.answers = [500, (503, {"retry-after": "120"}), 200]     # then always the last one
    message = await receiver.next()
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import uvicorn

Answer = int | tuple[int, dict[str, str]]


class Message(msgspec.Struct, frozen=True):
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


class Receiver:
    """`messages` are all that came; while `hold` is cleared nobody gets an answer."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[Message] = []
        self.answers: list[Answer] = [200]
        self.hold = asyncio.Event()
        self.hold.set()
        self._queue: asyncio.Queue[Message] = asyncio.Queue()

    async def next(self) -> Message:
        """The next message that was not taken yet."""
        async with asyncio.timeout(60):
            return await self._queue.get()

    async def take(self, count: int) -> list[Message]:
        """The next ones."""
        return [await self.next() for _ in range(count)]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        message = Message(scope["path"], headers, body)
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        self.messages.append(message)
        self._queue.put_nowait(message)
        await self.hold.wait()
        status, given = (answer, {}) if isinstance(answer, int) else answer
        sent = [(name.encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": b"The receiver's own words."})


@asynccontextmanager
async def receiving(*, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    config = uvicorn.Config(receiver, host=host, port=0, lifespan="off", log_config=None, access_log=False)
    config.timeout_graceful_shutdown = 1
    config.load()
    config.ssl = tls
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        receiver.hold.set()
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
