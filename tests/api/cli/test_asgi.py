"""`api.asgi:app` runs under any ASGI server that supports the lifespan."""

import asyncio
from typing import Any

import httpx
import pytest

from adapters.settings import SettingsRefused
from api.asgi import Application
from tests.support.postgres import Pg


async def _served(pg: Pg, monkeypatch: pytest.MonkeyPatch, data: str) -> httpx.Response:
    """Start up, one request, shut down, as a server does."""
    monkeypatch.setenv("CERTFERRY_DATABASE__DSN", pg.app_dsn)
    monkeypatch.setenv("CERTFERRY_DATA", data)
    application = Application()
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    lifespan = asyncio.create_task(application(scope, to_app.get, from_app.put))  # type: ignore[arg-type]
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/livez")
    await to_app.put({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await lifespan
    return answer


async def test_it_opens_and_closes_with_the_server(
    pg: Pg, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Everything is opened at start-up and closed at shut-down."""
    answer = await _served(pg, monkeypatch, str(tmp_path_factory.mktemp("data")))
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_without_a_database_it_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The settings are looked at when the server starts it, not when it is imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CERTFERRY_DATABASE__DSN", raising=False)
    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    with pytest.raises(SettingsRefused, match="Which database"):
        await Application()(scope, asyncio.Queue().get, asyncio.Queue().put)  # type: ignore[arg-type]
