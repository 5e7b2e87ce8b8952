"""Asking a CA when to renew (RFC 9773): a CA over TLS that says whatever a test wants, and one that offers nothing."""

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import msgspec
import pytest
import trustme

from adapters.issuers.acme.orders import AcmeOrders
from adapters.issuers.acme.problems import CaUnavailable
from adapters.issuers.acme.renewal_info import name_of
from adapters.simulated.vault import MemoryVault
from adapters.x509.reader import X509Reader
from application.renewal_ports import Suggestion
from domain.certificate_facts import CertificateFacts
from domain.errors import Refused
from domain.suggested_window import SuggestedWindow
from tests.adapters.issuers.acme.conftest import AcmeDesk
from tests.support.paper import certificate, upload

START, END = "2027-01-02T04:00:00Z", "2027-01-03T04:00:00Z"
WINDOW = {"start": START, "end": END}
FACTS = msgspec.structs.replace(
    X509Reader().bundle(upload(certificate()).certificate_pem, None, None).leaf.facts,
    authority_key_id="69885b6b87464041e1b37b847ba0ae2cde01c8d4",
    serial_number="0087654321",
    not_after=datetime(2027, 3, 1, tzinfo=UTC),
)
NAME = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
"""The example of RFC 9773, 4.1."""


class Ca(ThreadingHTTPServer):
    """A CA of which there is only this."""

    daemon_threads = True
    answer: tuple[int, bytes, dict[str, str]] = (200, b"", {})
    offers = True

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.trusted = authority.cert_pem.bytes().decode()
        self.url = f"https://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []

    def says(self, body: Any, *, status: int = 200, **headers: str | None) -> None:
        """What it answers from now on."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answer = status, content, {name.replace("_", "-"): value for name, value in headers.items() if value}

    @property
    def directory(self) -> bytes:
        places = {name: f"{self.url}/{name}" for name in ("newNonce", "newAccount", "newOrder")}
        return json.dumps(places | ({"renewalInfo": f"{self.url}/ari/"} if self.offers else {})).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ca = cast("Ca", self.server)
        ca.asked.append(self.path)
        status, body, headers = (200, ca.directory, {}) if self.path == "/dir" else ca.answer
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass


@pytest.fixture
def ca() -> Iterator[Ca]:
    with Ca(trustme.CA()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def issuer(ca: Ca, desk: AcmeDesk, vault: MemoryVault) -> AcmeOrders:
    changes = {"directory_url": f"{ca.url}/dir", "ca_certificates_pem": ca.trusted}
    return desk._replace(changes=changes).issuer(vault)


def _minutes(again_at: datetime) -> int:
    return round((again_at - datetime.now(UTC)) / timedelta(minutes=1))


@pytest.mark.parametrize(
    ("retry_after", "minutes"),
    [(None, 360), ("600", 10), ("0", 1), ("1e9", 360), ("9" * 400, 1440), ("soon", 360)],
)
async def test_a_window_and_when_to_ask_again(
    ca: Ca, issuer: AcmeOrders, retry_after: str | None, minutes: int
) -> None:
    """Asked for by the name that RFC 9773 gives it; between a minute and a day, six hours where the CA says nothing."""
    said = {"suggestedWindow": WINDOW, "explanationURL": "https://ca.example/why#part", "more": 1}
    ca.says(said, Retry_After=retry_after)
    found = await issuer.suggested(FACTS)
    assert found.window is not None
    assert (START, END) == tuple(f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (found.window.start, found.window.end))
    assert "https://ca.example/why" == found.window.explanation_url
    assert f"/ari/{NAME}" == ca.asked[-1]
    assert minutes == _minutes(found.again_at)


NONSENSE: dict[str, Any] = {
    "no JSON": b"<html>",
    "not UTF-8": b"\xff\xfe",
    "an empty answer": b"",
    "no window": {},
    "no end": {"suggestedWindow": {"start": START}},
    "no instants": {"suggestedWindow": {"start": "today", "end": "tomorrow"}},
    "no zone": {"suggestedWindow": {"start": "2027-01-02T04:00:00", "end": "2027-01-03T04:00:00"}},
    "numbers": {"suggestedWindow": {"start": 1, "end": 2}},
    "ends before it starts": {"suggestedWindow": {"start": END, "end": START}},
    "ends as it starts": {"suggestedWindow": {"start": START, "end": START}},
    "before there was time": {"suggestedWindow": {"start": "0001-01-01T00:00:00+14:00", "end": START}},
    "after it has expired": {"suggestedWindow": {"start": "2027-03-01T00:00:00Z", "end": "2027-03-02T00:00:00Z"}},
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_counts_as_no_answer(ca: Ca, issuer: AcmeOrders, body: Any) -> None:
    """As if nothing had been received (RFC 9773, 4.2)."""
    ca.says(body)
    with pytest.raises(Refused, match="What the CA says of the renewal has "):
        await issuer.suggested(FACTS)


async def test_what_a_window_may_be(ca: Ca, issuer: AcmeOrders) -> None:
    """Long over: renew now. It never reaches beyond the certificate; an explanation that leads nowhere is left out."""
    ca.says({"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-01T00:00:01Z"}})
    assert (over := (await issuer.suggested(FACTS)).window) is not None
    assert over.end.year == 2020
    window = {"start": START, "end": "9999-12-31T23:59:59Z"}
    ca.says({"suggestedWindow": window, "explanationURL": "javascript:alert(1)"})
    assert (long := (await issuer.suggested(FACTS)).window) is not None
    assert (FACTS.not_after, None) == (long.end, long.explanation_url)


@pytest.mark.parametrize(("status", "expected"), [(404, Refused), (429, Refused), (503, CaUnavailable)])
async def test_errors(ca: Ca, issuer: AcmeOrders, status: int, expected: type[Exception]) -> None:
    """A problem document of the CA: its no, or trouble that passes."""
    kind = "rateLimited" if status == 429 else "malformed" if status == 404 else "serverInternal"
    problem = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "no", "status": status}
    ca.says(problem, status=status, Content_Type="application/problem+json", Retry_After="90000")
    with pytest.raises(expected):
        await issuer.suggested(FACTS)
    ca.says(b"<html>", status=status, Content_Type="text/html")
    with pytest.raises(CaUnavailable):
        await issuer.suggested(FACTS)


async def test_a_ca_without_suggestions(ca: Ca, issuer: AcmeOrders, desk: AcmeDesk, vault: MemoryVault) -> None:
    """Nothing in its directory, as at pebble; or a certificate without its issuer's key: nothing is asked."""
    ca.offers = False
    assert (None, 1440) == _said(await issuer.suggested(FACTS))
    ca.offers = True
    assert (None, 1440) == _said(await issuer.suggested(msgspec.structs.replace(FACTS, authority_key_id=None)))
    assert ["/dir", "/dir"] == ca.asked
    assert (None, 1440) == _said(await desk.issuer(vault).suggested(FACTS))


def _said(found: Suggestion) -> tuple[SuggestedWindow | None, int]:
    return found.window, _minutes(found.again_at)


@pytest.mark.parametrize(("serial", "octets"), [("01", "AQ"), ("7f", "fw"), ("80", "AIA"), ("0080", "AIA")])
def test_serial_numbers_are_named_as_their_integers(serial: str, octets: str) -> None:
    """Never with the sign bit set (X.690, 8.3)."""
    facts: CertificateFacts = msgspec.structs.replace(FACTS, serial_number=serial)
    assert octets == str(name_of(facts)).rpartition(".")[2]
