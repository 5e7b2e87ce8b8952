"""`certferry serve` as a process: it stops in order, whoever is connected."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from adapters.demo.ports import free_port
from api.cli.serving import listen
from application.codec import decode
from projections.catalogue import ALL_PROJECTIONS
from projections.runner import Runner
from tests.support.postgres import Pg

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = [sys.executable, "-P", "-c", "from api.cli import main; main()"]


def _environment(pg: Pg, data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CERTFERRY_")}
    ours = {"CERTFERRY_DATA": str(data), "CERTFERRY_DATABASE__DSN": pg.app_dsn, "CERTFERRY_BRIDGES__PORT": "0"}
    return kept | ours | {"PYTHONPATH": str(ROOT)}


@asynccontextmanager
async def _serving(environment: dict[str, str], data: Path) -> AsyncIterator[tuple["subprocess.Popen[bytes]", str]]:
    port = free_port("127.0.0.1")
    with (data / "serve.log").open("wb") as log:
        command = [*PROGRAM, "serve", "--port", str(port)]
        process = await asyncio.to_thread(subprocess.Popen, command, env=environment, cwd=data, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
            while await _status(client, f"{url}/readyz") != 200:
                assert process.poll() is None, (data / "serve.log").read_text()
                await asyncio.sleep(0.05)
        yield process, url
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def _read_models(pg: Pg) -> AsyncIterator[None]:
    running = asyncio.create_task(Runner(pg.app_dsn, decode, ALL_PROJECTIONS).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _status(client: httpx.AsyncClient, url: str) -> int | None:
    try:
        return (await client.get(url)).status_code
    except httpx.TransportError:
        return None


async def test_sigterm_ends_open_streams_whole(pg: Pg, tmp_path: Path) -> None:
    """Someone follows the audit trail: their stream ends after a whole event, and the process with status 0."""
    environment = _environment(pg, tmp_path)
    make = [*PROGRAM, "tokens", "create", "ann", "--role", "auditor", "--json"]
    made = await asyncio.to_thread(subprocess.run, make, env=environment, cwd=tmp_path, capture_output=True, check=True)
    headers = {"Authorization": f"Bearer {json.loads(made.stdout)['token']}", "Accept": "text/event-stream"}
    async with _read_models(pg), _serving(environment, tmp_path) as (process, url):
        async with (
            httpx.AsyncClient(trust_env=False, timeout=60) as client,
            client.stream("GET", f"{url}/api/v1/audit-events", headers=headers) as response,
        ):
            text = ""
            async for piece in response.aiter_text():
                text += piece
                if "event: token.created" in text:
                    process.terminate()
        assert text.endswith("\n\n")
        assert await asyncio.to_thread(process.wait, 60) == 0
    assert "timeout graceful shutdown exceeded" not in (tmp_path / "serve.log").read_text()


@pytest.mark.parametrize("inherited", [False, True])
def test_small_answers_are_not_held_back(inherited: bool) -> None:
    """Connections leave Nagle's algorithm out, however the listening socket came about: each answer leaves at once."""
    with socket.create_server(("127.0.0.1", 0)) as handed_on:
        listening = listen(handed_on.detach() if inherited else None, "127.0.0.1", 0)
    with listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
