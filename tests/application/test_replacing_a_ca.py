"""A CA is compromised: what it issued, and nothing else, is ordered anew from another one."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest

from adapters.issuers.registered import Parts, Places, ProviderKinds, RegisteredIssuers
from adapters.keys.generating import generate_key
from adapters.x509.requests import read_request
from application import answering
from application.house import load
from application.issuing_ports import Issuers
from application.ordering import submit_order
from application.ports import ReplacementFigures
from application.providing import register_provider
from application.replacing import ReplaceCertificates, preview_replacement, request_replacement
from domain.certificate import CERTIFICATE, Certificate, CertificateIssued
from domain.certificate_order import CERTIFICATE_ORDER, OrderProcessing, OrderStatus, Provider
from domain.replacement import REPLACEMENT, ReplacementStatus
from domain.replacement_criteria import ReplacementCriteria
from tests.adapters.issuers.external.test_offline import NOW, Paper
from tests.application.test_answering import OFFLINE, WISH
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World


class Estate(NamedTuple):
    """Certificates of Local PKI and of a CA in the cellar, to which people carry the requests."""

    world: World
    issuers: Issuers
    office: Office

    async def order(self, provider: Provider, names: Sequence[str]) -> None:
        for name in names:
            wish = msgspec.structs.replace(
                WISH, provider=provider, common_name=name, subject_alternative_names=(name,), key_algorithm="ec-256"
            )
            await submit_order(self.world.house, self.world.by("rita"), self.issuers, wish)
        await self.office.settle()

    async def carry(self) -> None:
        """Every request that waits is answered by the CA in the cellar."""
        house = self.world.house
        for order_id in dict.fromkeys(s for s, event in self.world.history() if isinstance(event, OrderProcessing)):
            order = (await load(house, CERTIFICATE_ORDER, order_id)).found
            if order.status is OrderStatus.PROCESSING:
                request = await answering.read_request(house, self.issuers, order_id)
                names = (order.parameters.common_name,)
                pem = await Paper().answer(names=names, key=read_request(request).public_key)
                await answering.take_answer(house, self.world.by("olga"), self.issuers, order_id, pem, None)
        await self.office.settle()

    async def by(self, provider: Provider) -> dict[str, Certificate]:
        """What it has issued so far, by the end: the latest of each name."""
        issued = [stream for stream, event in self.world.history() if isinstance(event, CertificateIssued)]
        known = [(await load(self.world.house, CERTIFICATE, each)).found for each in issued]
        return {each.facts.common_name: each for each in known if each.provider == provider.value}

    async def replace(self, criteria: ReplacementCriteria, **wish: Any) -> UUID:
        command = ReplaceCertificates(criteria=criteria, reason="It is compromised.", **wish)
        return (await request_replacement(self.world.house, self.world.by("rita"), self.issuers, command)).result.id

    async def figures(self, replacement_id: UUID) -> ReplacementFigures:
        return await self.world.house.hints.replacement_figures(replacement_id)

    async def until_ended(self, replacement_id: UUID) -> ReplacementStatus:
        for _ in range(100):
            await self.office.later(2.0, timers=False)
            found = (await load(self.world.house, REPLACEMENT, replacement_id)).found
            if found.ended_at is not None:
                return found.status
        raise AssertionError(await self.figures(replacement_id))


OURS = ("a.example.org", "b.example.org", "c.example.org")
CELLAR = ("x.example.org", "y.example.org")


@pytest.fixture
async def estate() -> Estate:
    world = World(3)
    world.clock.at = NOW
    parts = Parts(generate_key, read_request, world.reader, world.vault, None)  # type: ignore[arg-type] # not shown
    issuers = await local_pki(world, RegisteredIssuers(world.house, parts, Places()))
    await register_provider(world.house, world.by("olga"), ProviderKinds(Places()), OFFLINE)
    found = Estate(world, issuers, Office(world, Field(), issuers=issuers))
    await found.order(Provider.LOCAL_PKI, OURS)
    await found.order(Provider.EXTERNAL_CA, CELLAR)
    await found.carry()
    return found


async def test_what_one_ca_key_issued_is_ordered_from_another_ca(estate: Estate) -> None:
    """By the key's identifier: each has its successor from the other CA, which is waited for; the others have none."""
    ours, theirs = await estate.by(Provider.LOCAL_PKI), await estate.by(Provider.EXTERNAL_CA)
    [compromised] = {each.facts.authority_key_id for each in ours.values()}
    [sound] = {each.facts.authority_key_id for each in theirs.values()}
    assert compromised is not None
    assert compromised != sound
    criteria = ReplacementCriteria(issuer_key_id=(compromised,))
    replacement_id = await estate.replace(criteria, provider=Provider.EXTERNAL_CA)
    await estate.office.settle()
    assert ReplacementFigures(0, 3, 0, 0, 0) == await estate.figures(replacement_id)
    await estate.office.later(10.0, timers=False)
    assert (await load(estate.world.house, REPLACEMENT, replacement_id)).found.status is ReplacementStatus.RUNNING
    await estate.carry()
    assert await estate.until_ended(replacement_id) is ReplacementStatus.COMPLETED
    assert ReplacementFigures(0, 0, 3, 0, 0) == await estate.figures(replacement_id)
    now = await estate.by(Provider.EXTERNAL_CA)
    assert {*OURS, *CELLAR} == set(now)
    assert {sound} == {each.facts.authority_key_id for each in now.values()}
    assert all(each.renewed_to is not None for each in (await estate.by(Provider.LOCAL_PKI)).values())
    assert theirs == {name: now[name] for name in CELLAR}


async def test_what_an_issuer_of_that_name_issued_is_ordered_from_local_pki(estate: Estate) -> None:
    """By a part of the issuer's name, whatever the case."""
    criteria = ReplacementCriteria(issuer=("offline ROOT",))
    assert (2, 0) == await preview_replacement(estate.world.house, estate.world.by("rita"), criteria)
    ours = await estate.by(Provider.LOCAL_PKI)
    replacement_id = await estate.replace(criteria, provider=Provider.LOCAL_PKI)
    assert await estate.until_ended(replacement_id) is ReplacementStatus.COMPLETED
    assert ReplacementFigures(0, 0, 2, 0, 0) == await estate.figures(replacement_id)
    now = await estate.by(Provider.LOCAL_PKI)
    assert {*OURS, *CELLAR} == set(now)
    assert ours == {name: now[name] for name in OURS}
    assert all(each.renewed_to is not None for each in (await estate.by(Provider.EXTERNAL_CA)).values())
