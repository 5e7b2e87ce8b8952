"""An offline CA: the request is the same at every download, and only its own answer is taken."""

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.issuers.external.cfssl import ExternalTools
from adapters.issuers.external.offline import OfflineOrders
from adapters.issuers.external.settings import OfflineSettings
from adapters.issuers.requesting import Requesting
from adapters.keys.authorities import certificate_der, certificate_pem
from adapters.keys.generating import generate_key
from adapters.simulated.vault import MemoryVault
from adapters.x509.building import Authority, make_intermediate, make_leaf, make_root, validity
from adapters.x509.names import named
from adapters.x509.private_keys import from_pkcs8, load_spki, spki
from adapters.x509.reader import X509Reader
from adapters.x509.requests import read_request
from application.issuing_ports import NotYet
from domain.certificate_facts import Usage
from domain.certificate_order import OrderParameters, Provider
from domain.errors import Refused

NOW = datetime.now(UTC)
WISH = OrderParameters(
    provider=Provider.EXTERNAL_CA,
    common_name="www.example.org",
    subject_alternative_names=("10.0.0.1",),
    validity_days=90,
)


def ca(name: str = "Offline Root") -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return make_root(named(name), key, validity(NOW - timedelta(days=500), timedelta(days=900)), path_length=1)


ROOT = ca()
_KEY = ec.generate_private_key(ec.SECP256R1())
ISSUING = make_intermediate(named("Issuing"), _KEY, validity(NOW - timedelta(days=400), timedelta(days=800)), ROOT)


class Paper:
    """One order at the offline CA, and the CA itself."""

    def __init__(self, wish: OrderParameters = WISH, issuers: str | None = None) -> None:
        self.wish = wish
        self.vault = MemoryVault()
        self.order_id = uuid4()
        self.issuers = issuers or certificate_pem(ROOT.certificate)

    @property
    def issuer(self) -> OfflineOrders:
        tools = ExternalTools(self.vault, Requesting(generate_key, read_request, self.vault), X509Reader(), lambda: NOW)
        return OfflineOrders(OfflineSettings(issuers_pem=self.issuers), tools)

    async def request(self) -> str:
        return await self.issuer.request(self.order_id, 1, self.wish)

    async def answer(
        self,
        *,
        by: Authority = ROOT,
        names: tuple[str, ...] = ("www.example.org", "10.0.0.1"),
        usage: Usage = Usage.SERVER,
        key: bytes | None = None,
        starts: datetime = NOW,
    ) -> str:
        """What the CA makes of the request."""
        public_key = load_spki(key or read_request(await self.request()).public_key)
        general = [x509.IPAddress(_ip(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
        lasting = validity(starts, timedelta(days=90))
        return certificate_pem(make_leaf(named(names[0]), public_key, general, usage, lasting, by))

    async def take(self, pem: str, chain: str | None = None) -> Any:
        return await self.issuer.take(self.order_id, 1, self.wish, pem, chain)


def _ip(text: str) -> Any:
    return ipaddress.ip_address(text)


async def test_the_request_is_the_same_at_every_download() -> None:
    """Also for a process that starts later, and while a reaction prepares it; it asks for every name."""
    paper = Paper()
    with pytest.raises(NotYet) as waiting:
        await paper.issuer.issue(paper.order_id, 1, WISH)
    assert waiting.value.seconds is None
    first, second = await paper.request(), await paper.request()
    assert first == second
    assert ("www.example.org", "10.0.0.1") == read_request(first).names


async def test_the_answer_is_taken_with_its_key_and_chain() -> None:
    """Directly below the root, or below an issuing CA that comes along."""
    paper = Paper()
    taken = await paper.take(await paper.answer())
    assert spki(from_pkcs8(taken.private_key)) == read_request(await paper.request()).public_key
    below = await paper.take(await paper.answer(by=ISSUING), certificate_pem(ISSUING.certificate))
    assert [certificate_der(ISSUING.certificate)] == [each.der for each in below.chain]


async def test_more_names_and_uses_than_were_ordered_are_taken() -> None:
    """CAs add www. and client use of their own accord; the order's own are all there."""
    names = ("example.org", "WWW.example.org", "www.example.org", "10.0.0.1")
    paper = Paper()
    assert (await paper.take(await paper.answer(names=names, usage=Usage.BOTH))).private_key is not None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"names": ("www.example.org",)}, "does not hold the name 10.0.0.1"),
        ({"names": ("other.example.org",)}, "does not hold the name www.example.org, 10.0.0.1"),
        ({"usage": Usage.CLIENT}, "is for client use; server was ordered"),
        ({"key": spki(ec.generate_private_key(ec.SECP256R1()))}, "is for another key"),
        ({"starts": NOW - timedelta(days=200)}, "expired at"),
        ({"by": ca("Another Root")}, "The chain ends with a certificate of CN=Another Root"),
        ({"by": ca()}, "none of the CAs of this provider"),
        ({"by": ISSUING}, "The chain ends with a certificate of CN=Issuing"),
    ],
)
async def test_what_is_not_the_answer_is_refused_with_the_reason(changes: dict[str, Any], sentence: str) -> None:
    """Names, usage, key, validity, issuer (by signature, not by name alone); a chain that is not complete."""
    paper = Paper()
    with pytest.raises(Refused, match=sentence) as caught:
        await paper.take(await paper.answer(**changes))
    assert "/certificate_pem" == caught.value.pointer


async def test_what_is_no_certificate_at_all_is_refused_at_its_field() -> None:
    """Garbage, the request itself, a CA's certificate, a chain of another one."""
    paper = Paper()
    root = certificate_pem(ROOT.certificate)
    good = await paper.answer(by=ISSUING)
    for pem, chain, pointer in (
        ("nothing", None, "/certificate_pem"),
        (await paper.request(), None, "/certificate_pem"),
        (certificate_pem(ISSUING.certificate), None, "/certificate_pem"),
        (good, "nothing", "/chain_pem"),
        (good, certificate_pem(ca("Unrelated").certificate), "/chain_pem"),
    ):
        with pytest.raises(Refused) as caught:
            await paper.take(pem, chain)
        assert pointer == caught.value.pointer
    await paper.take(good, certificate_pem(ISSUING.certificate) + root)


async def test_a_request_that_was_uploaded_is_the_one_to_carry() -> None:
    """The key stays with its sender; what is downloaded is what was uploaded."""
    pem = await Paper().request()
    paper = Paper(OrderParameters(provider=Provider.EXTERNAL_CA, common_name="", csr_pem=pem, validity_days=90))
    assert pem == await paper.request()
    assert (await paper.take(await paper.answer())).private_key is None
