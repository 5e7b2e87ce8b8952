"""Calls to the service: order, look how the order is, fetch its certificate, ask when to renew."""

import datetime as dt
import ssl
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec

from bridge.client import MAX_ANSWER
from bridge.text import clean
from bridge.version import VERSION

T = TypeVar("T")
_SECONDS = 30.0


class ServiceAway(Exception):
    """No usable answer; asking again later is right."""


class ServiceRefuses(Exception):
    """The service says no, and why."""


class Order(msgspec.Struct, frozen=True):
    """What matters of an order (`/api/v1/orders/{order_id}`)."""

    id: UUID
    status: str
    certificate_id: UUID | None = None
    error: str | None = None


class Window(msgspec.Struct, frozen=True):
    """When to renew (RFC 9773, 4.2)."""

    start: dt.datetime
    end: dt.datetime


class _RenewalInfo(msgspec.Struct, frozen=True, rename="camel"):
    suggested_window: Window


class Service:
    """The REST API, with a token. `close` at the end."""

    def __init__(self, url: str, token: str, ca_file: str | None = None) -> None:
        context = ssl.create_default_context(cafile=ca_file if ca_file is None else str(Path(ca_file)))
        headers = {"Authorization": f"Bearer {token}", "User-Agent": f"certferry-courier/{VERSION}"}
        # trust_env off: no proxy and no other CA sneaks in by way of the environment.
        self._client = httpx.AsyncClient(
            base_url=url, verify=context, headers=headers, timeout=_SECONDS, trust_env=False, follow_redirects=False
        )

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def order(self, body: dict[str, Any], key: str) -> Order:
        """Order a certificate; the same key again is the same order."""
        answer = await self._ask("POST", "/api/v1/orders", json=body, headers={"Idempotency-Key": key})
        return _decoded(answer, Order)

    async def look(self, order_id: UUID) -> Order:
        """How an order stands."""
        return _decoded(await self._ask("GET", f"/api/v1/orders/{order_id}"), Order)

    async def certificate(self, order_id: UUID) -> str:
        """The certificate of a complete order, with its issuers (PEM)."""
        answer = await self._ask("GET", f"/api/v1/orders/{order_id}/certificate")
        try:
            return answer.decode("ascii")
        except UnicodeDecodeError:
            raise ServiceAway("the certificate is no PEM") from None

    async def renewal(self, name: str) -> Window | None:
        """When to renew a certificate, named as RFC 9773 does; None where the service did not issue it itself."""
        try:
            return _decoded(await self._ask("GET", f"/acme/renewal-info/{name}"), _RenewalInfo).suggested_window
        except ServiceRefuses:
            return None

    async def _ask(self, method: str, path: str, **request: Any) -> bytes:
        try:
            async with self._client.stream(method, path, **request) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body.extend(chunk)
                    if len(body) > MAX_ANSWER:
                        raise ServiceAway(f"{path}: the answer is too long")
        except (httpx.HTTPError, OSError) as error:
            raise ServiceAway(f"{path}: {type(error).__name__}: {clean(str(error), 500)}") from error
        if response.is_success:
            return bytes(body)
        sentence = f"{path}: status {response.status_code}: {_detail(bytes(body))}"
        # Only the service itself speaks in problems: a proxy's answer says nothing about this request.
        ours = "problem+json" in response.headers.get("content-type", "")
        if ours and response.status_code < 500 and response.status_code not in (409, 429):
            raise ServiceRefuses(sentence)
        raise ServiceAway(sentence)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceAway(f"the answer is not understood: {clean(str(error), 500)}") from error


def _detail(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "no detail"
    return clean(str(problem.get("detail") or problem.get("title") or "no detail"), 500)
