"""Webhooks over REST, and what a receiver makes of their messages with libraries that others wrote."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook

from tests.api.desk import Desk
from tests.api.walking import API
from tests.support.receiver import Message

Json = dict[str, Any]


class Hook:
    """A webhook of the service, as its administrator sees it."""

    def __init__(self, desk: Desk, body: Json) -> None:
        self.desk = desk
        self.id: str = body["id"]
        self.secret: str = body["secret"]
        self.path = f"{API}/webhooks/{self.id}"

    async def get(self, path: str = "", **query: Any) -> Json:
        answer = await self.desk.as_("auditor").get(f"{self.path}{path}", params=query)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def post(self, path: str, body: Any = None, status: int = 202) -> Json:
        answer = await self.desk.as_("admin").post(f"{self.path}{path}", json=body)
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    async def patch(self, **changes: Any) -> httpx.Response:
        return await self.desk.as_("admin").patch(self.path, json=changes, headers={"If-Match": "*"})

    async def remove(self) -> None:
        answer = await self.desk.as_("admin").delete(self.path, headers={"If-Match": "*"})
        assert answer.status_code == 204, answer.text

    async def deliveries(self, **query: Any) -> list[Json]:
        """The delivery log, oldest first."""
        items: list[Json] = (await self.get("/deliveries", limit=200, **query))["items"]
        return items[::-1]

    async def until(self, true: Callable[[Json], bool]) -> Json:
        """The webhook as soon as something is true of it."""
        async with asyncio.timeout(60):
            while not true(found := await self.get()):
                await asyncio.sleep(0.02)
        return found

    async def until_delivered(self, position: int) -> None:
        """Everything up to a position was sent."""
        async with asyncio.timeout(60):
            while ((await self.get("/deliveries", limit=1))["delivered_position"] or 0) < position:
                await asyncio.sleep(0.02)

    async def until_tried(self, true: Callable[[Json], bool]) -> Json:
        """The first delivery of which something is true."""
        async with asyncio.timeout(60):
            while True:
                for delivery in await self.deliveries():
                    if true(delivery):
                        return delivery
                await asyncio.sleep(0.02)


async def hooked(desk: Desk, url: str, **body: Any) -> Hook:
    """A new webhook."""
    answer = await desk.as_("admin").post(f"{API}/webhooks", json={"url": url} | body)
    assert answer.status_code == 201, answer.text
    return Hook(desk, answer.json())


def verified(message: Message, secret: str) -> Json:
    """The body, once the reference implementation of Standard Webhooks has verified its signature."""
    found: Json = Webhook(secret).verify(message.body, message.headers)
    return found


def opened(message: Message) -> Mapping[str, Any]:
    """The attributes, once the CloudEvents SDK has read the envelope."""
    event = from_structured_event(HTTPMessage(message.headers, message.body), JSONFormat())
    return event.get_attributes() | {"data": event.get_data()}
