"""kill -9 while a name is looked at: the ACME client's order goes on afterwards, and ends in one certificate."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import httpx
import pytest

from adapters.demo.ports import free_port
from tests.faults.conftest import configured
from tests.support.acme_client import AcmeClient, request_for, thumbprint
from tests.support.demo import PATIENCE_SECONDS, Demo
from tests.support.nameserver import HOST, running_name_server

NAME = "www.example.org"


class Web(ThreadingHTTPServer):
    """A web server that lets the first caller wait until it is told, and gives the others the right answer."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.thumbprint = ""
        self.calls = 0
        self.called, self.go_on = threading.Event(), threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        web = cast("Web", self.server)
        web.calls += 1
        if web.calls == 1:
            web.called.set()
            web.go_on.wait(PATIENCE_SECONDS)
            self.close_connection = True
            return
        body = f"{self.path.rpartition('/')[2]}.{web.thumbprint}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Says nothing."""


@contextlib.contextmanager
def _serving(port: int) -> Iterator[Web]:
    web = Web(port)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    try:
        yield web
    finally:
        web.go_on.set()
        web.shutdown()
        thread.join()
        web.server_close()


async def _until(ask: Callable[[], Awaitable[httpx.Response]], status: str) -> httpx.Response:
    """Ask until it is so; a part that is down counts as "not yet"."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                answer = await ask()
                if answer.json().get("status") == status:
                    return answer
            await asyncio.sleep(0.2)


def _binding(demo: Demo, name: str) -> tuple[str, str]:
    principal = demo.person("requester").get("/me")["id"]
    made = demo.person("admin").post("/acme-eab-keys", {"principal_id": principal, "name": name, "days": 1})
    return made["id"], made["hmac_key"]


@pytest.mark.needs("named")
@pytest.mark.parametrize("part", ["worker", "api", "postgres"])
async def test_killed_while_a_challenge_is_looked_at(demo: Demo, tmp_path: Path, part: str) -> None:
    """The first look never ended; a later one does, the client finalizes, and one certificate is there."""
    port = free_port(HOST)
    with running_name_server(tmp_path / "names") as names, _serving(port) as web:
        chosen = f'http_port = {port}\ndns_servers = ["{HOST}:{names.port}"]\nallow = ["127.0.0.0/8"]\npatience = 600\n'
        with configured(demo, "acme_server", chosen):
            async with httpx.AsyncClient(base_url=demo.ready["base_url"], timeout=60, trust_env=False) as http:
                acme = await AcmeClient(http).begin()
                web.thumbprint = thumbprint(acme.jwk)
                await acme.open(*await asyncio.to_thread(_binding, demo, part))
                made = await acme.post(acme.directory["newOrder"], {"identifiers": [{"type": "dns", "value": NAME}]})
                url, [authorization] = made.headers["Location"], made.json()["authorizations"]
                [challenge, _] = (await acme.get(authorization)).json()["challenges"]
                await acme.post(challenge["url"], {})
                assert await asyncio.to_thread(web.called.wait, PATIENCE_SECONDS)
                await asyncio.to_thread(demo.kill, part)
                web.go_on.set()
                await _until(lambda: acme.get(url), "ready")
                csr = {"csr": request_for((NAME,))}
                await _until(lambda: acme.post(f"{url}/finalize", csr), "valid")
                await asyncio.to_thread(_ended_once, demo, url.rpartition("/")[2])


def _ended_once(demo: Demo, order_id: str) -> None:
    """Lists may be behind what the client was told."""
    auditor = demo.person("auditor")
    demo.until(lambda: auditor.get(f"/acme-orders/{order_id}")["order_id"], "the order to be shown as finalized")
    certificate_order = auditor.get(f"/acme-orders/{order_id}")["order_id"]
    demo.until(lambda: auditor.get(f"/orders/{certificate_order}")["status"] == "complete", "the order to be complete")
    _once(demo, order_id, "acme.order.authorization.valid")
    _once(demo, order_id, "acme.order.finalized")
    _once(demo, certificate_order, "certificate.order.complete")


def _once(demo: Demo, subject: str, topic: str) -> None:
    demo.until(lambda: topic in _types(demo, subject), f"{topic} to be shown")
    assert _types(demo, subject).count(topic) == 1


def _types(demo: Demo, subject: str) -> list[str]:
    found = demo.person("auditor").get("/audit-events", subject=subject, limit=200)["items"]
    return [event["type"] for event in found]
