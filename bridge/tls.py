"""TLS from the bridge to the control plane: its CA pinned at enrolment, the bridge's own certificate afterwards."""

import hashlib
import hmac
import re
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridge import state

_CONNECT_SECONDS = 20.0
_PIN = re.compile(r"[0-9a-f]{64}")


class ServerRefused(Exception):
    """The server is not the control plane that was meant."""


def check_pin(text: str) -> str:
    """A CA pin, with or without colons, as 64 lower-case hex digits. ValueError."""
    pin = text.strip().lower().replace(":", "")
    if _PIN.fullmatch(pin) is None:
        raise ValueError("a CA pin is the SHA-256 of the CA certificate: 64 hex digits")
    return pin


def check_url(url: str) -> tuple[str, int]:
    """(host, port) of a control plane's URL `https://host[:port]`. ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.path.strip("/") or parts.query:
        raise ValueError("the URL of the control plane looks like https://host:port")
    return parts.hostname, parts.port or 443


def pinned_authority(host: str, port: int, pin: str) -> str:
    """The CA certificate (PEM) with this pin out of the chain that the server shows. Nothing is sent to the server.

    Whoever shows a chain has not yet proven anything: only the next connection, verified against this CA, is used.
    ServerRefused when the chain has no such certificate, OSError when there is no connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        chain = _shown_chain(tls)
    for certificate in chain:
        if hmac.compare_digest(hashlib.sha256(certificate).hexdigest(), pin):
            return ssl.DER_cert_to_PEM_cert(certificate)
    raise ServerRefused(f"{host}:{port} shows no certificate of a CA with the pin {pin}.")


def _shown_chain(tls: ssl.SSLSocket) -> list[bytes]:
    # Public from Python 3.13 on; before that, only the object inside has it.
    public: Any = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return [bytes(each) for each in public()]
    inside: Any = getattr(tls, "_sslobj")  # noqa: B009 # private, and no type checker knows it
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in inside.get_unverified_chain()]


def server_context(authority_pem: str) -> ssl.SSLContext:
    """Verifies the server's chain, purpose and name against this CA and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=authority_pem)
    return context


def mutual_context(directory: Path) -> ssl.SSLContext:
    """`server_context` with the CA kept at enrolment, and the bridge's own certificate. StateRefused."""
    try:
        context = server_context((directory / state.AUTHORITY).read_text())
        context.load_cert_chain(directory / state.CERTIFICATE, directory / state.KEY)
    except OSError as error:  # ssl.SSLError is one
        raise state.StateRefused(f"The bridge's certificate in {directory} cannot be used: {error}.") from error
    return context
