"""Reading server-sent events as the standard has it (HTML, 9.2.6), and a ledger that grows meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec

from application.ports import Append, Change
from domain.access import CertificateDownloaded, CertificateViewed
from domain.entity import Actor, ActorKind, Event, Meta
from tests.api.desk import Desk
from tests.api.walking import API


class Told(msgspec.Struct, frozen=True):
    """One event of a stream."""

    id: str
    type: str
    data: str


class StreamReader:
    """`last_event_id` and `comments` are as far as was read."""

    def __init__(self, response: httpx.Response, last_event_id: str = "") -> None:
        self._lines = response.aiter_lines()
        self.last_event_id = last_event_id
        self.comments: list[str] = []

    async def events(self) -> AsyncGenerator[Told, None]:
        """Events with data, as they are dispatched; ends when the stream does."""
        kind, data = "", ""
        async for line in self._lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if line and not name:
                self.comments.append(value)
            elif name == "id":
                self.last_event_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data += value
            elif not line:
                if data:
                    yield Told(self.last_event_id, kind, data)
                kind, data = "", ""


@asynccontextmanager
async def opened(
    url: str, desk: Desk, after: str = "", *, who: str = "auditor", **query: str
) -> AsyncIterator[StreamReader]:
    """A connection to the audit trail's stream."""
    headers = {"Authorization": f"Bearer {desk.people[who].token}", "Accept": "text/event-stream"}
    if after:
        headers["Last-Event-ID"] = after
    async with (
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client,
        client.stream("GET", f"{API}/audit-events", headers=headers, params=query) as response,
    ):
        assert response.status_code == 200
        yield StreamReader(response, after)


def viewed(who: str = "test") -> Event:
    """An event that matters to nobody."""
    return CertificateViewed(meta=_meta(who), certificate_id=uuid4())


def downloaded(form: str = "pem") -> Event:
    """Another one."""
    return CertificateDownloaded(meta=_meta(), certificate_id=uuid4(), format=form)


async def grow(desk: Desk, *events: Event) -> int:
    """Append, all in one command, each in a stream of its own; the last position."""
    changes = tuple(Change(stream_id=uuid4(), expected_version=None, events=(event,)) for event in events)
    command = Append(command_id=uuid4(), body_sha256=b"\0" * 32, changes=changes)
    return (await desk.core.house.log.append(command)).last_position


async def keep_growing(desk: Desk, commands: int, each: int = 3) -> None:
    """Many commands one after the other."""
    for _ in range(commands):
        await grow(desk, *(viewed() for _ in range(each)))
        await asyncio.sleep(0)


def _meta(who: str = "test") -> Meta:
    return Meta(actor=Actor(ActorKind.SYSTEM, who), at=datetime.now(UTC), correlation_id=uuid4())
