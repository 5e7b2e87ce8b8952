"""The API process: two servers in one event loop, the API's and the bridges'."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvicorn

from adapters.bootstrap import Core, open_core
from adapters.bridge_listener.serving import serve_bridge_app
from adapters.settings import Settings
from adapters.starting import check_database
from api.app import create_app, create_bridge_app
from api.asgi import health_of, services_of
from api.cli.collecting import collect_seldom
from api.mounting import LateApplication
from api.streams import Streams

if TYPE_CHECKING:
    from uvicorn._types import ASGIApplication

_log = logging.getLogger("certferry.serve")
READ_AFTER_SECONDS = 1  # not while somebody waits for the first answer
GRACE_SECONDS, BRIDGES_GRACE_SECONDS = 3, 1  # a bridge's long poll that is cut off is simply asked again


async def run(
    settings: Settings, host: str | None, port: int | None, api_fd: int | None, bridges_fd: int | None
) -> None:
    """Until SIGTERM or SIGINT; open requests get a few seconds to end."""
    api_socket = listen(api_fd, host or settings.server.host, settings.server.port if port is None else port)
    bridges_socket = listen(bridges_fd, settings.bridges.host, settings.bridges.port)
    await asyncio.to_thread(check_database, settings)
    async with open_core(settings) as core, health_of(core) as health:
        services = services_of(core, health)
        apps = create_app(services, late_pages=True), create_bridge_app(services)
        servers = _api_server(apps[0]), await _bridge_server(core, apps[1])
        collect_seldom()
        with _stopped_by_signals(servers, services.streams):
            for name, each in (("API", api_socket), ("bridges", bridges_socket)):
                _log.info("%s: listening on %s port %d", name, *each.getsockname()[:2])
            serving = servers[0].serve([api_socket]), servers[1].serve([bridges_socket])
            await asyncio.gather(*serving, *(app.read_all(READ_AFTER_SECONDS) for app in apps))


def listen(descriptor: int | None, host: str, port: int) -> socket.socket:
    """The listening socket: an inherited one, or a new one; port 0 takes any free port.

    Small answers are not held back (TCP_NODELAY, which connections inherit): asyncio switches that on by itself only
    for sockets that were made with their protocol named, and clients that delay ACKs waited 40 ms for each answer.
    """
    if descriptor is not None:
        found = socket.socket(fileno=descriptor)
    else:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found = socket.create_server((host, port), backlog=2048, family=family)
    if found.family in (socket.AF_INET, socket.AF_INET6):
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


def _api_server(app: LateApplication) -> uvicorn.Server:
    config = uvicorn.Config(
        cast("ASGIApplication", app),
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return uvicorn.Server(config)


async def _bridge_server(core: Core, app: LateApplication) -> uvicorn.Server:
    """The listener's certificate is made anew at every start; bridges trust the CA, not the certificate."""
    made = core.bridge_ca.listener_certificate(core.settings.bridges.names)
    with tempfile.TemporaryDirectory(prefix="certferry-listener-") as directory:
        files = [
            _file(Path(directory) / name, text)
            for name, text in (
                ("chain.pem", made.chain_pem),
                ("key.pem", made.private_key_pem),
                ("ca.pem", core.bridge_ca.certificate_pem),
            )
        ]
        server = serve_bridge_app(cast("ASGIApplication", app), "", 0, *files)
    server.config.timeout_graceful_shutdown = BRIDGES_GRACE_SECONDS
    return server


def _file(path: Path, text: str) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path


@contextlib.contextmanager
def _stopped_by_signals(servers: tuple[uvicorn.Server, ...], streams: Streams) -> Iterator[None]:
    """Both end together; each would else take the process's signals for itself."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        streams.close()
        for server in servers:
            server.force_exit = server.should_exit  # the second signal is impatient
            server.should_exit = True

    for server in servers:
        server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign] # ours are enough
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    yield
