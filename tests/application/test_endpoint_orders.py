"""Orders whose key is made on the target system: asked of its bridge, issued once, never waited for without end."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.x509.requests import read_request
from application.context import HouseSettings
from application.endpoint_csr import refuse_csr, take_csr
from application.endpoint_keys import ENDPOINT_CSR, Endpoint
from application.errands import LeasedErrand, lease_errands
from application.house import load
from application.implementing import Dialog, approve_push
from application.issuing_ports import Issuers
from application.ordering import resubmit_order, submit_order
from application.pushing import RequestPush, request_push
from application.registering import DescribeTarget, register_target, retire_target
from application.renewing import RenewCertificate, renew_certificate
from domain.access import CommandRefused
from domain.alert import AlertKind, AlertRaised
from domain.bridge import BridgeDisconnected
from domain.certificate import CERTIFICATE, CertificateIssued, CertificateRenewed, KeyOrigin
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    CertificateOrder,
    EndpointCsrRequestSubmitted,
    OrderCompleted,
    OrderCsrReceived,
    OrderFailed,
    OrderParameters,
    OrderStatus,
    Provider,
    WantedConnector,
)
from domain.connector_events import TargetSystemAssociated
from domain.entity import ActorKind
from domain.errors import Code, Refused
from domain.work_order_events import PushRequested
from tests.application.test_renewing import AUTOMATIC, DAY
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World

NGINX = Endpoint(frozenset({"nginx"}))


def request_pem(*names: str, common_name: str = "www.example.org", key: Any = None) -> str:
    """What a bridge sends."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    )
    san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    made = builder.add_extension(san, critical=False).sign(
        key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()
    )
    return made.public_bytes(Encoding.PEM).decode()


RIGHT = ("www.example.org", "shop.example.org")


class Scene:
    """One order through one bridge."""

    def __init__(self, world: World, issuers: Issuers, office: Office, bridge: UUID, target: UUID) -> None:
        self.world = world
        self.issuers = issuers
        self.office = office
        self.bridge = bridge
        self.target = target
        self.order_id = UUID(int=0)

    @classmethod
    async def open(cls, *, twice: float = 0.0, settings: HouseSettings | None = None) -> "Scene":
        world = World(settings=settings)
        bridge = await world.bridge()
        target = await world.target(bridge)
        issuers = await local_pki(world)
        office = Office(world, Field(), twice=twice, issuers=issuers)
        return cls(world, issuers, office, bridge, target)

    def wish(self, **different: Any) -> OrderParameters:
        usual = OrderParameters(
            provider=Provider.LOCAL_PKI,
            common_name="www.example.org",
            subject_alternative_names=("Shop.example.org",),
            key_algorithm="ec-256",
            validity_days=30,
            connectors=(WantedConnector(target_system_id=self.target),),
        )
        return msgspec.structs.replace(usual, **different)

    async def submit(self, **different: Any) -> "Scene":
        wish = self.wish(**different)
        done = await submit_order(self.world.house, self.world.by("rita"), self.issuers, wish, endpoint=NGINX)
        self.order_id = done.result.id
        await self.office.settle()
        return self

    async def leased(self) -> list[LeasedErrand]:
        return await lease_errands(self.world.house, self.bridge, 10)

    async def answer(self, errand_id: UUID, *names: str, **different: Any) -> None:
        context = self.world.by(str(self.bridge), kind=ActorKind.BRIDGE)
        pem = request_pem(*(names or RIGHT), **different)
        await take_csr(self.world.house, context, read_request, errand_id, pem)
        lease = await self.world.house.leases.find(errand_id)
        assert lease is not None
        await self.world.house.leases.release(errand_id, lease.fence)
        await self.office.settle()

    async def renewals(self) -> list[OrderStatus]:
        """Of the orders that renew, in the order in which they were made."""
        renewing = [
            stream
            for stream, event in self.world.history()
            if isinstance(event, EndpointCsrRequestSubmitted) and event.parameters.renews is not None
        ]
        return [(await load(self.world.house, CERTIFICATE_ORDER, each)).found.status for each in renewing]

    @property
    async def order(self) -> CertificateOrder:
        return (await load(self.world.house, CERTIFICATE_ORDER, self.order_id)).found


@pytest.mark.parametrize("twice", [0.0, 1.0])
async def test_from_order_to_connector(twice: float) -> None:
    """The bridge is asked for a key and a request with the names of the order; then it is issued, once, without a key
    in the vault, and the connector is added. Also when every reaction runs twice.
    """
    scene = await (await Scene.open(twice=twice)).submit()
    assert ((await scene.order).status, (await scene.order).mode) == (OrderStatus.PROCESSING, ENDPOINT_CSR)
    [leased] = await scene.leased()
    assert leased.wanted == ("ec-256", "www.example.org", RIGHT)
    await scene.answer(leased.errand.id)
    order = await scene.order
    assert (order.status, order.error) == (OrderStatus.COMPLETE, None)
    assert order.certificate_id is not None
    certificate = (await load(scene.world.house, CERTIFICATE, order.certificate_id)).found
    assert (certificate.key_origin, certificate.key_target_system_id) == (KeyOrigin.ENDPOINT, scene.target)
    assert not await scene.world.vault.has_private_key(order.certificate_id)
    counted = [len(scene.world.events(kind)) for kind in (CertificateIssued, OrderCompleted, TargetSystemAssociated)]
    assert counted == [1, 1, 1]


async def test_the_first_request_counts() -> None:
    """Another one, and one that comes after the order has ended, change nothing."""
    scene = await (await Scene.open()).submit()
    [leased] = await scene.leased()
    for _ in range(3):
        await scene.answer(leased.errand.id)
    assert len(scene.world.events(OrderCsrReceived)) == len(scene.world.events(CertificateIssued)) == 1
    assert await scene.leased() == []


@pytest.mark.parametrize(
    ("names", "different", "said"),
    [
        ((*RIGHT, "evil.example.org"), {}, "evil.example.org"),
        (RIGHT, {"common_name": "evil.example.org"}, "evil.example.org"),
        (RIGHT[:1], {}, "does not ask for shop.example.org"),
        (RIGHT, {"key": ec.generate_private_key(ec.SECP384R1())}, "ec-384"),
    ],
)
async def test_a_bridge_gets_no_other_certificate(names: tuple[str, ...], different: dict[str, Any], said: str) -> None:
    """A request for another name, or by another kind of key, fails the order and says why."""
    scene = await (await Scene.open()).submit()
    [leased] = await scene.leased()
    await scene.answer(leased.errand.id, *names, **different)
    order = await scene.order
    assert order.status is OrderStatus.FAILED
    assert said in str(order.error)
    assert scene.world.events(CertificateIssued) == []


async def test_no_order_waits_for_ever() -> None:
    """The bridge does not come: the order fails at the deadline; submitted again, it is asked anew, and a word on the
    first attempt comes too late.
    """
    scene = await (await Scene.open()).submit()
    [first] = await scene.leased()
    await scene.office.later(seconds=300)
    assert "did not answer in time" in str((await scene.order).error)
    await resubmit_order(scene.world.house, scene.world.by("rita"), scene.issuers, scene.order_id)
    await scene.office.settle()
    await scene.answer(first.errand.id)
    assert (await scene.order).status is OrderStatus.PROCESSING
    [second] = await scene.leased()
    await scene.answer(second.errand.id)
    assert (await scene.order).status is OrderStatus.COMPLETE
    assert len(scene.world.events(OrderFailed)) == 1


async def test_what_the_target_could_not_do_ends_the_order() -> None:
    """With the bridge's own words."""
    scene = await (await Scene.open()).submit()
    [leased] = await scene.leased()
    context = scene.world.by(str(scene.bridge), kind=ActorKind.BRIDGE)
    await refuse_csr(scene.world.house, context, leased.errand.id, "No space left on device.")
    assert (await scene.order).error == "No space left on device."


async def test_a_successor_has_its_key_made_there_too() -> None:
    """Renewed: the same target system is asked for a new key; neither the same one nor another request is taken."""
    scene = await (await Scene.open()).submit()
    [leased] = await scene.leased()
    await scene.answer(leased.errand.id)
    certificate_id = (await scene.order).certificate_id
    assert certificate_id is not None
    for different, pointer in (({"key": "same"}, "/key"), ({"csr_pem": request_pem(*RIGHT)}, "/csr_pem")):
        wish = RenewCertificate(certificate_id=certificate_id, **different)  # type: ignore[arg-type] # one of them
        with pytest.raises(Refused) as refused:
            await renew_certificate(scene.world.house, scene.world.by("rita"), scene.issuers, wish)
        assert refused.value.pointer == pointer
    wish = RenewCertificate(certificate_id=certificate_id)
    done = await renew_certificate(scene.world.house, scene.world.by("rita"), scene.issuers, wish)
    scene.order_id = done.result.id
    await scene.office.settle()
    [again] = await scene.leased()
    await scene.answer(again.errand.id)
    successor = (await scene.order).certificate_id
    assert successor is not None
    found = (await load(scene.world.house, CERTIFICATE, successor)).found
    assert (found.key_origin, found.key_target_system_id) == (KeyOrigin.ENDPOINT, scene.target)
    assert found.renewed_from == certificate_id


async def test_what_follows_the_request_is_in_the_name_of_who_ordered() -> None:
    """The bridge brings the request and decides nothing: whoever renews cannot approve the push of the successor."""
    scene = await ready_to_renew()
    world = scene.world
    certificate_id = (await scene.order).certificate_id
    assert certificate_id is not None
    [added] = world.events(TargetSystemAssociated)
    assert added.meta.actor.on_behalf_of == "rita"
    wish = RenewCertificate(certificate_id=certificate_id)
    scene.order_id = (await renew_certificate(world.house, world.by("anton"), scene.issuers, wish)).result.id
    await scene.office.settle()
    [leased] = await scene.leased()
    await scene.answer(leased.errand.id)
    assert (await scene.order).status is OrderStatus.COMPLETE
    [(work_order_id, requested)] = [each for each in world.history() if isinstance(each[1], PushRequested)]
    assert requested.meta.actor.on_behalf_of == "anton"
    with pytest.raises(Refused):
        await approve_push(world.house, world.by("anton"), work_order_id, Dialog())
    await approve_push(world.house, world.by("rita"), work_order_id, Dialog())


async def ready_to_renew() -> Scene:
    """Its key was made on the target; its thirty days are renewed by themselves when half of them are over."""
    scene = await (await Scene.open(settings=AUTOMATIC)).submit()
    [leased] = await scene.leased()
    await scene.answer(leased.errand.id)
    return scene


async def test_it_is_renewed_by_itself() -> None:
    """When its time has come the target system is asked for a new key, once; the successor is issued with that."""
    scene = await ready_to_renew()
    await scene.office.later(15 * DAY - 60)
    assert [] == await scene.leased()
    await scene.office.later(3 * DAY + 120)
    [leased] = await scene.leased()
    await scene.answer(leased.errand.id)
    [_, successor] = [event for event in scene.world.events(CertificateIssued) if isinstance(event, CertificateIssued)]
    assert (successor.key_origin, successor.key_target_system_id) == (KeyOrigin.ENDPOINT, scene.target)
    [link] = [event for event in scene.world.events(CertificateRenewed) if getattr(event, "renewed_to", None)]
    assert link.meta.actor.on_behalf_of == "rita"
    await scene.office.later(60)
    assert [OrderStatus.COMPLETE] == await scene.renewals()


async def test_a_bridge_that_is_away_holds_up_its_own_renewals_alone() -> None:
    """The order fails when nobody has answered, and raises an alert; another certificate is renewed meanwhile. On the
    next day it is tried again, not every minute.
    """
    scene = await ready_to_renew()
    here = scene.wish(common_name="here.example.org", subject_alternative_names=(), connectors=())
    await submit_order(scene.world.house, scene.world.by("rita"), scene.issuers, here)
    await scene.office.settle()
    await scene.office.later(20 * DAY)
    assert scene.world.events(BridgeDisconnected)
    assert (3, [OrderStatus.PROCESSING]) == (len(scene.world.events(CertificateIssued)), await scene.renewals())
    for _ in range(5):
        await scene.office.later(60)
    assert [OrderStatus.FAILED] == await scene.renewals()
    raised = [event.kind for event in scene.world.events(AlertRaised) if isinstance(event, AlertRaised)]
    assert 1 == raised.count(AlertKind.ORDER_FAILED)
    await scene.office.later(DAY)
    [leased] = await scene.leased()
    await scene.answer(leased.errand.id)
    assert [OrderStatus.FAILED, OrderStatus.COMPLETE] == await scene.renewals()


async def test_on_a_retired_target_no_key_is_made_any_more() -> None:
    """Its certificate could be pushed nowhere: by hand the renewal is refused, by itself once a day."""
    scene = await ready_to_renew()
    certificate_id = (await scene.order).certificate_id
    assert certificate_id is not None
    await retire_target(scene.world.house, scene.world.by("olga"), scene.target)
    wish = RenewCertificate(certificate_id=certificate_id)
    with pytest.raises(Refused, match="is retired") as refused:
        await renew_certificate(scene.world.house, scene.world.by("rita"), scene.issuers, wish)
    assert refused.value.code is Code.INVALID_TRANSITION
    await scene.office.later(20 * DAY)
    await scene.office.later(60)
    assert [] == await scene.renewals()
    assert 2 == len(scene.world.events(CommandRefused))


async def refusal(scene: Scene, endpoint: Endpoint = NGINX, **different: Any) -> Refused:
    wish, by = scene.wish(**different), scene.world.by("rita")
    with pytest.raises(Refused) as refused:
        await submit_order(scene.world.house, by, scene.issuers, wish, endpoint=endpoint)
    return refused.value


async def test_where_no_key_can_be_made() -> None:
    """No target, a cloud target, a kind that cannot, a bridge that is away: refused at once, at the field to blame."""
    scene = await Scene.open()
    away = WantedConnector(target_system_id=await scene.world.target(await scene.world.bridge("away"), "web-2"))
    described = DescribeTarget(name="cloud", kind="nginx", bridge_id=scene.bridge, cloud=True)
    registered = await register_target(scene.world.house, scene.world.by("olga"), described)
    cloud = WantedConnector(target_system_id=registered.result.id)
    assert (await refusal(scene, connectors=())).pointer == "/connectors"
    assert (await refusal(scene, connectors=(cloud,))).code is Code.CLOUD_TARGET_NOT_ELIGIBLE
    assert (await refusal(scene, Endpoint(frozenset()))).pointer == "/connectors/0/target_system_id"
    await scene.office.later(seconds=100)
    assert scene.world.events(BridgeDisconnected)
    assert (await refusal(scene, connectors=(away,))).code is Code.BRIDGE_DISCONNECTED


async def test_the_certificate_can_be_pushed_where_its_key_is_and_nowhere_else() -> None:
    """On another target system it could never be installed: refused at the request."""
    scene = await Scene.open()
    other = WantedConnector(target_system_id=await scene.world.target(scene.bridge, "web-2"))
    await scene.submit(connectors=(WantedConnector(target_system_id=scene.target), other))
    [leased] = await scene.leased()
    await scene.answer(leased.errand.id)
    certificate_id = (await scene.order).certificate_id
    assert certificate_id is not None
    pushed = await request_push(scene.world.house, scene.world.by("rita"), RequestPush(certificate_id=certificate_id))
    [one], [refused] = pushed.result.work_orders, pushed.result.refused
    assert (await scene.world.connector_state(one.found.connector_id)).target_system_id == scene.target
    assert refused.refused.code is Code.PRIVATE_KEY_NOT_AVAILABLE
