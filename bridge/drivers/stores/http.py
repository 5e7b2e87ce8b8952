"""Asking a store over HTTP: one request, its JSON, and what a refusal or silence means."""

import ssl
from typing import Any

import httpx
import msgspec

from bridge.drivers.failure import DriverFailure
from bridge.protocol import FailureCause

MAX_ANSWER = 16_777_216
"""Bytes of an answer that are read."""

_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


class Answer(msgspec.Struct, frozen=True):
    """An answer, whatever it was."""

    status: int
    body: bytes
    headers: httpx.Headers

    def json(self) -> Any:
        """The body, None where it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None


class Web:
    """A client with a name for people, closed by whoever made it. Redirections are not followed: the token stays."""

    def __init__(self, client: httpx.AsyncClient, name: str) -> None:
        self._client = client
        self.name = name

    def url(self, path: str) -> httpx.URL:
        """A whole URL, for stores that want to be told theirs."""
        return self._client.base_url.join(path)

    async def send(self, method: str, url: str, **given: Any) -> Answer:
        """Whatever is answered. DriverFailure (target_unreachable) where nothing is."""
        changing = method in _CHANGING
        try:
            async with self._client.stream(method, url, **given) as response:
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER:
                        raise DriverFailure(FailureCause.UNKNOWN, f"{self.name} answers more than {MAX_ANSWER} bytes.")
                return Answer(response.status_code, body, response.headers)
        except httpx.HTTPError as error:
            message = f"{self.name} does not answer: {str(error) or type(error).__name__}"
            written = None if changing and not isinstance(error, httpx.ConnectError) else False
            raise DriverFailure(FailureCause.TARGET_UNREACHABLE, message, written=written) from None

    async def ask(self, method: str, url: str, **given: Any) -> Any:
        """The JSON of a 2xx answer, None where it has none. DriverFailure in the store's own words otherwise."""
        answer = await self.send(method, url, **given)
        if not 200 <= answer.status < 300:
            raise refused(self.name, answer)
        return answer.json()


def refused(name: str, answer: Answer) -> DriverFailure:
    """The failure that a status means: 401 and 403 are permissions, a quota is a full disk."""
    said = _words(answer)
    cause = FailureCause.UNKNOWN
    if answer.status == 413 or (answer.status == 403 and "quota" in said.lower()):
        cause = FailureCause.DISK_FULL
    elif answer.status in {401, 403}:
        cause = FailureCause.PERMISSION_DENIED
    elif answer.status in {502, 503, 504}:
        cause = FailureCause.TARGET_UNREACHABLE
    return DriverFailure(cause, f"{name} refuses (status {answer.status}): {said}")


def _words(answer: Answer) -> str:
    """OpenStack says it as `description` or `error.message`, Kubernetes as `message`."""
    told = answer.json()
    if isinstance(told, dict):
        inner = told.get("error")
        told = inner if isinstance(inner, dict) else told
        for name in ("message", "description", "title"):
            if isinstance(told.get(name), str):
                return str(told[name])
    return answer.body[:500].decode("utf-8", "replace") or "no word"


def context_for(ca: bytes | None) -> ssl.SSLContext:
    """Trusts the given CAs (PEM) and nobody else; without them, the system's."""
    try:
        return ssl.create_default_context(cadata=None if ca is None else ca.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise DriverFailure(FailureCause.UNKNOWN, f"The CA certificates cannot be read: {error}") from None
