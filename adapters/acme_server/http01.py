"""http-01 (RFC 8555, 8.3): one GET, by the rules of probing, with few redirects and little patience."""

import asyncio
import ssl
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore

from adapters.webhooks.network import CheckedNetwork, NoSuchName, RefusedByPolicy
from bridge.probing.policy import AddressPolicy
from bridge.probing.resolving import Resolve
from domain.acme_order import ChallengeFlaw
from domain.endpoint import host_name

SECONDS = 10.0
REDIRECTS = 5
LONGEST = 1_024
"""Bytes of an answer: a key authorization has about 90."""
_MOVED = frozenset({301, 302, 303, 307, 308})


class _Failed(Exception):
    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.flaw = ChallengeFlaw(kind, detail)


class Http01:
    """`port`: where web servers listen; a redirect may lead to 80 and 443, too."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve, port: int = 80) -> None:
        self._port = port
        self._ports = frozenset({port, 80, 443})
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trusting_nobody(),
            max_connections=32,
            max_keepalive_connections=0,
            network_backend=CheckedNetwork(policy, resolve),
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    async def look(self, name: str, token: str, key_authorization: str) -> ChallengeFlaw | None:
        """None where the web server at the name shows the key authorization."""
        port = "" if self._port == 80 else f":{self._port}"
        url = f"http://{name}{port}/.well-known/acme-challenge/{token}"
        try:
            async with asyncio.timeout(SECONDS):
                found = await self._follow(url)
        except TimeoutError:
            return ChallengeFlaw("connection", f"{name} did not answer within {SECONDS:g} seconds.")
        except _Failed as failed:
            return failed.flaw
        if len(found) > LONGEST or found.rstrip(b" \t\r\n") != key_authorization.encode():
            return ChallengeFlaw("unauthorized", f"What {name} shows is not the key authorization of this challenge.")
        return None

    async def _follow(self, url: str) -> bytes:
        for _ in range(REDIRECTS + 1):
            host = self._checked(urlsplit(url))
            status, location, body = await self._get(url, host)
            if status == 200:
                return body
            if status not in _MOVED or location is None:
                raise _Failed("unauthorized", f"{host} answered with status {status}, not 200.")
            url = urljoin(url, location)
        raise _Failed("connection", f"More than {REDIRECTS} redirects.")

    def _checked(self, url: SplitResult) -> str:
        """The host. A redirect must not lead to places that no challenge is about."""
        try:
            host, port = url.hostname or "", url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        except ValueError:
            raise _Failed("connection", "A redirect leads to no proper URL.") from None
        if url.scheme not in ("http", "https") or url.username is not None or port not in self._ports:
            raise _Failed("connection", "A redirect may lead to http and https on their own ports only.")
        if host_name(host) is None:
            raise _Failed("connection", "A redirect must lead to a DNS name.")
        return host

    async def _get(self, url: str, host: str) -> tuple[int, str | None, bytes]:
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
        headers = {"user-agent": "certferry", "accept": "*/*", "connection": "close"}
        try:
            async with self._pool.stream(
                "GET", url, headers=list(headers.items()), extensions={"timeout": timeout}
            ) as response:
                return response.status, _location(response.headers), await _beginning(response)
        except RefusedByPolicy:
            sentence = f"An address of {host} is none that may be asked from here."
            raise _Failed("connection", sentence) from None
        except NoSuchName:
            raise _Failed("dns", f"{host} has no address.") from None
        except httpcore.TimeoutException:
            raise _Failed("connection", f"{host} did not answer in time.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, ssl.SSLError):
            raise _Failed("connection", f"{host} could not be asked.") from None
        except (ValueError, UnicodeError):  # an address that httpcore does not take
            raise _Failed("connection", f"{host} could not be asked.") from None


async def _beginning(response: httpcore.Response) -> bytes:
    """One byte more than is allowed, at most: then it differs."""
    found = bytearray()
    async for piece in response.aiter_stream():
        found += piece
        if len(found) > LONGEST:
            return bytes(found[: LONGEST + 1])
    return bytes(found)


def _location(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    found = next((value for name, value in headers if name.lower() == b"location"), None)
    return found.decode("latin-1") if found is not None and len(found) <= 2_000 else None


def _trusting_nobody() -> ssl.SSLContext:
    """Whoever orders a first certificate may have none, or an expired one (RFC 8555, 8.3 asks for port 80)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
