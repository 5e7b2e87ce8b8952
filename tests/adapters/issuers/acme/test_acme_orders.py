"""Orders through a real ACME CA that refuses half of all requests for their nonce."""

from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from cryptography import x509

from adapters.issuers.acme.orders import AcmeOrders
from adapters.issuers.acme.problems import CaUnavailable
from adapters.issuers.acme.settings import AcmeSecrets
from adapters.simulated.vault import MemoryVault
from application.pem import certificates
from domain.errors import Refused
from tests.adapters.issuers.acme.conftest import AcmeDesk
from tests.contracts.orders_contract import OrdersContract, answered, csr, wish
from tests.support.pebble import running_pebble


class TestAcmeOrders(OrdersContract):
    """The contract of a provider."""


async def test_nothing_of_a_challenge_is_left(desk: AcmeDesk, vault: MemoryVault) -> None:
    """What was shown to the CA is taken away when it has looked."""
    await answered(desk.issuer(vault), uuid4(), wish(desk, "clean.example.org"))
    assert [] == desk.left_over()


async def test_the_account_is_made_once_and_its_key_is_sealed(desk: AcmeDesk, vault: MemoryVault) -> None:
    """Every order of a provider goes through one account, also after a restart."""
    before = desk.ca.log().count(" accounts in memory")
    for _ in range(2):
        await answered(desk.issuer(vault), uuid4(), wish(desk))
    assert 1 == desk.ca.log().count(" accounts in memory") - before


async def test_an_account_that_the_ca_forgot_is_made_again(desk: AcmeDesk, vault: MemoryVault, tmp_path: Path) -> None:
    """A CA that was set up anew: the order is tried again, and goes through."""
    port = desk.ca.http_port
    with running_pebble(tmp_path / "first", http_port=port) as first:
        await answered(desk._replace(ca=first).issuer(vault), uuid4(), wish(desk))
        url = first.directory_url
        acme = int(url.split(":")[2].split("/")[0])
    with running_pebble(tmp_path / "second", http_port=port, acme_port=acme) as second:
        issuer = desk._replace(ca=second).issuer(vault)
        order_id = uuid4()
        with pytest.raises(CaUnavailable):
            await answered(issuer, order_id, wish(desk))
        await answered(issuer, order_id, wish(desk))
        assert 1 == len(second.issued())


async def test_what_the_ca_found_wrong_is_told(desk: AcmeDesk, vault: MemoryVault, tmp_path: Path) -> None:
    """A name that does not lead here: the refusal holds the name and the CA's own words, the challenge is gone."""
    elsewhere = desk._replace(webroot=tmp_path)
    parameters = wish(desk, "lost.example.org", subject_alternative_names=("gone.example.org",))
    with pytest.raises(Refused) as caught:
        await answered(elsewhere.issuer(vault), uuid4(), parameters)
    assert "The CA did not issue: " in caught.value.detail
    assert "unauthorized" in caught.value.detail
    assert "lost.example.org: " in caught.value.detail
    assert [] == elsewhere.left_over()


async def test_a_refused_order_keeps_the_cas_words(desk: AcmeDesk, vault: MemoryVault) -> None:
    """A request that the CA does not like at once."""
    with pytest.raises(Refused, match=r"The CA refused: .*blocked\.example.* \(rejectedIdentifier\)"):
        await answered(desk.issuer(vault), uuid4(), wish(desk, "blocked.example"))


async def test_a_ca_that_is_away_is_asked_again_later(desk: AcmeDesk, vault: MemoryVault) -> None:
    """Nothing listens there: that is no outcome of the order."""
    away = desk._replace(changes={"directory_url": "https://127.0.0.1:9/dir"})
    with pytest.raises(CaUnavailable):
        await away.issuer(vault).issue(uuid4(), 1, wish(desk))


async def test_a_ca_that_is_not_trusted_gets_nothing(desk: AcmeDesk, vault: MemoryVault) -> None:
    """Without its own CA the system's are trusted, which do not know this one."""
    with pytest.raises(CaUnavailable, match="SSLError"):
        await desk._replace(changes={"ca_certificates_pem": None}).issuer(vault).issue(uuid4(), 1, wish(desk))


@pytest.mark.parametrize("number", [0, 1])
async def test_the_preferred_chain_is_taken(desk: AcmeDesk, vault: MemoryVault, number: int) -> None:
    """Of several chains the one whose end was issued under that name."""
    root = x509.load_pem_x509_certificate(desk.ca.root_pem(number).encode())
    name = str(root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
    preferring = desk._replace(changes={"preferred_chain": name})
    issued = await answered(preferring.issuer(vault), uuid4(), wish(desk))
    top = x509.load_pem_x509_certificate(certificates((issued.chain[-1].der,)).encode())
    assert root.subject == top.issuer
    top.verify_directly_issued_by(root)


async def test_terms_have_to_be_agreed_to(desk: AcmeDesk, vault: MemoryVault) -> None:
    """Nobody agrees for the operator; the refusal says where to read them."""
    with pytest.raises(Refused, match="terms_of_service_agreed") as caught:
        await desk._replace(changes={"terms_of_service_agreed": False}).issuer(vault).issue(uuid4(), 1, wish(desk))
    assert "read data:text/plain,Do%20what%20thou%20wilt," in caught.value.detail


async def test_external_account_binding(desk: AcmeDesk, tmp_path: Path) -> None:
    """A CA that wants to know whose account it is: without it a clear no, with a wrong key the CA's, else it issues."""
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    with running_pebble(tmp_path, http_port=desk.ca.http_port, eab={"kid-1": key}) as ca:
        bound = desk._replace(ca=ca, changes={"eab_key_id": "kid-1"}, secrets=AcmeSecrets(eab_hmac_key=key))
        with pytest.raises(Refused, match="eab_key_id"):
            await bound._replace(changes={}).issuer(MemoryVault()).issue(uuid4(), 1, wish(desk))
        wrong = bound._replace(secrets=AcmeSecrets(eab_hmac_key="d3Jvbmc"))
        with pytest.raises(Refused, match="The CA refused"):
            await wrong.issuer(MemoryVault()).issue(uuid4(), 1, wish(desk))
        await answered(bound.issuer(MemoryVault()), uuid4(), wish(desk))


def _pointer(issuer: AcmeOrders, parameters: object) -> str | None:
    with pytest.raises(Refused) as caught:
        issuer.check(parameters)  # type: ignore[arg-type] # an order
    return caught.value.pointer


def test_what_acme_cannot_do_is_refused_when_it_is_ordered(desk: AcmeDesk, vault: MemoryVault) -> None:
    """Clients' certificates, wildcards without DNS, names that the request does not ask for."""
    issuer = desk.issuer(vault)
    assert "/usage" == _pointer(issuer, wish(desk, usage="client"))
    assert "/common_name" == _pointer(issuer, wish(desk, "*.example.org"))
    names = ("a.example.org", "*.example.org")
    assert "/subject_alternative_names/1" == _pointer(issuer, wish(desk, subject_alternative_names=names))
    pem, _ = csr("a.example.org")
    assert "/common_name" == _pointer(issuer, wish(desk, "b.example.org", csr_pem=pem))
    issuer.check(wish(desk, "a.example.org", csr_pem=pem))
    desk._replace(changes={"solver": "dns_hook"}).issuer(vault).check(wish(desk, "*.example.org"))


def test_no_secret_shows() -> None:
    """Secrets and keys do not print themselves."""
    assert "AcmeSecrets(...)" == repr(AcmeSecrets(eab_hmac_key="c2VjcmV0"))
    assert "c2VjcmV0" not in str(msgspec.structs.asdict(AcmeSecrets()))
