"""The uvicorn server that bridges talk to."""

from pathlib import Path

import uvicorn
from uvicorn._types import ASGIApplication

from adapters.bridge_listener.peer import PeerCertificateProtocol
from adapters.bridge_listener.tls import bridge_tls_context

KEEP_ALIVE_SECONDS = 75
"""Longer than a bridge's long poll, so that a bridge opens few connections."""


def serve_bridge_app(
    app: ASGIApplication, host: str, port: int, server_cert: Path, server_key: Path, client_ca: Path
) -> uvicorn.Server:
    """A server for `app` that is ready for `await server.serve()`; port 0 takes any free port.

    Each request's scope tells the client certificate (`peer_certificate`). CannotListen when a file is wrong.
    """
    context = bridge_tls_context(server_cert, server_key, client_ca)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PeerCertificateProtocol,
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
        ssl_context_factory=lambda _config, _default: context,
    )
    return uvicorn.Server(config)
