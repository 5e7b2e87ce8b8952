"""Orders through a real cfssl server, which issues at every request and cannot say what it issued."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import pytest

from adapters.issuers.external.asking import AtMostOnce
from adapters.issuers.external.cfssl import CaUnavailable, CfsslOrders, ExternalTools
from adapters.issuers.external.settings import CfsslSettings
from adapters.issuers.journal import Journal
from adapters.issuers.requesting import Requesting
from adapters.issuing import Vault
from adapters.keys.generating import generate_key
from adapters.simulated.vault import MemoryVault
from adapters.x509.reader import X509Reader
from adapters.x509.requests import read_request
from application.issuing_ports import NotYet, RevokedCertificate, TellByHand
from domain.certificate_facts import Usage
from domain.certificate_order import Provider
from domain.errors import Refused
from tests.contracts.orders_contract import OrdersContract, answered, wish
from tests.support.cfssl import Cfssl, running_cfssl


class CfsslDesk(NamedTuple):
    """Providers at one cfssl."""

    ca: Cfssl
    url: str
    key: str
    provider: Provider = Provider.EXTERNAL_CA
    tells: bool = False
    later: timedelta = timedelta(0)

    def issuer(self, vault: Vault, **changes: Any) -> CfsslOrders:
        chosen: dict[str, Any] = {
            "url": self.url,
            "profiles": {"server": "server", "client": "client", "both": "both"},
            "ca_certificates_pem": self.ca.trusted_pem,
            **changes,
        }
        requesting = Requesting(generate_key, read_request, vault)
        tools = ExternalTools(vault, requesting, X509Reader(), lambda: datetime.now(UTC) + self.later)
        return CfsslOrders(CfsslSettings(**chosen), self.key, tools)

    def issued(self) -> int:
        return len(self.ca.issued())


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cfssl]:
    with running_cfssl(tmp_path_factory.mktemp("cfssl")) as found:
        yield found


@pytest.fixture
def desk(ca: Cfssl) -> CfsslDesk:
    return CfsslDesk(ca, ca.url, ca.key)


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


class TestCfsslOrders(OrdersContract):
    """The contract of a provider."""

    @pytest.fixture(autouse=True)
    def no_patience(self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
        """Whoever finds an unanswered request of a dead process does not wait for it; two that live do."""
        if "dies" in request.node.name:
            monkeypatch.setattr("adapters.issuers.external.asking.PATIENCE", timedelta(0))


@pytest.mark.parametrize("usage", [Usage.SERVER, Usage.CLIENT, Usage.BOTH])
async def test_the_profile_follows_the_usage(desk: CfsslDesk, vault: MemoryVault, usage: Usage) -> None:
    """Server, client or both, as the CA's profiles say; others are refused when they are ordered."""
    issued = await answered(desk.issuer(vault), uuid4(), wish(desk, usage=usage.value))
    assert usage is issued.leaf.facts.usage
    assert ["Test Issuing"] == [each.facts.common_name for each in issued.chain]
    with pytest.raises(Refused, match="issues for server use only") as caught:
        desk.issuer(vault, profiles={"server": "server"}).check(wish(desk, usage="both"))
    assert "/usage" == caught.value.pointer


async def test_what_the_ca_refuses_is_told_and_can_be_tried_again(desk: CfsslDesk, vault: MemoryVault) -> None:
    """A wrong key: the CA's words, nothing issued; with the right one the same attempt goes on."""
    before, order_id = desk.issued(), uuid4()
    with pytest.raises(Refused, match=r"The CA refused: .*invalid token"):
        await desk._replace(key="00" * 16).issuer(vault).issue(order_id, 1, wish(desk))
    assert 0 == desk.issued() - before
    await answered(desk.issuer(vault), order_id, wish(desk))
    assert 1 == desk.issued() - before


async def test_a_ca_that_cannot_be_reached_is_asked_again(desk: CfsslDesk, vault: MemoryVault) -> None:
    """Nothing was sent: the next try may send it."""
    order_id = uuid4()
    with pytest.raises(CaUnavailable):
        await desk._replace(url="https://127.0.0.1:9").issuer(vault).issue(order_id, 1, wish(desk))
    with pytest.raises(CaUnavailable, match="ConnectError"):
        await desk.issuer(vault, ca_certificates_pem=None).issue(order_id, 1, wish(desk))
    await answered(desk.issuer(vault), order_id, wish(desk))


class _HangsUp(BaseHTTPRequestHandler):
    """Answers what changes nothing; hangs up where the answer to the request for a signature should come."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("authsign"):
            self.close_connection = True
            return
        body = b'{"success": true, "result": {"certificate": "x"}, "errors": []}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass


@pytest.fixture
def relay() -> Iterator[str]:
    """The URL of a CA that hangs up."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _HangsUp) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_a_lost_answer_fails_the_order_and_is_never_asked_for_again(
    desk: CfsslDesk, vault: MemoryVault, relay: str
) -> None:
    """Nobody knows whether the CA issued: that is what the order says, also to the next process."""
    order_id = uuid4()
    with pytest.raises(Refused, match="not known whether it issued"):
        await desk._replace(url=relay).issuer(vault, ca_certificates_pem=None).issue(order_id, 1, wish(desk))
    before = desk.issued()
    with pytest.raises(NotYet):
        await desk.issuer(vault).issue(order_id, 1, wish(desk))
    with pytest.raises(Refused, match="not known whether it issued"):
        await desk._replace(later=timedelta(minutes=5)).issuer(vault).issue(order_id, 1, wish(desk))
    assert 0 == desk.issued() - before
    await answered(desk.issuer(vault), order_id, wish(desk), attempt=2)


async def test_the_right_to_ask_is_given_once() -> None:
    """Until it is noted that the CA did not act on it."""
    journal = Journal(MemoryVault(), uuid4(), 1)
    now = datetime.now(UTC)
    asking = await AtMostOnce(journal, lambda: now).ask()
    with pytest.raises(NotYet):
        await AtMostOnce(journal, lambda: now).ask()
    await asking.not_taken()
    await AtMostOnce(journal, lambda: now).ask()
    with pytest.raises(Refused):
        await AtMostOnce(journal, lambda: now + timedelta(minutes=2)).ask()


async def test_a_server_with_a_database_revokes(tmp_path_factory: pytest.TempPathFactory, vault: MemoryVault) -> None:
    """With the reason; what it never issued it refuses in its own words."""
    with running_cfssl(tmp_path_factory.mktemp("revoking"), revokes=True) as ca:
        desk = CfsslDesk(ca, ca.url, ca.key)
        issuer = desk.issuer(vault)
        leaf = (await answered(issuer, uuid4(), wish(desk))).leaf
        for reason, code in (("keyCompromise", 1), ("cACompromise", 2), ("unspecified", 0)):
            assert "The CA revoked it." == await issuer.revoke(RevokedCertificate(leaf.facts, leaf.der, reason))
            assert {str(int(leaf.facts.serial_number, 16)): code} == ca.revoked()
        unknown = msgspec.structs.replace(leaf.facts, serial_number="0a")
        with pytest.raises(Refused, match="certificate not found"):
            await issuer.revoke(RevokedCertificate(unknown, leaf.der, "superseded"))


async def test_a_server_without_one_cannot_be_told(desk: CfsslDesk, vault: MemoryVault) -> None:
    """Somebody has to tell the CA, and that is said; a server that is away is asked again later."""
    leaf = (await answered(desk.issuer(vault), uuid4(), wish(desk))).leaf
    revoked = RevokedCertificate(leaf.facts, leaf.der, "superseded")
    with pytest.raises(TellByHand, match="without a certificate database"):
        await desk.issuer(vault).revoke(revoked)
    with pytest.raises(CaUnavailable):
        await desk.issuer(vault, url="https://127.0.0.1:9").revoke(revoked)
