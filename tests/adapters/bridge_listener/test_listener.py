"""The bridge listener tells the app which certificate the client proved to hold, and nothing else can."""

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from adapters.bridge_listener import peer_certificate, serve_bridge_app
from adapters.bridge_listener.tls import CannotListen
from tests.bridge.listening import listening
from tests.bridge.pki import CLIENT, SERVER, Authority, Issued

BRIDGE_CA = Authority.create("Bridge CA")
OTHER_CA = Authority.create("Local PKI")


async def tell_peer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer with the hex of the peer certificate as the scope has it."""
    if scope["type"] != "http":
        return
    der = peer_certificate(scope)
    body = json.dumps(der.hex() if der else None).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    ca = tmp_path / "bridge-ca.pem"
    ca.write_text(BRIDGE_CA.root.pem)
    with listening(tell_peer, BRIDGE_CA.server().write(tmp_path, "listener"), ca) as free_port:
        yield free_port


def client_context(tmp_path: Path, identity: Issued | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=BRIDGE_CA.root.pem)
    if identity is not None:
        context.load_cert_chain(*identity.write(tmp_path, "client"))
    return context


def ask(port: int, context: ssl.SSLContext, headers: dict[str, str] | None = None, times: int = 1) -> Any:
    with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)) as connection:
        answers = []
        for _ in range(times):
            connection.request("POST", "/bridge/v1/heartbeat", body=b"{}", headers=headers or {})
            answers.append(json.loads(connection.getresponse().read()))
        return answers[0] if times == 1 else answers


def test_a_client_certificate_of_the_bridge_ca_reaches_the_app(port: int, tmp_path: Path) -> None:
    """The DER bytes in the scope are exactly those of the certificate whose key the client holds."""
    bridge = BRIDGE_CA.client()
    assert bridge.der.hex() == ask(port, client_context(tmp_path, bridge))


def test_every_request_of_a_connection_is_told(port: int, tmp_path: Path) -> None:
    """A kept-alive connection keeps its identity, request after request."""
    bridge = BRIDGE_CA.client()
    assert [bridge.der.hex()] * 3 == ask(port, client_context(tmp_path, bridge), times=3)


def test_two_bridges_are_told_apart(port: int, tmp_path: Path) -> None:
    """No certificate leaks from one connection to the next."""
    first, second = BRIDGE_CA.client("first"), BRIDGE_CA.client("second")
    told = [ask(port, client_context(tmp_path, each)) for each in (first, second, first)]
    assert [first.der.hex(), second.der.hex(), first.der.hex()] == told


def test_without_a_client_certificate_the_scope_has_none(port: int, tmp_path: Path) -> None:
    """Enrolment has no certificate yet: the connection works and the app sees that there is none."""
    assert ask(port, client_context(tmp_path)) is None


@pytest.mark.parametrize(
    "name", ["X-SSL-Client-Cert", "X-Client-Cert", "X-Forwarded-Client-Cert", "SSL-Client-Verify", "X-Forwarded-For"]
)
def test_forged_headers_never_matter(port: int, tmp_path: Path, name: str) -> None:
    """What proxies use to forward a client certificate is nothing but text here."""
    assert ask(port, client_context(tmp_path), {name: BRIDGE_CA.client().der.hex()}) is None


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(OTHER_CA.client(), id="a certificate of Local PKI"),
        pytest.param(BRIDGE_CA.issue("server", SERVER), id="a server certificate of the Bridge CA"),
        pytest.param(
            Authority(BRIDGE_CA.client("leaf")).issue("below", CLIENT), id="a certificate issued by a bridge's leaf"
        ),
    ],
)
def test_a_certificate_that_is_no_bridges_is_refused_in_the_handshake(
    port: int, tmp_path: Path, stranger: Issued
) -> None:
    """Another CA, another purpose and a leaf used as CA all end before any request."""
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        ask(port, client_context(tmp_path, stranger))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_tls_1_1_is_refused(port: int, tmp_path: Path) -> None:
    """TLS 1.2 is the least: the very same client gets in with it, and not below it."""
    context = client_context(tmp_path)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert ask(port, context) is None
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(port, context)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param("", "cannot be used", id="empty"),
        pytest.param("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used", id="garbage"),
        pytest.param(BRIDGE_CA.client().pem, "no CA certificate", id="a leaf"),
    ],
)
def test_without_a_usable_bridge_ca_it_does_not_start(tmp_path: Path, content: str | None, sentence: str) -> None:
    """Mutual TLS never fails open: no CA, no listener."""
    ca = tmp_path / "bridge-ca.pem"
    if content is not None:
        ca.write_text(content)
    certificate = BRIDGE_CA.server().write(tmp_path, "listener")
    with pytest.raises(CannotListen, match=sentence):
        serve_bridge_app(tell_peer, "127.0.0.1", 0, *certificate, ca)


def test_without_its_own_certificate_it_does_not_start(tmp_path: Path) -> None:
    """The refusal names the file."""
    ca = tmp_path / "bridge-ca.pem"
    ca.write_text(BRIDGE_CA.root.pem)
    with pytest.raises(CannotListen, match=r"listener\.pem"):
        serve_bridge_app(tell_peer, "127.0.0.1", 0, tmp_path / "listener.pem", tmp_path / "listener.key", ca)
