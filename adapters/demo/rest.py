"""A client of the REST API, for the demo's history: what people do there, they do over the public interface."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import httpx

Json = dict[str, Any]
PATIENCE = 60.0
_PAUSE = 0.05


class DemoFailed(RuntimeError):
    """The demo could not be set up; the sentence says at which step."""


class Rest:
    """Calls as one of several people. Use with `async with`."""

    def __init__(self, base_url: str, tokens: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._client = httpx.AsyncClient(base_url=f"{base_url}/api/v1", timeout=30, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, who: str, path: str, **query: str | int) -> Json:
        """One resource or list. Raises DemoFailed."""
        return await self._ask(who, "GET", path, params=query)

    async def post(self, who: str, path: str, body: Json, *, key: str | None = None) -> Json:
        """One command; with a `key`, doing it again gives the first answer. Raises DemoFailed."""
        headers = {"idempotency-key": key} if key else {}
        return await self._ask(who, "POST", path, json=body, headers=headers)

    async def until(self, what: str, ask: Callable[[], Awaitable[Json]], wanted: Callable[[Json], bool]) -> Json:
        """Ask again and again. Raises DemoFailed when it takes too long."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not wanted(found := await ask()):
            if asyncio.get_running_loop().time() > deadline:
                raise DemoFailed(f"waited in vain for {what}: {found}")
            await asyncio.sleep(_PAUSE)
        return found

    async def _ask(self, who: str, method: str, path: str, **arguments: Any) -> Json:
        headers = {**arguments.pop("headers", {}), "authorization": f"Bearer {self._tokens[who]}"}
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            answer = await self._client.request(method, path, headers=headers, **arguments)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_PAUSE)
        if not answer.is_success:
            raise DemoFailed(f"{method} {path} as {who} answered {answer.status_code}: {answer.text[:500]}")
        found = answer.json() if answer.content else {}
        return found if isinstance(found, dict) else {"items": found}
