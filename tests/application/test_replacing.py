"""Mass replacement: planned once, ordered in batches within limits, each certificate alone, until all have ended."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

import pytest

from application.context import HouseSettings, ReplacementPace
from application.house import load
from application.issuer_ports import RequestedCertificate
from application.issuing_ports import IssuedCertificate, Issuer, Issuers
from application.ordering import submit_order
from application.replacing import (
    ReplaceCertificates,
    cancel_replacement,
    preview_replacement,
    request_replacement,
    retry_replacement,
)
from domain.certificate import CERTIFICATE, CertificateIssued
from domain.certificate_order import AutomatedRequestSubmitted, OrderParameters, Provider
from domain.connector_events import TargetSystemAssociated
from domain.errors import Code, Refused
from domain.replacement import (
    REPLACEMENT,
    Key,
    Replacement,
    ReplacementBatchOrdered,
    ReplacementBatchPlanned,
    ReplacementBatchRefused,
    ReplacementCompleted,
    ReplacementStatus,
)
from domain.replacement_criteria import ReplacementCriteria
from domain.work_order_events import PushRequested
from tests.application.test_ordering import Unlucky
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World

WEAK = ReplacementCriteria(key_algorithm=("ec-384",))


class Refusing(Unlucky):
    """A provider whose CA says no to some names."""

    def __init__(self, issuer: Issuer, names: Collection[str]) -> None:
        super().__init__(issuer, 0)
        self._names = names

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        if parameters.common_name in self._names:
            raise Refused(Code.VALIDATION_FAILED, "The CA refused.")
        return await super().issue(order_id, attempt, parameters)


class Choosy:
    """Providers that say no to `names`."""

    def __init__(self, issuers: Issuers) -> None:
        self._issuers = issuers
        self.names: set[str] = set()

    async def of(self, provider: Provider, provider_id: UUID | None = None) -> Issuer:
        return Refusing(await self._issuers.of(provider, provider_id), self.names)

    def requested(self, csr_pem: str) -> RequestedCertificate:
        return self._issuers.requested(csr_pem)


class Estate(NamedTuple):
    """A world with certificates of weak keys, and who replaces them."""

    world: World
    office: Office
    issuers: Choosy
    certificates: list[UUID]

    async def replace(self, criteria: ReplacementCriteria = WEAK, **wish: object) -> UUID:
        command = ReplaceCertificates(criteria=criteria, reason="too weak", **wish)  # type: ignore[arg-type]
        done = await request_replacement(self.world.house, self.world.by("rita"), self.issuers, command)
        return done.result.id

    async def state(self, replacement_id: UUID) -> Replacement:
        return (await load(self.world.house, REPLACEMENT, replacement_id)).found

    async def until_ended(self, replacement_id: UUID) -> Replacement:
        for _ in range(300):
            await self.office.later(2.0, timers=False)
            found = await self.state(replacement_id)
            if found.ended_at is not None:
                return found
        raise AssertionError(await self.state(replacement_id))


async def estate(count: int, *, pace: ReplacementPace = ReplacementPace(), twice: float = 0.0) -> Estate:
    world = World(1, settings=HouseSettings(replacement=pace))
    issuers = Choosy(await local_pki(world))
    office = Office(world, Field(), issuers=issuers, twice=twice)
    for number in range(count):
        name = f"www{number:03}.example.org"
        wish = OrderParameters(
            provider=Provider.LOCAL_PKI,
            common_name=name,
            subject_alternative_names=(name,),
            key_algorithm="ec-384",
            validity_days=90,
        )
        await submit_order(world.house, world.by("rita"), issuers, wish)
    await office.settle()
    made = [stream for stream, event in world.history() if isinstance(event, CertificateIssued)]
    return Estate(world, office, issuers, made)


@pytest.mark.parametrize("twice", [0.0, 1.0])
async def test_all_that_is_meant_is_replaced_whatever_runs_twice(twice: float) -> None:
    """By stronger keys, each once, linked to its successor, which is to be pushed where the old one is."""
    found = await estate(60, twice=twice)
    world = found.world
    await world.connector(certificate_id=found.certificates[0])
    replacement_id = await found.replace(key_algorithm="ec-256")
    state = await found.until_ended(replacement_id)
    assert (ReplacementStatus.COMPLETED, 60, 2) == (state.status, state.certificates, state.batches)
    [completed] = world.events(ReplacementCompleted)
    assert isinstance(completed, ReplacementCompleted)
    assert (60, 0, 0) == (completed.complete, completed.failed, completed.skipped)
    submitted = world.events(AutomatedRequestSubmitted)
    orders = [each.parameters for each in submitted if isinstance(each, AutomatedRequestSubmitted)]
    ours = [each for each in orders if each.replacement_id == replacement_id]
    assert {("ec-256", 1)} == {(each.key_algorithm, sum(o.renews == each.renews for o in ours)) for each in ours}
    assert set(found.certificates) == {each.renews for each in ours}
    for old in found.certificates:
        successor = (await load(world.house, CERTIFICATE, old)).found.renewed_to
        assert successor is not None
        assert (await load(world.house, CERTIFICATE, successor)).found.facts.algorithm == "ec-256"
    assert (2, 1) == (len(world.events(TargetSystemAssociated)), len(world.events(PushRequested)))
    [push] = world.events(PushRequested)
    assert push.meta.actor.on_behalf_of == "rita"


async def test_one_that_fails_holds_up_nobody_and_can_be_retried() -> None:
    """What the CA refuses, and what was not ordered here, is told of; the next round leaves the others alone."""
    found = await estate(5)
    world = found.world
    await world.certificate()  # imported
    found.issuers.names.add("www002.example.org")
    everything = ReplacementCriteria(issuer=("=",))
    replacement_id = await found.replace(everything)
    await found.until_ended(replacement_id)
    [completed] = world.events(ReplacementCompleted)
    assert isinstance(completed, ReplacementCompleted)
    assert (4, 2) == (completed.complete, completed.failed)
    [refused] = world.events(ReplacementBatchRefused)
    assert isinstance(refused, ReplacementBatchRefused)
    assert "not ordered here" in refused.refused[0].detail
    found.issuers.names.clear()
    await retry_replacement(world.house, world.by("rita"), replacement_id)
    state = await found.until_ended(replacement_id)
    last = world.events(ReplacementCompleted)[-1]
    assert isinstance(last, ReplacementCompleted)
    assert (2, 5, 1) == (state.round, last.complete, last.failed)
    assert 10 == len(world.events(CertificateIssued))


async def test_orders_are_made_no_faster_than_the_pace_allows() -> None:
    """Not all batches at once, and none while too many orders are under way."""
    found = await estate(120, pace=ReplacementPace(per_minute=600, under_way=50))
    world = found.world
    replacement_id = await found.replace()
    await found.office.settle()
    assert 3 == len(world.events(ReplacementBatchPlanned))
    assert 1 == len(world.events(ReplacementBatchOrdered))
    await found.office.later(2.0, timers=False)
    assert 1 == len(world.events(ReplacementBatchOrdered))
    await found.office.later(4.0, timers=False)
    assert 2 == len(world.events(ReplacementBatchOrdered))
    assert (await found.until_ended(replacement_id)).status is ReplacementStatus.COMPLETED


async def test_a_cancelled_one_orders_no_more_until_it_is_taken_up_again() -> None:
    """What was ordered before goes on to its end."""
    found = await estate(70, pace=ReplacementPace(per_minute=60, under_way=500))
    world = found.world
    replacement_id = await found.replace()
    await found.office.settle()
    await cancel_replacement(world.house, world.by("rita"), replacement_id)
    await found.office.later(600.0, timers=False)
    assert 120 == len(world.events(CertificateIssued))
    await retry_replacement(world.house, world.by("rita"), replacement_id)
    for _ in range(5):
        await found.office.later(60.0, timers=False)
    assert (await found.state(replacement_id)).status is ReplacementStatus.COMPLETED
    assert 140 == len(world.events(CertificateIssued))


async def test_what_would_be_replaced_can_be_asked_before() -> None:
    """Nothing is recorded; what cannot be ordered is counted apart; a filter that says nothing is refused."""
    found = await estate(3)
    world = found.world
    await world.certificate()
    head = await world.house.log.head()
    preview = await preview_replacement(world.house, world.by("rita"), ReplacementCriteria(issuer=("=",)))
    assert ((4, 1), head) == (preview, await world.house.log.head())
    with pytest.raises(Refused):
        await found.replace(ReplacementCriteria())
    with pytest.raises(Refused, match="same algorithm"):
        await found.replace(key=Key.SAME, key_algorithm="ec-256")
