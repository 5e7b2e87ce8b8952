"""Run a bridge listener beside a test: a real uvicorn with real TLS, in a thread of its own."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from uvicorn._types import ASGIApplication

from adapters.bridge_listener import serve_bridge_app


@contextlib.contextmanager
def listening(app: ASGIApplication, certificate: tuple[Path, Path], client_ca: Path, port: int = 0) -> Iterator[int]:
    """Serve `app` until the block ends; yields the port."""
    server = serve_bridge_app(app, "127.0.0.1", port, *certificate, client_ca)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    try:
        yield _port_of(server, thread)
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        assert not thread.is_alive()


def _port_of(server: uvicorn.Server, thread: threading.Thread) -> int:
    while not server.started:
        assert thread.is_alive(), "the listener ended before it listened"
        time.sleep(0.01)
    return int(server.servers[0].sockets[0].getsockname()[1])
