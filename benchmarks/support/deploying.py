"""Deploy to All on a running service without its API: the database, a worker of its own, and one bridge, played here.

The bridge installs nothing: it takes what it is given and says that it is written. Everything else is real.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from application import registers
from application.associating import AddConnector, add_connector
from application.context import Context
from application.deploying import LeasedDeployment, lease, take_report
from application.enrolling import bridge_seen, enrol_bridge, issue_enrolment
from application.house import load
from application.ordering import submit_order
from application.pushing import RequestPush, request_push
from application.registering import DescribeTarget, register_target
from application.trusting import approve_bridge
from benchmarks.support.bulk import Estate
from domain.approval import DEFAULT_PUSH
from domain.approval_policy import KIND, ApprovalTerms
from domain.bridge import BRIDGE
from domain.certificate_order import CERTIFICATE_ORDER, OrderParameters, Provider
from domain.deployment import Report
from domain.entity import Actor, ActorKind

_AT_ONCE = 64
_CAPACITY = 64
_HEARTBEAT_SECONDS = 5.0
_PEOPLE = Actor(ActorKind.USER, "11111111-1111-4111-8111-111111111111")
_SECOND = Actor(ActorKind.USER, "22222222-2222-4222-8222-222222222222")


class Deployed(NamedTuple):
    """A Deploy to All: seconds by the clock until it was accepted and until the last work order had ended, processor
    seconds by who spent them, how the work orders ended.
    """

    connectors: int
    accepted: float
    terminal: float
    processor: dict[str, float]
    ended: dict[str, int]

    @property
    def processor_ms(self) -> float:
        """Processor time of a push, of all processes together, in milliseconds."""
        return 1000 * sum(self.processor.values()) / self.connectors


class Yard:
    """A bridge, and certificates with as many connectors as are asked for."""

    def __init__(self, estate: Estate, bridge_id: UUID) -> None:
        self._estate = estate
        self._house = estate.core.house
        self._bridge_id = bridge_id
        self._seen = 0.0

    async def certificate(self, connectors: int) -> UUID:
        """A certificate of Local PKI on so many target systems."""
        name = f"{uuid.uuid4().hex}.example.org"
        wish = OrderParameters(
            provider=Provider.LOCAL_PKI, common_name=name, subject_alternative_names=(name,), validity_days=90
        )
        order_id = (await submit_order(self._house, person(), self._estate.core.issuers, wish)).result.id
        while (made := (await load(self._house, CERTIFICATE_ORDER, order_id)).found.certificate_id) is None:
            await asyncio.sleep(0.1)
        await self.connect(made, [("10.0.0.1:443",)] * connectors)
        return made

    async def connect(self, certificate_id: UUID, endpoints: Sequence[tuple[str, ...]]) -> None:
        """The certificate on one target system more for each of the endpoints given."""
        name = uuid.uuid4().hex
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int, served_at: tuple[str, ...]) -> int:
            async with free:
                target = DescribeTarget(
                    name=f"{name}-{number}", kind="nginx", bridge_id=self._bridge_id, settings={"root": "/srv/tls"}
                )
                target_id = (await register_target(self._house, person(), target)).result.id
                wanted = AddConnector(certificate_id=certificate_id, target_system_id=target_id, endpoints=served_at)
                return (await add_connector(self._house, person(), wanted)).position

        last = max(await asyncio.gather(*(one(*each) for each in enumerate(endpoints))))
        while not await self._estate.core.position.wait(last, 1.0):
            pass
        while await self._history() < last:
            await asyncio.sleep(0.1)

    async def accepted(self, certificate_id: UUID, connectors: int) -> float:
        """Seconds until the call has answered that every connector's work order is open."""
        started = time.perf_counter()
        await self._push(certificate_id, connectors)
        return time.perf_counter() - started

    async def ask_people(self, levels: int) -> None:
        """From now on pushes are approved by so many people."""
        terms = ApprovalTerms(name=DEFAULT_PUSH.name, levels=levels)
        await registers.change(self._house, person(), KIND, DEFAULT_PUSH.id, lambda _: terms)

    async def deploy_to_all(self, certificate_id: UUID, connectors: int) -> Deployed:
        """One call; then the bridge works until every work order has ended."""
        before, started = self._estate.processor(), time.perf_counter()
        request_id = await self._push(certificate_id, connectors)
        accepted = time.perf_counter() - started
        ended: Mapping[str, int] = {}
        while sum(ended.values()) < connectors:
            if not await self._work():
                ended = await self._ended(request_id)
                await asyncio.sleep(0.05)
        terminal, after = time.perf_counter() - started, self._estate.processor()
        spent = {name: after[name] - before[name] for name in after}
        return Deployed(connectors, accepted, terminal, spent, dict(ended))

    async def _push(self, certificate_id: UUID, connectors: int) -> UUID:
        """The request that has opened a work order for every connector."""
        done = await request_push(self._house, person(), RequestPush(certificate_id=certificate_id))
        assert len(done.result.work_orders) == connectors, done.result.refused
        return done.result.request_id

    async def _work(self) -> int:
        """Whatever waits for the bridge; how much that was."""
        if time.monotonic() - self._seen > _HEARTBEAT_SECONDS:
            bridge = await load(self._house, BRIDGE, self._bridge_id)
            await bridge_seen(self._house, _bridge(self._bridge_id), bridge, "1.0")
            self._seen = time.monotonic()
        taken = await lease(self._house, _bridge(self._bridge_id), self._bridge_id, _CAPACITY)
        await asyncio.gather(*map(self._written, taken))
        return len(taken)

    async def _written(self, work: LeasedDeployment) -> None:
        said = Report(
            deployment_id=work.deployment_id,
            bridge_id=self._bridge_id,
            fence=work.fence,
            succeeded=True,
            message="installed",
            read_back_fingerprint_sha256=work.fingerprint_sha256,
        )
        await take_report(self._house, _bridge(self._bridge_id), said)

    async def _history(self) -> int:
        """How far the past is known: what it still has to do would be counted to what comes next."""
        row = await (await self._estate.watching.execute("SELECT position FROM read.history_positions")).fetchone()
        return int(row[0]) if row else 0

    async def _ended(self, request_id: UUID) -> Mapping[str, int]:
        query = "SELECT status, count(*) FROM read.work_orders WHERE request_id = %s AND NOT open GROUP BY status"
        rows = await (await self._estate.watching.execute(query, [request_id])).fetchall()
        return Counter(dict(rows))


async def open_yard(estate: Estate) -> Yard:
    """A bridge that is enrolled; pushes ask nobody."""
    house, core = estate.core.house, estate.core
    token = (await issue_enrolment(house, person(), "bridge")).result.token
    enrolled = await enrol_bridge(
        house,
        _bridge(UUID(int=0)),
        core.bridge_ca,
        token=token,
        csr_pem=_request(),
        hpke_public_key=b"k" * 32,
        version="1.0",
        kinds=("nginx",),
    )
    await approve_bridge(house, person(_SECOND), enrolled.result.bridge.id)
    yard = Yard(estate, enrolled.result.bridge.id)
    await yard.ask_people(0)
    return yard


def person(who: Actor | None = None) -> Context:
    """A command of somebody."""
    return Context(actor=who or _PEOPLE, at=datetime.now(UTC), command_id=uuid.uuid4())


def _bridge(bridge_id: UUID) -> Context:
    actor = Actor(ActorKind.BRIDGE, str(bridge_id))
    return Context(actor=actor, at=datetime.now(UTC), command_id=uuid.uuid4())


def _request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()
