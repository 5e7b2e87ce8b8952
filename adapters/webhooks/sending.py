"""One POST to a receiver: no redirects, no proxies, limits on everything; of the answer only status and Retry-After."""

import asyncio
import errno
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import httpcore
import msgspec

from adapters.webhooks.network import CheckedNetwork, NoSuchName, RefusedByPolicy
from application.delivering import Answer, judge
from application.webhook_ports import DeliveryError
from bridge.probing.policy import AddressPolicy
from bridge.probing.resolving import Resolve, system_resolver

CONTENT_TYPE = "application/cloudevents+json"
_DRAINED = 64 * 1024
_DRAIN_SECONDS = 1.0
"""How much of an answer's body is read, and thrown away, so that the connection can be used again."""
_LOCAL = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})


class SenderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to connect and for a whole attempt; `ca_file`: authorities that are trusted beside the system's."""

    connect_timeout: float = 5.0
    timeout: float = 15.0
    ca_file: Path | None = None
    user_agent: str = "certferry"


class Sender:
    """Connections are kept open for a few seconds between messages to one receiver."""

    def __init__(
        self, policy: AddressPolicy, settings: SenderSettings = SenderSettings(), *, resolve: Resolve | None = None
    ) -> None:
        self._settings = settings
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trusting(settings.ca_file),
            max_connections=64,
            keepalive_expiry=10.0,
            network_backend=CheckedNetwork(policy, resolve or system_resolver()),
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post a message. Never raises for what names, networks and receivers do."""
        heard: list[Answer] = []  # once the status is known, what becomes of the rest of the answer does not matter
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._post(url, headers, body, heard)
        except TimeoutError:
            heard.append(Answer(DeliveryError.TIMEOUT))
        except Exception as error:
            failure = _failure(error)
            if failure is None:
                raise
            heard.append(Answer(failure))
        return heard[0]

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, heard: list[Answer]) -> None:
        seconds = self._settings.timeout
        timeout = {"connect": self._settings.connect_timeout, "read": seconds, "write": seconds, "pool": seconds}
        ours = {"content-type": CONTENT_TYPE, "user-agent": self._settings.user_agent, "accept": "*/*"}
        async with self._pool.stream(
            "POST", url, headers=[*ours.items(), *headers.items()], content=body, extensions={"timeout": timeout}
        ) as response:
            heard.append(judge(response.status, _retry_after(response.headers)))
            async with asyncio.timeout(_DRAIN_SECONDS):
                await _drain(response)


async def _drain(response: httpcore.Response) -> None:
    """Past the limit the connection is closed with what is left."""
    drained = 0
    async for piece in response.aiter_stream():
        drained += len(piece)
        if drained > _DRAINED:
            return


def _retry_after(headers: list[tuple[bytes, bytes]]) -> float | None:
    """Seconds to wait (RFC 9110, 10.2.3): a number, or the instant of an HTTP date."""
    text = next((value.decode("latin-1").strip() for name, value in headers if name.lower() == b"retry-after"), "")
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _failure(error: Exception) -> DeliveryError | None:
    """What an exception says; None: it is a mistake of ours."""
    if isinstance(error, RefusedByPolicy):
        return DeliveryError.REFUSED_BY_POLICY
    if isinstance(error, NoSuchName):
        return DeliveryError.NO_SUCH_NAME
    if isinstance(error, httpcore.TimeoutException):
        return DeliveryError.TIMEOUT
    if isinstance(error, httpcore.ConnectError):
        return _no_connection(error)
    if isinstance(error, httpcore.NetworkError):
        return DeliveryError.CONNECTION_LOST
    if isinstance(error, httpcore.RemoteProtocolError):
        return DeliveryError.CONNECTION_LOST if "disconnected" in str(error) else DeliveryError.NOT_HTTP
    return None


def _no_connection(error: Exception) -> DeliveryError:
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return DeliveryError.TLS_ERROR
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return DeliveryError.CONNECTION_REFUSED
    numbers = {cause.errno for cause in causes if isinstance(cause, OSError)}
    if numbers & _LOCAL:
        return DeliveryError.LOCAL_ERROR
    reset = any(isinstance(cause, ConnectionResetError) for cause in causes)
    return DeliveryError.CONNECTION_LOST if reset else DeliveryError.NO_ROUTE


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and everything behind it."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _causes(one)
        error = error.__cause__ or error.__context__
