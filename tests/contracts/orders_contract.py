"""What every provider promises of an order (application.issuing_ports.Issuer), whatever dies in between.

A module that tests a provider makes the fixture `desk`, an OrderDesk, and subclasses OrdersContract. How many
certificates really came into being is counted at the CA, not at us.
"""

import asyncio
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.issuing import Vault
from adapters.simulated.vault import MemoryVault
from adapters.x509.private_keys import from_pkcs8, spki
from application.issuing_ports import IssuedCertificate, Issuer, NotYet
from domain import ids
from domain.certificate_order import OrderParameters, Provider
from domain.errors import Code, Refused

NAME = "www.example.org"


class OrderDesk(Protocol):
    """A provider to be tested."""

    @property
    def provider(self) -> Provider:
        """Its kind."""
        ...

    def issuer(self, vault: Vault) -> Issuer:
        """The provider as a process makes it that starts on this vault."""
        ...

    def issued(self) -> int:
        """How many certificates the CA has issued so far."""
        ...

    @property
    def tells(self) -> bool:
        """Can the CA be asked what it issued? If not, a process that dies between asking and noting leaves an order
        that fails, because nobody knows: at most one certificate, never two.
        """
        ...


class Died(BaseException):
    """A process that is no more: nothing of ours may catch it."""


class MortalVault(MemoryVault):
    """A vault whose user dies at one of its calls: just before it, or with the call carried out."""

    def __init__(self, kept: MemoryVault, lives: int) -> None:
        super().__init__()
        self._private_keys, self._secrets = kept._private_keys, kept._secrets
        self._lives = lives

    async def keep_first(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        self._step()
        kept = await super().keep_first(owner_id, name, value)
        self._step()
        return kept

    async def kept(self, owner_id: UUID, name: str) -> bytes | None:
        self._step()
        return await super().kept(owner_id, name)

    def _step(self) -> None:
        if self._lives == 0:
            raise Died
        self._lives -= 1


def wish(desk: OrderDesk, name: str = NAME, **changes: Any) -> OrderParameters:
    """An order for one name."""
    fields: dict[str, Any] = {"provider": desk.provider, "common_name": name, "validity_days": 30, **changes}
    return OrderParameters(**fields)


async def key_of(issued: IssuedCertificate, vault: MemoryVault) -> bytes | None:
    """The key that was made here: it comes with the certificate, or lies in the vault already."""
    certificate_id = ids.certificate_id(issued.leaf.facts.fingerprint_sha256)
    return issued.private_key or await vault.private_key(certificate_id)


def csr(*names: str) -> tuple[str, bytes]:
    """A request, and the public key in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    found = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    built = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(found, critical=False)
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    return pem, spki(key)


async def answered(issuer: Issuer, order_id: UUID, parameters: OrderParameters, attempt: int = 1) -> IssuedCertificate:
    """Ask until there is an answer, as the queue does."""
    while True:
        try:
            return await issuer.issue(order_id, attempt, parameters)
        except NotYet:
            await asyncio.sleep(0.05)


class OrdersContract:
    """The promises; a subclass says of which provider."""

    async def test_the_certificate_is_for_the_key_and_the_names(self, desk: OrderDesk) -> None:
        """The key that was made for it fits, and every name that was ordered is in it."""
        parameters = wish(desk, subject_alternative_names=("a.example.org", "b.example.org"))
        vault = MemoryVault()
        issued = await answered(desk.issuer(vault), uuid4(), parameters)
        key = await key_of(issued, vault)
        assert key is not None
        leaf = x509.load_der_x509_certificate(issued.leaf.der)
        assert spki(from_pkcs8(key)) == spki(leaf.public_key())
        assert {NAME, "a.example.org", "b.example.org"} <= set(issued.leaf.facts.subject_alternative_names)

    async def test_asked_again_it_answers_with_the_same(self, desk: OrderDesk) -> None:
        """The next process finds what the first one got."""
        vault, order_id, before = MemoryVault(), uuid4(), desk.issued()
        first = await answered(desk.issuer(vault), order_id, wish(desk))
        again = await answered(desk.issuer(vault), order_id, wish(desk))
        assert first.leaf.der == again.leaf.der
        assert await key_of(first, vault) == await key_of(again, vault)
        assert 1 == desk.issued() - before

    async def test_two_workers_at_once_get_the_same(self, desk: OrderDesk) -> None:
        """A reaction may run twice at the same time."""
        vault, order_id, before = MemoryVault(), uuid4(), desk.issued()
        both = await asyncio.gather(*(answered(desk.issuer(vault), order_id, wish(desk)) for _ in range(2)))
        assert both[0].leaf.der == both[1].leaf.der
        assert 1 == desk.issued() - before

    async def test_whatever_dies_between_two_steps_there_is_one_certificate(self, desk: OrderDesk) -> None:
        """Dying before or after any step of the vault: the next process ends the order, with one certificate."""
        steps = 0
        while True:
            vault, order_id, before = MemoryVault(), uuid4(), desk.issued()
            name = f"d{steps}.example.org"
            try:
                await answered(desk.issuer(MortalVault(vault, steps)), order_id, wish(desk, name))
            except Died:
                await self._one_or_a_clear_word(desk, desk.issuer(vault), order_id, name)
                assert desk.issued() - before <= 1, f"died at step {steps}"
                steps += 1
            else:
                break
        assert steps > 2

    async def _one_or_a_clear_word(self, desk: OrderDesk, issuer: Issuer, order_id: UUID, name: str) -> None:
        try:
            issued = await answered(issuer, order_id, wish(desk, name))
        except Refused as refused:
            if desk.tells or "not known whether it issued" not in refused.detail:
                raise
            return
        assert name in issued.leaf.facts.subject_alternative_names

    async def test_with_a_request_the_key_stays_with_its_sender(self, desk: OrderDesk) -> None:
        """The certificate is for the key in the request, and no key is kept here."""
        pem, public_key = csr(NAME)
        vault = MemoryVault()
        issued = await answered(desk.issuer(vault), uuid4(), wish(desk, common_name="", csr_pem=pem))
        assert (None, False) == (await key_of(issued, vault), issued.key_is_kept)
        assert public_key == spki(x509.load_der_x509_certificate(issued.leaf.der).public_key())
        assert NAME in issued.leaf.facts.subject_alternative_names

    async def test_another_attempt_is_another_certificate(self, desk: OrderDesk) -> None:
        """An order that failed and was submitted again starts anew."""
        issuer, order_id = desk.issuer(MemoryVault()), uuid4()
        first = await answered(issuer, order_id, wish(desk))
        second = await answered(issuer, order_id, wish(desk), attempt=2)
        assert first.leaf.der != second.leaf.der

    async def test_nothing_is_left_once_it_is_forgotten(self, desk: OrderDesk) -> None:
        """When the outcome is recorded no key and no request of the order stay behind."""
        vault, order_id = MemoryVault(), uuid4()
        issuer = desk.issuer(vault)
        await answered(issuer, order_id, wish(desk))
        await issuer.forget(order_id, 1)
        assert order_id not in vault._secrets

    async def test_what_another_attempt_has_kept_is_not_forgotten(self, desk: OrderDesk) -> None:
        """A worker that is late to forget does not make the next attempt issue twice."""
        issuer, order_id = desk.issuer(MemoryVault()), uuid4()
        await answered(issuer, order_id, wish(desk))
        second = await answered(issuer, order_id, wish(desk), attempt=2)
        await issuer.forget(order_id, 1)
        assert second.leaf.der == (await answered(issuer, order_id, wish(desk), attempt=2)).leaf.der

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"common_name": "under_score.example"}, "/common_name"),
            ({"subject_alternative_names": ("a.example", "-")}, "/subject_alternative_names/1"),
            ({"key_algorithm": "rsa-1024"}, "/key_algorithm"),
            ({"usage": "everything"}, "/usage"),
            ({"csr_pem": "-----BEGIN NOTHING-----"}, "/csr_pem"),
        ],
    )
    def test_what_is_never_issued_is_refused_at_its_field(
        self, desk: OrderDesk, changes: dict[str, Any], pointer: str
    ) -> None:
        """When it is submitted, before any CA is asked."""
        with pytest.raises(Refused) as caught:
            desk.issuer(MemoryVault()).check(wish(desk, **changes))
        assert (Code.VALIDATION_FAILED, pointer) == (caught.value.code, caught.value.pointer)
