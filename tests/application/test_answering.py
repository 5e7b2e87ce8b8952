"""Orders at an offline CA: the request is downloaded, the answer uploaded; there is one certificate at the end."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from adapters.issuers.registered import Parts, Places, ProviderKinds, RegisteredIssuers
from adapters.issuing import Providers
from adapters.keys.authorities import certificate_pem
from adapters.keys.generating import generate_key
from adapters.x509.requests import read_request
from application import answering
from application.house import load
from application.importing import ImportCertificate, import_certificate
from application.ordering import Order, submit_order
from application.providing import DescribeProvider, register_provider
from domain.access import CommandRefused
from domain.alert import AlertRaised
from domain.certificate import CERTIFICATE, CertificateIssued, KeyOrigin
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    OrderCompleted,
    OrderParameters,
    OrderStatus,
    Provider,
    WantedConnector,
)
from domain.connector_events import TargetSystemAssociated
from domain.errors import Code, Refused
from tests.adapters.issuers.external.test_offline import NOW, ROOT, Paper
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World

OFFLINE = DescribeProvider(
    provider=Provider.EXTERNAL_CA,
    name="Vault in the cellar",
    settings={"kind": "offline", "issuers_pem": certificate_pem(ROOT.certificate)},
)
WISH = OrderParameters(
    provider=Provider.EXTERNAL_CA,
    common_name="www.example.org",
    subject_alternative_names=("10.0.0.1",),
    validity_days=90,
)


class Cellar:
    """A world with an offline CA and an order there."""

    def __init__(self) -> None:
        self.world = World()
        self.world.clock.at = NOW
        parts = Parts(generate_key, read_request, self.world.reader, self.world.vault, None)  # type: ignore[arg-type] # not shown
        self.issuers = Providers({}, RegisteredIssuers(self.world.house, parts, Places()))
        self.office = Office(self.world, Field(), twice=1.0, issuers=self.issuers)
        self.order_id = UUID(int=0)

    async def ordered(self, wish: OrderParameters = WISH) -> "Cellar":
        house, olga = self.world.house, self.world.by("olga")
        await register_provider(house, olga, ProviderKinds(Places()), OFFLINE)
        done = await submit_order(house, self.world.by("rita"), self.issuers, wish)
        self.order_id = done.result.id
        return self

    async def request(self) -> str:
        return await answering.read_request(self.world.house, self.issuers, self.order_id)

    async def signed(self) -> str:
        """Another certificate for the request, each time."""
        return await Paper().answer(key=read_request(await self.request()).public_key)

    async def upload(self, pem: str, name: str = "rita") -> Order:
        house, context = self.world.house, self.world.by(name)
        return (await answering.take_answer(house, context, self.issuers, self.order_id, pem, None)).result

    async def state(self) -> OrderStatus:
        return (await load(self.world.house, CERTIFICATE_ORDER, self.order_id)).found.status


async def test_the_answer_completes_the_order() -> None:
    """It waits as `processing`, alarming nobody; with the answer certificate and key are there, the notes are gone."""
    cellar = await Cellar().ordered()
    await cellar.office.settle()
    assert OrderStatus.PROCESSING is await cellar.state()
    done = await cellar.upload(await cellar.signed(), "olga")
    await cellar.office.settle()
    assert OrderStatus.COMPLETE is done.found.status
    assert done.found.certificate_id is not None
    certificate = (await load(cellar.world.house, CERTIFICATE, done.found.certificate_id)).found
    assert (KeyOrigin.GENERATED, "external_ca") == (certificate.key_origin, certificate.provider)
    assert await cellar.world.vault.has_private_key(done.found.certificate_id)
    assert cellar.order_id not in cellar.world.vault._secrets
    [completed] = cellar.world.events(OrderCompleted)
    assert "olga" == completed.meta.actor.id
    assert [] == cellar.world.events(AlertRaised)


async def test_connectors_are_added_when_people_bring_the_answer() -> None:
    """As they are when the service has carried the order itself: once, whoever reacts how often."""
    cellar = Cellar()
    target = await cellar.world.target(await cellar.world.bridge(), "web")
    wanted = (WantedConnector(target_system_id=target, endpoints=("10.0.0.1:443",)),)
    await cellar.ordered(msgspec.structs.replace(WISH, connectors=wanted))
    await cellar.office.settle()
    assert [] == cellar.world.events(TargetSystemAssociated)
    await cellar.upload(await cellar.signed(), "olga")
    await cellar.office.settle()
    [added] = cellar.world.events(TargetSystemAssociated)
    assert isinstance(added, TargetSystemAssociated)
    assert (target, "olga") == (added.target_system_id, added.meta.actor.on_behalf_of)


async def test_connectors_are_added_once_whoever_finds_the_order_complete() -> None:
    """The answer may be there before a worker is: then two reactions find a complete order. Nothing is refused, and
    what an operator has removed meanwhile stays removed.
    """
    cellar = Cellar()
    target = await cellar.world.target(await cellar.world.bridge(), "web")
    wanted = (WantedConnector(target_system_id=target, endpoints=("10.0.0.1:443",)),)
    await cellar.ordered(msgspec.structs.replace(WISH, connectors=wanted))
    await cellar.upload(await cellar.signed(), "olga")
    await cellar.office.settle()
    assert [target] == [each.target_system_id for each in cellar.world.events(TargetSystemAssociated)]  # type: ignore[attr-defined] # of that kind
    assert [] == cellar.world.events(CommandRefused)


async def test_an_answer_may_come_before_anybody_took_the_order_up() -> None:
    """The request is there as soon as somebody asks for it; what comes late finds a complete order."""
    cellar = await Cellar().ordered()
    await cellar.upload(await cellar.signed())
    await cellar.office.settle()
    assert OrderStatus.COMPLETE is await cellar.state()
    assert 1 == len(cellar.world.events(CertificateIssued))
    assert cellar.order_id not in cellar.world.vault._secrets


async def test_a_wrong_answer_is_refused_and_the_order_goes_on_waiting() -> None:
    """The refusal is history; the right answer is still taken."""
    cellar = await Cellar().ordered()
    with pytest.raises(Refused) as caught:
        await cellar.upload(await Paper().answer())
    assert (Code.VALIDATION_FAILED, "/certificate_pem") == (caught.value.code, caught.value.pointer)
    [refused] = cellar.world.events(CommandRefused)
    assert isinstance(refused, CommandRefused)
    assert "order.answer" == refused.action
    await cellar.upload(await cellar.signed())
    assert OrderStatus.COMPLETE is await cellar.state()


@pytest.mark.parametrize("seed", range(4))
async def test_of_two_answers_at_once_one_counts(seed: int) -> None:
    """Two people upload two certificates: one is in the inventory, the other is refused."""
    cellar = Cellar()
    cellar.world.random.seed(seed)
    await cellar.ordered()
    answers = [await cellar.signed(), await cellar.signed()]
    ends = await asyncio.gather(*(cellar.upload(pem) for pem in answers), return_exceptions=True)
    refused = [end for end in ends if isinstance(end, Refused)]
    assert [Code.INVALID_TRANSITION] == [each.code for each in refused]
    assert 1 == len(cellar.world.events(CertificateIssued))


async def test_a_complete_order_takes_and_gives_nothing_any_more() -> None:
    """Neither a second answer nor another request; no key is made for it again."""
    cellar = await Cellar().ordered()
    pem = await cellar.signed()
    await cellar.upload(pem)
    await cellar.office.settle()
    for late in (cellar.upload(pem), cellar.request()):
        with pytest.raises(Refused, match="is complete") as caught:
            await late
        assert Code.INVALID_TRANSITION is caught.value.code
    assert cellar.order_id not in cellar.world.vault._secrets


async def test_a_certificate_of_the_inventory_is_no_answer() -> None:
    """Somebody imported it: the order goes on waiting for another one."""
    cellar = await Cellar().ordered()
    pem = await cellar.signed()
    await import_certificate(
        cellar.world.house, cellar.world.by("olga"), cellar.world.reader, ImportCertificate(certificate_pem=pem)
    )
    with pytest.raises(Refused) as caught:
        await cellar.upload(pem)
    assert Code.ALREADY_EXISTS is caught.value.code
    await cellar.upload(await cellar.signed())
    assert OrderStatus.COMPLETE is await cellar.state()


async def test_an_order_that_the_service_carries_has_nothing_to_carry() -> None:
    """Local PKI is asked by the service itself."""
    cellar = Cellar()
    cellar.issuers = await local_pki(cellar.world)  # type: ignore[assignment] # providers
    wish = msgspec.structs.replace(WISH, provider=Provider.LOCAL_PKI)
    done = await submit_order(cellar.world.house, cellar.world.by("rita"), cellar.issuers, wish)
    cellar.order_id = done.result.id
    with pytest.raises(Refused, match="asked by the service itself"):
        await cellar.request()
