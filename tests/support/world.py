"""A whole house in memory: simulated log, leases, errands, presence and vault, hints folded from the log, a clock.

    world = World(seed=7)                      # everything up to date, calls give way at random
    world = World(seed=7, lag=lagging(Random(7)))
    connector = await world.connector()        # certificate, bridge and target system come along
    await approve_push(world.house, world.by("anton"), order_id, Dialog())

Everything is made by use cases. The bridge is in tests/support/field.py, the automations in tests/support/office.py.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.keys.bridge_ca import BridgeCa, open_bridge_ca
from adapters.keys.subjects import Subjects
from adapters.keys.vault import CannotOpen
from adapters.simulated.log import SimulatedLog
from adapters.simulated.ops import SimulatedErrands, SimulatedLeases, SimulatedPresence, SimulatedTokenUses
from adapters.simulated.subjects import MemorySubjectKeys
from adapters.simulated.vault import MemoryVault
from adapters.x509.reader import X509Reader
from application import codec
from application.associating import AddConnector, add_connector
from application.enrolling import bridge_seen, enrol_bridge, issue_enrolment
from application.house import Context, House, HouseSettings, Loaded, load, load_many
from application.importing import import_certificate
from application.pushing import RequestPush, request_push
from application.registering import DescribeTarget, register_target
from application.trusting import approve_bridge
from domain import ids
from domain.connector import CONNECTOR, Connector
from domain.entity import Actor, ActorKind, Event
from domain.target_system import TARGET_SYSTEM, TargetSystem
from domain.work_order_state import WORK_ORDER, WorkOrder
from tests.support.folded_hints import FoldedHints, Lag, up_to_date
from tests.support.interleaving import WanderingLog
from tests.support.paper import certificate, upload

T0 = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


class Hands:
    """A clock that is set by hand."""

    def __init__(self, at: datetime = T0) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


class FragileVault(MemoryVault):
    """A vault of which some keys do not open: `broken` names their certificates."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[UUID] = set()

    async def private_key(self, certificate_id: UUID) -> bytes | None:
        if certificate_id in self.broken:
            raise CannotOpen(f"the vault cannot open private-key of {certificate_id}")
        return await super().private_key(certificate_id)


class World:
    """The house, and ways to fill it."""

    def __init__(
        self, seed: int = 0, *, lag: Lag = up_to_date, most: int = 3, settings: HouseSettings | None = None
    ) -> None:
        self.random = Random(seed)
        self.clock = Hands()
        self.ledger = SimulatedLog(self.clock)
        self.log = WanderingLog(self.ledger, self.random, most=most)
        self.hints = FoldedHints(self.ledger, lag)
        self.vault = FragileVault()
        self.texts = Subjects(MemorySubjectKeys(), b"names")
        self.reader = X509Reader()
        leases = SimulatedLeases(self.clock)
        self.house = House(
            log=self.log,
            clock=self.clock,
            vault=self.vault,
            hints=self.hints,
            leases=leases,
            errands=SimulatedErrands(leases),
            presence=SimulatedPresence(),
            token_uses=SimulatedTokenUses(),
            texts=self.texts,
            settings=settings or HouseSettings(verification_pause=0.0),
        )
        self._ca: BridgeCa | None = None
        self._certificates = 0

    def by(
        self, name: str, *, key: str | None = None, kind: ActorKind = ActorKind.USER, if_match: int | None = None
    ) -> Context:
        """A person's (or machine's) command, now; with a `key` it may be a repeat."""
        return Context(
            actor=Actor(kind, name),
            at=self.clock(),
            command_id=uuid4() if key is None else ids.derive("key", name, key),
            if_match=if_match,
            chosen_by_client=key is not None,
        )

    def pass_time(self, seconds: float) -> None:
        self.clock.at += timedelta(seconds=seconds)

    async def certificate(self, number: int | None = None, *, with_key: bool = True) -> UUID:
        """One more certificate in the inventory."""
        self._certificates += 1
        wish = upload(certificate(number or self._certificates), with_key=with_key)
        return (await import_certificate(self.house, self.by("olga"), self.reader, wish)).result.id

    async def bridge(self, name: str = "bridge") -> UUID:
        """A bridge that enrolled, was approved, and was seen."""
        token = (await issue_enrolment(self.house, self.by("olga"), name)).result.token
        context = self.by(name, kind=ActorKind.BRIDGE)
        enrolled = await enrol_bridge(
            self.house,
            context,
            await self.bridge_ca(),
            token=token,
            csr_pem=request_for_a_bridge(),
            hpke_public_key=b"k" * 32,
            version="1.0",
            kinds=("nginx",),
        )
        approved = await approve_bridge(self.house, self.by("ada"), enrolled.result.bridge.id)
        await bridge_seen(self.house, self.by(name, kind=ActorKind.BRIDGE), approved.result, "1.0")
        return enrolled.result.bridge.id

    async def bridge_ca(self) -> BridgeCa:
        self._ca = self._ca or await open_bridge_ca(self.vault, self.clock)
        return self._ca

    async def target(
        self,
        bridge_id: UUID,
        name: str = "web-1",
        *,
        secrets: dict[str, str] | None = None,
        endpoint: str | None = None,
    ) -> UUID:
        """A target system behind a bridge."""
        wish = describe_target(bridge_id, name, secrets=secrets, endpoint=endpoint)
        return (await register_target(self.house, self.by("olga"), wish)).result.id

    async def connector(
        self,
        certificate_id: UUID | None = None,
        target_id: UUID | None = None,
        *,
        profile: str | None = None,
        endpoints: tuple[str, ...] = (),
    ) -> UUID:
        """A connector; a certificate, a bridge and a target system come along where none are given."""
        wish = AddConnector(
            certificate_id=certificate_id or await self.certificate(),
            target_system_id=target_id or await self.target(await self.bridge()),
            profile=profile,
            endpoints=endpoints,
        )
        return (await add_connector(self.house, self.by("olga"), wish)).result.id

    async def push(self, connector_id: UUID, name: str = "rita", *, key: str | None = None) -> Loaded[WorkOrder]:
        """Push to Device on one connector: its work order."""
        certificate_id = (await self.connector_state(connector_id)).certificate_id
        wish = RequestPush(certificate_id=certificate_id, connector_ids=(connector_id,))
        done = await request_push(self.house, self.by(name, key=key), wish)
        return done.result.work_orders[0]

    async def connector_state(self, connector_id: UUID) -> Connector:
        return (await load(self.house, CONNECTOR, connector_id)).found

    async def order_state(self, work_order_id: UUID) -> WorkOrder:
        return (await load(self.house, WORK_ORDER, work_order_id)).found

    async def target_of(self, connector_id: UUID) -> TargetSystem:
        return (
            await load(self.house, TARGET_SYSTEM, (await self.connector_state(connector_id)).target_system_id)
        ).found

    async def orders_of(self, connector_id: UUID) -> list[WorkOrder]:
        """All work orders of a connector, from the log itself."""
        wanted = [ids.work_order_id(connector_id, n) for n in range(1, 60)]
        return [each.state for each in (await load_many(self.house, WORK_ORDER, wanted)).values() if each.state]

    def events(self, *kinds: type[Event], of: UUID | None = None) -> list[Event]:
        """What stands in the log, in order."""
        return [event for stream, event in self.history() if isinstance(event, kinds or Event) and of in (None, stream)]

    def history(self) -> list[tuple[UUID, Event]]:
        """All streams and events in the order of the log."""
        stored = ((row.stream_id, row.entry) for row in self.ledger.stored)
        return [(stream_id, codec.decode(entry.topic, entry.payload)) for stream_id, entry in stored]


def describe_target(
    bridge_id: UUID,
    name: str,
    *,
    secrets: dict[str, str] | None = None,
    endpoint: str | None = None,
    root: str = "/etc/nginx/tls",
) -> DescribeTarget:
    """An nginx."""
    return DescribeTarget(
        name=name,
        kind="nginx",
        bridge_id=bridge_id,
        settings={"root": root},
        endpoints=(endpoint,) if endpoint else (),
        secrets=secrets,
    )


def request_for_a_bridge() -> str:
    """A CSR as a bridge makes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()
