"""Calls to the control plane, and what their failures mean for the bridge: wait, give up on this body, or go on."""

import asyncio
import ssl
from collections import Counter
from typing import Any, TypeVar

import httpx
import msgspec

from bridge.text import clean

T = TypeVar("T")

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of an answer; a longer one is no answer."""

_SECONDS = 30.0
_POINTLESS = {404, 409, 410, 413, 422}


class CallFailed(Exception):
    """No usable answer; repeating the call later is right."""


class NotAllowed(CallFailed):
    """The control plane does not know this bridge, or does not trust it now."""


class Pointless(Exception):
    """The control plane will never accept this body."""


class ControlPlane:
    """The bridge's side of the protocol. One instance per bridge; `close` at the end."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._url = url
        self._client = _client(url, context)
        self._under_way: Counter[httpx.AsyncClient] = Counter()
        self._ending: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End all connections."""
        for client in {self._client, *self._under_way}:
            self._end(client)
        while self._ending:
            await asyncio.wait(self._ending)

    def use(self, context: ssl.SSLContext) -> None:
        """Calls from now on go over new connections, with this context; those under way end over the old ones."""
        before, self._client = self._client, _client(self._url, context)
        if before not in self._under_way:
            self._end(before)

    async def call(self, path: str, request: msgspec.Struct, answer: type[T], wait_seconds: float = 0) -> T:
        """POST a request; `wait_seconds` is how long the server may think about it. CallFailed or Pointless."""
        client = self._client
        self._under_way[client] += 1
        try:
            return await _call(client, path, request, answer, wait_seconds)
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]
                if client is not self._client:
                    self._end(client)

    def _end(self, client: httpx.AsyncClient) -> None:
        """In a task of its own: one that is cancelled in the middle of it would leave connections behind for good."""
        task = asyncio.create_task(client.aclose())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _client(url: str, context: ssl.SSLContext) -> httpx.AsyncClient:
    # trust_env off: no proxy and no other CA sneaks in by way of the environment.
    return httpx.AsyncClient(base_url=url, verify=context, timeout=_SECONDS, trust_env=False)


async def _call(
    client: httpx.AsyncClient, path: str, request: msgspec.Struct, answer: type[T], wait_seconds: float
) -> T:
    timeout = httpx.Timeout(_SECONDS, read=_SECONDS + wait_seconds)
    headers = {"content-type": "application/json", "accept": "application/json"}
    try:
        async with client.stream(
            "POST", path, content=msgspec.json.encode(request), headers=headers, timeout=timeout
        ) as response:
            body = await _read(response)
    except (httpx.HTTPError, OSError) as error:
        raise CallFailed(f"{path}: {type(error).__name__}: {clean(str(error), 500)}") from error
    if response.is_success:
        return _decoded(path, body, answer)
    raise _failure(path, response, body)


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body.extend(chunk)
        if len(body) > MAX_ANSWER:
            raise httpx.ReadError(f"the answer has more than {MAX_ANSWER} bytes")
    return bytes(body)


def _decoded(path: str, body: bytes, answer: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallFailed(f"{path}: the answer is not understood: {clean(str(error), 500)}") from error


def _failure(path: str, response: httpx.Response, body: bytes) -> Exception:
    detail = f"{path}: status {response.status_code}: {_detail(body)}"
    if response.status_code in {401, 403}:
        return NotAllowed(detail)
    # Only the control plane itself speaks in problems: a proxy's 404 says nothing about this body.
    if response.status_code in _POINTLESS and "problem+json" in response.headers.get("content-type", ""):
        return Pointless(detail)
    return CallFailed(detail)


def _detail(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "no detail"
    return clean(str(problem.get("detail") or problem.get("title") or "no detail"), 500)
