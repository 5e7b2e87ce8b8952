"""Renewal: a successor through the same provider, linked both ways, pushed to every connector under its approvals."""

import asyncio
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from cryptography import x509

from adapters.x509.private_keys import from_pkcs8, spki
from application import registers
from application.associating import configure_verification
from application.context import HouseSettings, Renewal
from application.house import append, load, write
from application.importing import describe_certificate
from application.issuing_ports import IssuedCertificate, Issuer, Issuers
from application.ordering import submit_order
from application.renewing import RenewCertificate, renew_certificate
from domain.certificate import CERTIFICATE, Certificate, CertificateIssued, CertificateRenewed, CertificateRevoked
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    CertificateOrder,
    OrderFailed,
    OrderParameters,
    OrderStatus,
    PolicyHardFailed,
)
from domain.connector_events import TargetSystemAssociated
from domain.errors import Code, Refused
from domain.issuance_policy import KIND
from domain.issuance_rules import IssuanceRule
from domain.push_states import SupersededReason, WorkOrderStatus
from domain.verification_plan import VerificationPlan
from domain.work_order_events import PushRequested
from tests.application.test_judging import enact
from tests.application.test_ordering import WISH, Unlucky
from tests.contracts.orders_contract import csr
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World


class Shop(NamedTuple):
    """A world with a certificate of Local PKI."""

    world: World
    office: Office
    issuers: Issuers
    old: UUID

    async def state(self, certificate_id: UUID) -> Certificate:
        return (await load(self.world.house, CERTIFICATE, certificate_id)).found

    async def order(self, order_id: UUID) -> CertificateOrder:
        return (await load(self.world.house, CERTIFICATE_ORDER, order_id)).found

    async def renew(self, who: str = "rita", **wish: Any) -> UUID:
        """Submitted; the order."""
        command = RenewCertificate(certificate_id=wish.pop("certificate_id", self.old), **wish)
        done = await renew_certificate(self.world.house, self.world.by(who), self.issuers, command)
        return done.result.id

    async def successor(self, **wish: Any) -> UUID:
        """Renewed, and everything that follows has happened."""
        order_id = await self.renew(**wish)
        await self.office.settle()
        order = await self.order(order_id)
        assert order.certificate_id is not None, order.error
        return order.certificate_id


async def shop(
    seed: int = 0, *, twice: float = 0.0, wish: OrderParameters = WISH, settings: HouseSettings | None = None
) -> Shop:
    world = World(seed, settings=settings)
    issuers = await local_pki(world)
    office = Office(world, Field(), issuers=issuers, twice=twice)
    await submit_order(world.house, world.by("rita"), issuers, wish)
    await office.settle()
    [old] = [stream for stream, event in world.history() if isinstance(event, CertificateIssued)]
    return Shop(world, office, issuers, old)


class Refusing(Unlucky):
    """A provider whose CA says no to everything."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(issuer, 0)

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        raise Refused(Code.VALIDATION_FAILED, "The CA refused.")


def public_key(certificate: Certificate) -> bytes:
    return spki(x509.load_der_x509_certificate(certificate.der).public_key())


async def test_a_successor_is_ordered_and_linked() -> None:
    """The same names and validity through the same provider, a new key; owner and tags stay; linked both ways."""
    found = await shop()
    olga = found.world.by("olga")
    await describe_certificate(found.world.house, olga, found.old, owner="web team", tags=("shop",))
    new_id = await found.successor()
    old, new = await found.state(found.old), await found.state(new_id)
    assert (new_id, found.old) == (old.renewed_to, new.renewed_from)
    assert old.facts.subject_alternative_names == new.facts.subject_alternative_names
    assert old.facts.not_after - old.facts.not_before == new.facts.not_after - new.facts.not_before
    assert ("web team", ("shop",), "local_pki") == (new.owner, new.tags, new.provider)
    assert public_key(old) != public_key(new)
    assert await found.world.vault.has_private_key(new_id)


async def test_the_same_key_is_certified_again() -> None:
    """And kept with the successor; not where it is compromised, and not where it is no longer here."""
    found = await shop()
    new_id = await found.successor(key="same")
    old, new = await found.state(found.old), await found.state(new_id)
    assert public_key(old) == public_key(new)
    key = await found.world.vault.private_key(new_id)
    assert key is not None
    assert public_key(new) == spki(from_pkcs8(key).public_key())
    found.world.vault._private_keys.clear()
    order_id = await found.renew(certificate_id=new_id, key="same")
    await found.office.settle()
    order = await found.order(order_id)
    assert OrderStatus.FAILED is order.status
    assert "no longer stored here" in str(order.error)


async def test_a_compromised_key_is_not_certified_again() -> None:
    """A revoked certificate is renewed with a new key."""
    found = await shop()
    loaded = await load(found.world.house, CERTIFICATE, found.old)
    revoked = CertificateRevoked(meta=found.world.by("olga").meta, reason="keyCompromise")
    await append(found.world.house, found.world.by("olga"), write(loaded, (revoked,)))
    with pytest.raises(Refused) as caught:
        await found.renew(key="same")
    assert (Code.VALIDATION_FAILED, "/key") == (caught.value.code, caught.value.pointer)
    await found.successor()


async def test_a_key_that_is_not_here_takes_a_request() -> None:
    """A certificate that was ordered with a CSR: the same request again, or a new one; neither is refused."""
    pem, key = csr("www.example.org")
    found = await shop(wish=msgspec.structs.replace(WISH, csr_pem=pem, common_name="", subject_alternative_names=()))
    with pytest.raises(Refused) as caught:
        await found.renew()
    assert (Code.VALIDATION_FAILED, "/csr_pem") == (caught.value.code, caught.value.pointer)
    other, other_key = csr("www.example.org")
    with pytest.raises(Refused, match="brings its own key"):
        await found.renew(key="same", csr_pem=other)
    new_id = await found.successor(key="same")
    assert key == public_key(await found.state(new_id))
    assert other_key == public_key(await found.state(await found.successor(certificate_id=new_id, csr_pem=other)))


async def test_what_cannot_be_renewed() -> None:
    """An imported certificate; one that has a successor."""
    found = await shop()
    imported = await found.world.certificate()
    with pytest.raises(Refused, match="not ordered here"):
        await found.renew(certificate_id=imported)
    await found.successor()
    with pytest.raises(Refused, match="renewed already") as caught:
        await found.renew()
    assert Code.INVALID_TRANSITION is caught.value.code


@pytest.mark.parametrize("seed", range(6))
async def test_of_many_renewals_at_once_one_is_ordered(seed: int) -> None:
    """The others are told which order it is."""
    found = await shop(seed)
    answers = await asyncio.gather(*(found.renew() for _ in range(5)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert 4 == len(refused)
    assert all("being renewed already" in answer.detail for answer in refused)
    await found.office.settle()
    assert 2 == len(found.world.events(CertificateIssued))


async def test_after_a_failure_it_may_be_renewed_again() -> None:
    """A failed order holds nobody up."""
    found = await shop()
    found.world.vault._private_keys.clear()
    await found.renew(key="same")
    await found.office.settle()
    assert 1 == len(found.world.events(OrderFailed))
    await found.successor()


@pytest.mark.parametrize("twice", [0.0, 1.0])
async def test_the_successor_is_pushed_to_every_connector(twice: float) -> None:
    """The same places, each with a work order that waits for its approval; what was open for the old one ends."""
    found = await shop(twice=twice)
    world = found.world
    bridge = await world.bridge()
    one = await world.connector(found.old, await world.target(bridge, "web-1", endpoint="10.0.0.1:443"))
    two = await world.connector(found.old, await world.target(bridge, "web-2"), profile="shop")
    plan = VerificationPlan(grace_seconds=600, every_seconds=3_600)
    await configure_verification(world.house, world.by("olga"), one, plan)
    before = await world.push(one)
    new_id = await found.successor(who="rita")
    ended = await world.order_state(before.id)
    assert (WorkOrderStatus.SUPERSEDED, SupersededReason.CERTIFICATE_RENEWED) == (ended.status, ended.ended_reason)
    added = [e for e in world.events(TargetSystemAssociated) if isinstance(e, TargetSystemAssociated)]
    places = {(e.target_system_id, e.profile, e.endpoints) for e in added if e.certificate_id == new_id}
    assert places == {
        (state.target_system_id, state.profile, state.endpoints)
        for state in (await world.connector_state(one), await world.connector_state(two))
    }
    renewed = {c.target_system_id: c for c in [await world.connector_state(cid) for cid in await _of(world, new_id)]}
    former = await world.connector_state(one)
    assert plan == renewed[former.target_system_id].verification
    asked = [
        (stream, e) for stream, e in world.history() if isinstance(e, PushRequested) and e.certificate_id == new_id
    ]
    assert 2 == len(asked)
    for order_id, event in asked:
        assert WorkOrderStatus.APPROVAL_PENDING is (await world.order_state(order_id)).status
        assert "rita" == event.meta.actor.on_behalf_of


async def _of(world: World, certificate_id: UUID) -> list[UUID]:
    await world.hints.catch_up()
    return await world.house.hints.connectors_of(certificate_id)


async def test_a_lost_answer_links_once() -> None:
    """The provider's answer is lost on the way; the second try records one successor, once."""
    found = await shop()
    of = WISH.provider
    unlucky = Unlucky(await found.issuers.of(of), times=2)
    again = found._replace(issuers=unlucky, office=Office(found.world, Field(), issuers=unlucky, twice=1.0))
    await again.successor()
    links = [event for event in found.world.events(CertificateRenewed) if isinstance(event, CertificateRenewed)]
    assert sorted([(True, False), (False, True)]) == sorted(
        (link.renewed_to is not None, link.renewed_from is not None) for link in links
    )


AUTOMATIC = HouseSettings(verification_pause=0.0, renewal=Renewal(automatic=True, after=0.5, spread=0.1, at_once=2))
DAY = 86_400


def successors(found: Shop) -> int:
    return len([event for event in found.world.events(CertificateRenewed) if getattr(event, "renewed_to", None)])


async def test_a_certificate_is_renewed_when_its_time_has_come() -> None:
    """Not before half of its thirty days, and not later than a tenth of them after; once; for whoever ordered it."""
    found = await shop(settings=AUTOMATIC)
    await found.office.later(15 * DAY - 60)
    assert 0 == successors(found)
    await found.office.later(3 * DAY + 120)
    assert 1 == successors(found)
    [link] = [event for event in found.world.events(CertificateRenewed) if getattr(event, "renewed_to", None)]
    assert "rita" == link.meta.actor.on_behalf_of
    await found.office.later(60)
    assert 1 == successors(found)


async def test_without_the_operators_wish_nothing_is_renewed() -> None:
    """It is off until it is set."""
    found = await shop()
    await found.office.later(29 * DAY)
    assert 0 == successors(found)


async def test_renewals_come_a_few_at_a_time() -> None:
    """Seven that are due: two in every minute, none twice."""
    found = await shop(settings=AUTOMATIC)
    for number in range(6):
        wish = msgspec.structs.replace(WISH, common_name=f"{number}.example.org")
        await submit_order(found.world.house, found.world.by("rita"), found.issuers, wish)
    await found.office.settle()
    await found.office.later(20 * DAY)
    counted = [successors(found)]
    for _ in range(4):
        await found.office.later(60)
        counted.append(successors(found))
    assert [2, 4, 6, 7, 7] == counted


async def test_a_failed_renewal_is_tried_again_on_the_next_day() -> None:
    """Not every minute; and what is revoked, or has its key elsewhere, is left alone."""
    found = await shop(settings=AUTOMATIC)
    unlucky = Refusing(await found.issuers.of(WISH.provider))
    office = Office(found.world, Field(), issuers=unlucky)
    await office.settle()
    await office.later(20 * DAY)
    for _ in range(3):
        await office.later(60)
    assert 1 == len(found.world.events(OrderFailed))
    await office.later(DAY)
    assert 2 == len(found.world.events(OrderFailed))
    loaded = await load(found.world.house, CERTIFICATE, found.old)
    revoked = CertificateRevoked(meta=found.world.by("olga").meta, reason="superseded")
    await append(found.world.house, found.world.by("olga"), write(loaded, (revoked,)))
    await office.later(DAY)
    assert 2 == len(found.world.events(OrderFailed))


async def test_a_policy_of_today_holds_for_renewals() -> None:
    """What it forbids is refused, the order exists as failed and holds nobody up; by itself it is tried once a day."""
    found = await shop(settings=AUTOMATIC)
    policy_id = await enact(found.world, IssuanceRule(name="short", maximum_validity_days=7))
    with pytest.raises(Refused) as caught:
        await found.renew()
    assert Code.POLICY_HARD_FAIL is caught.value.code
    order = await found.order(UUID(caught.value.extra["order_id"]))
    assert (OrderStatus.FAILED, found.old) == (order.status, order.parameters.renews)
    await found.office.later(20 * DAY)
    for _ in range(3):
        await found.office.later(60)
    assert 2 == len(found.world.events(PolicyHardFailed))
    await found.office.later(DAY)
    assert 3 == len(found.world.events(PolicyHardFailed))
    await registers.retire(found.world.house, found.world.by("ada"), KIND, policy_id)
    await found.successor()
