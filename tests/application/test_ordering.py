"""Orders: submitted, processed by a reaction, complete or failed; nothing is issued twice, whatever happens between."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from adapters.issuing import Providers
from adapters.x509.requests import read_request
from application import pem
from application.house import Done, Loaded, load
from application.importing import ImportCertificate, import_certificate
from application.issuer_ports import RequestedCertificate
from application.issuing_ports import IssuedCertificate, Issuer, Issuers, RevokedCertificate
from application.order_processing import process_order
from application.ordering import resubmit_order, submit_order
from application.ports import LogUnavailable
from application.renewal_ports import Suggestion
from domain.alert import AlertRaised, AlertResolved
from domain.certificate import CERTIFICATE, CertificateIssued, KeyOrigin
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    AutomatedRequestSubmitted,
    CertificateOrder,
    OrderCompleted,
    OrderFailed,
    OrderParameters,
    OrderProcessing,
    OrderStatus,
    Provider,
    WantedConnector,
)
from domain.connector_events import TargetSystemAssociated
from domain.errors import Code, Refused
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World, request_for_a_bridge

WISH = OrderParameters(
    provider=Provider.LOCAL_PKI,
    common_name="www.example.org",
    subject_alternative_names=("shop.example.org",),
    validity_days=30,
)


async def _submitted(world: World, issuers: Issuers, wish: OrderParameters = WISH) -> Done[Loaded[CertificateOrder]]:
    return await submit_order(world.house, world.by("rita"), issuers, wish)


async def _order(world: World, order_id: UUID) -> CertificateOrder:
    return (await load(world.house, CERTIFICATE_ORDER, order_id)).found


class Unlucky:
    """An issuer whose answers get lost `times` times, after it has issued; and which dies instead of forgetting."""

    def __init__(self, issuer: Issuer, times: int, *, forgets: bool = True) -> None:
        self._issuer = issuer
        self._times = times
        self._forgets = forgets
        self.forgotten: list[UUID] = []

    async def of(self, provider: Provider, provider_id: UUID | None = None) -> Issuer:
        return self

    def requested(self, csr_pem: str) -> RequestedCertificate:
        return read_request(csr_pem)

    def check(self, parameters: OrderParameters) -> None:
        self._issuer.check(parameters)

    def answers_at_once(self, parameters: OrderParameters) -> bool:
        return self._issuer.answers_at_once(parameters)

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        issued = await self._issuer.issue(order_id, attempt, parameters)
        if self._times:
            self._times -= 1
            raise LogUnavailable("lost on the way")
        return issued

    async def forget(self, order_id: UUID, attempt: int) -> None:
        if not self._forgets:
            raise LogUnavailable("died")
        self.forgotten.append(order_id)
        await self._issuer.forget(order_id, attempt)

    async def suggested(self, facts: CertificateFacts) -> Suggestion | None:
        return await self._issuer.suggested(facts)

    async def revoke(self, revoked: RevokedCertificate) -> str:
        return await self._issuer.revoke(revoked)


async def test_an_order_is_pending_then_complete() -> None:
    """Submitting answers at once; the certificate, with its key in the vault, and the order are recorded together."""
    world = World()
    issuers = await local_pki(world)
    done = await _submitted(world, issuers)
    assert OrderStatus.PENDING is done.result.found.status
    await Office(world, Field(), issuers=issuers).settle()
    order = await _order(world, done.result.id)
    assert (OrderStatus.COMPLETE, "rita") == (order.status, order.requested_by.id)
    assert order.certificate_id is not None
    certificate = (await load(world.house, CERTIFICATE, order.certificate_id)).found
    assert certificate.facts.subject_alternative_names == ("www.example.org", "shop.example.org")
    assert (KeyOrigin.GENERATED, done.result.id) == (certificate.key_origin, certificate.order_id)
    assert await world.vault.has_private_key(order.certificate_id)
    assert [OrderProcessing, OrderCompleted] == [
        type(e) for e in world.events(OrderProcessing, OrderCompleted, OrderFailed)
    ]


class Asked(Unlucky):
    """An issuer that looks at what the ledger tells of an order when it is asked."""

    def __init__(self, issuer: Issuer, world: World) -> None:
        super().__init__(issuer, times=0)
        self._world = world
        self.found: list[OrderStatus] = []

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        self.found.append((await _order(self._world, order_id)).status)
        return await super().issue(order_id, attempt, parameters)


class Overtaken(Unlucky):
    """An issuer that is asked by a worker that stood still meanwhile: another one has carried the order to its end."""

    def __init__(self, issuer: Issuer, carry: Callable[[], Awaitable[object]]) -> None:
        super().__init__(issuer, times=0)
        self._carry = carry

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        await self._carry()
        return await super().issue(order_id, attempt, parameters)


@pytest.mark.parametrize("key_algorithm", [None, "rsa-2048"])
async def test_a_worker_that_was_held_to_be_dead_changes_nothing(key_algorithm: str | None) -> None:
    """Its outcome is the one that is recorded, and the key of its own certificate is nowhere."""
    world = World()
    issuers = await local_pki(world)
    job = world.by("rita")
    order_id = (await _submitted(world, issuers, msgspec.structs.replace(WISH, key_algorithm=key_algorithm))).result.id
    first: list[UUID | None] = []

    async def carry() -> None:
        first.append((await process_order(world.house, job, issuers, order_id)).result.found.certificate_id)

    late = Overtaken(await issuers.of(Provider.LOCAL_PKI), carry)
    done = await process_order(world.house, job, late, order_id)
    assert [done.result.found.certificate_id] == first
    assert (await _order(world, order_id)) == done.result.found
    assert set(first) == set(world.vault._private_keys)


@pytest.mark.parametrize(
    ("key_algorithm", "found"),
    [(None, OrderStatus.PENDING), ("ed25519", OrderStatus.PENDING), ("rsa-2048", OrderStatus.PROCESSING)],
)
async def test_what_is_answered_at_once_is_recorded_at_once(key_algorithm: str | None, found: OrderStatus) -> None:
    """That it is processed stands in the ledger either way; before the outcome only where that takes its time."""
    world = World()
    asked = Asked(await (await local_pki(world)).of(Provider.LOCAL_PKI), world)
    await _submitted(world, asked, msgspec.structs.replace(WISH, key_algorithm=key_algorithm))
    await Office(world, Field(), issuers=asked).settle()
    assert [found] == asked.found
    kinds = AutomatedRequestSubmitted, OrderProcessing, OrderCompleted
    assert list(kinds) == [type(event) for event in world.events(*kinds)]


async def test_a_refusal_at_once_was_processed_too() -> None:
    """The events of an order tell the same story, however short it was."""
    world = World()
    refusing = Slow(
        await (await local_pki(world)).of(Provider.LOCAL_PKI), world, Refused(Code.VALIDATION_FAILED, "No.")
    )
    done = await _submitted(world, refusing)
    await process_order(world.house, world.by("process-order"), refusing, done.result.id)
    await process_order(world.house, world.by("process-order"), refusing, done.result.id)
    assert [OrderProcessing, OrderFailed] == [type(e) for e in world.events(OrderProcessing, OrderFailed)]


class Slow(Unlucky):
    """An issuer that takes its time, and then refuses where it is told to."""

    def __init__(self, issuer: Issuer, world: World, refusal: Refused | None) -> None:
        super().__init__(issuer, times=0)
        self._world, self._refusal = world, refusal

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        self._world.pass_time(90)
        if self._refusal is not None:
            raise self._refusal
        return await super().issue(order_id, attempt, parameters)


@pytest.mark.parametrize("refusal", [None, Refused(Code.VALIDATION_FAILED, "Not this name.")])
async def test_an_order_lasts_until_its_answer_is_there(refusal: Refused | None) -> None:
    """What the provider takes counts: the end is that of the answer, not that of the question."""
    world = World()
    slow = Slow(await (await local_pki(world)).of(Provider.LOCAL_PKI), world, refusal)
    done = await _submitted(world, slow)
    await process_order(world.house, world.by("process-order"), slow, done.result.id)
    assert (await _order(world, done.result.id)).duration == timedelta(seconds=90)


@pytest.mark.parametrize("seed", range(5))
async def test_processing_twice_issues_once(seed: int) -> None:
    """Every reaction runs twice, in any interleaving: one certificate, one completed order."""
    world = World(seed)
    issuers = await local_pki(world)
    await _submitted(world, issuers)
    await Office(world, Field(), twice=1.0, issuers=issuers).settle()
    assert (1, 1) == (len(world.events(CertificateIssued)), len(world.events(OrderCompleted)))


async def test_an_answer_lost_after_issuing_is_the_same_when_asked_again() -> None:
    """A crash between the provider's answer and the record: the second try gets the very same certificate."""
    world = World()
    unlucky = Unlucky(await (await local_pki(world)).of(Provider.LOCAL_PKI), times=2)
    done = await _submitted(world, unlucky)
    context = world.by("process-order")
    issuer = await (await local_pki(world)).of(Provider.LOCAL_PKI)
    seen = [(await issuer.issue(done.result.id, 1, WISH)).leaf.facts.serial_number]
    for _ in range(2):
        with pytest.raises(LogUnavailable):
            await process_order(world.house, context, unlucky, done.result.id)
    await process_order(world.house, context, unlucky, done.result.id)
    [issued] = world.events(CertificateIssued)
    assert isinstance(issued, CertificateIssued)
    assert seen == [issued.facts.serial_number]
    assert unlucky.forgotten == [done.result.id]


async def test_the_kept_copy_of_the_key_is_forgotten() -> None:
    """Once the order is complete the key lies in one place only."""
    world = World()
    issuers = await local_pki(world)
    done = await _submitted(world, issuers)
    await Office(world, Field(), issuers=issuers).settle()
    assert await world.vault.kept(done.result.id, "order attempt 1") is None


async def test_the_kept_copy_is_forgotten_when_the_order_fails_after_issuing() -> None:
    """What the provider gave cannot be recorded: nobody will ask for it again, and no key of it stays behind, also when
    the service dies just before it forgets.
    """
    world = World()
    issuer = await (await local_pki(world)).of(Provider.LOCAL_PKI)
    done = await _submitted(world, Unlucky(issuer, times=0))
    given = await issuer.issue(done.result.id, 1, WISH)
    wish = ImportCertificate(certificate_pem=pem.certificates((given.leaf.der,)))
    await import_certificate(world.house, world.by("olga"), world.reader, wish)
    with pytest.raises(LogUnavailable):
        await process_order(world.house, world.by("process"), Unlucky(issuer, times=0, forgets=False), done.result.id)
    assert OrderStatus.FAILED is (await _order(world, done.result.id)).status
    assert await world.vault.kept(done.result.id, "order attempt 1") is not None
    await process_order(world.house, world.by("process"), Unlucky(issuer, times=0), done.result.id)
    assert await world.vault.kept(done.result.id, "order attempt 1") is None
    assert 1 == len(world.events(OrderFailed))


async def test_with_a_csr_the_key_stays_with_the_sender() -> None:
    """No key in the vault; the certificate says so, and its names are the order's."""
    world = World()
    issuers = await local_pki(world)
    wish = msgspec.structs.replace(WISH, csr_pem=request_for_a_bridge())
    done = await _submitted(world, issuers, wish)
    assert "csr" == done.result.found.mode
    await Office(world, Field(), issuers=issuers).settle()
    certificate_id = (await _order(world, done.result.id)).certificate_id
    assert certificate_id is not None
    assert KeyOrigin.NONE is (await load(world.house, CERTIFICATE, certificate_id)).found.key_origin
    assert not await world.vault.has_private_key(certificate_id)


async def test_a_refusing_provider_fails_the_order_and_resubmitting_mends_it() -> None:
    """The error and the parameters are kept, an alert is raised; the order can be tried again and resolves it."""
    world = World()
    good = await local_pki(world)
    done = await _submitted(world, good)
    office = Office(world, Field(), issuers=Providers({}))
    await office.settle()
    order = await _order(world, done.result.id)
    assert (OrderStatus.FAILED, WISH) == (order.status, order.parameters)
    assert "not set up" in (order.error or "")
    assert 1 == len(world.events(AlertRaised))

    again = await resubmit_order(world.house, world.by("rita"), good, done.result.id)
    assert (OrderStatus.PENDING, 2) == (again.result.found.status, again.result.found.attempt)
    await process_order(world.house, world.by("process-order"), good, done.result.id)
    await office.settle()
    assert OrderStatus.COMPLETE is (await _order(world, done.result.id)).status
    assert 1 == len(world.events(AlertResolved))


async def test_only_failed_orders_can_be_resubmitted() -> None:
    """A complete order stays complete."""
    world = World()
    issuers = await local_pki(world)
    done = await _submitted(world, issuers)
    await Office(world, Field(), issuers=issuers).settle()
    with pytest.raises(Refused) as caught:
        await resubmit_order(world.house, world.by("rita"), issuers, done.result.id)
    assert Code.INVALID_TRANSITION is caught.value.code


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"provider": Provider.ACME}, "/provider"),
        ({"common_name": "under_score.example"}, "/common_name"),
        ({"subject_alternative_names": ("a.example", "-")}, "/subject_alternative_names/1"),
        ({"validity_days": 0}, "/validity_days"),
        ({"key_algorithm": "rsa-1024"}, "/key_algorithm"),
        ({"usage": "everything"}, "/usage"),
        ({"csr_pem": "-----BEGIN NOTHING-----"}, "/csr_pem"),
        ({"connectors": (WantedConnector(target_system_id=UUID(int=1)),)}, "/connectors/0/target_system_id"),
        (
            {"connectors": (WantedConnector(target_system_id=UUID(int=1), endpoints=("x",)),)},
            "/connectors/0/endpoints/0",
        ),
    ],
)
async def test_what_cannot_be_issued_is_refused_at_its_field(changes: dict[str, object], pointer: str) -> None:
    """At submission, before anything is recorded as an order."""
    world = World()
    with pytest.raises(Refused) as caught:
        await _submitted(world, await local_pki(world), msgspec.structs.replace(WISH, **changes))
    assert (Code.VALIDATION_FAILED, pointer) == (caught.value.code, caught.value.pointer)


async def test_wanted_connectors_are_added_each_on_its_own() -> None:
    """A target system that was retired meanwhile takes nothing from the others."""
    from application.registering import retire_target

    world = World()
    issuers = await local_pki(world)
    bridge = await world.bridge()
    first, second = await world.target(bridge, "one"), await world.target(bridge, "two")
    wanted = tuple(WantedConnector(target_system_id=each, endpoints=("10.0.0.1:443",)) for each in (first, second))
    done = await _submitted(world, issuers, msgspec.structs.replace(WISH, connectors=wanted))
    await retire_target(world.house, world.by("olga"), first)
    await Office(world, Field(), twice=1.0, issuers=issuers).settle()
    assert OrderStatus.COMPLETE is (await _order(world, done.result.id)).status
    [added] = world.events(TargetSystemAssociated)
    assert isinstance(added, TargetSystemAssociated)
    assert (second, "rita") == (added.target_system_id, added.meta.actor.on_behalf_of)
