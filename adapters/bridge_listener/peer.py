"""Which certificate the other side proved to hold, carried in the ASGI scope. No ASGI server exposes it by itself."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

PEER_CERTIFICATE = "certferry.peer_certificate"
"""Key in `scope["extensions"]`: the DER bytes of the verified client certificate. Absent when there was none."""


def peer_certificate(scope: Mapping[str, Any]) -> bytes | None:
    """The verified client certificate (DER) of the connection a request came on. Headers have no say in it."""
    certificate = scope.get("extensions", {}).get(PEER_CERTIFICATE)
    return certificate if isinstance(certificate, bytes) else None


class PeerCertificateProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with the connection's client certificate added to every request's scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Read the certificate once per connection: it cannot change later (TLS 1.3 has no renegotiation)."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        # OpenSSL hands out a certificate here only after it has verified it against the Bridge CA.
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        if certificate is not None:
            self.app = _with_peer(self.app, certificate)


def _with_peer(app: ASGI3Application, certificate: bytes) -> ASGI3Application:
    async def with_peer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        seen: dict[str, Any] = dict(scope)
        seen["extensions"] = {**(seen.get("extensions") or {}), PEER_CERTIFICATE: certificate}
        await app(cast("Scope", seen), receive, send)

    return with_peer
