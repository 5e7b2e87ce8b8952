"""application.ports.Hints in memory: the log folded by the aggregates' own functions, as far as one chooses to look.

FoldedHints(log)                          # always up to date
FoldedHints(log, lagging(random))         # at each question somewhere between what it knew and the head
FoldedHints(log, FROZEN)                  # knows what `catch_up` showed it
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from application.ports import DueConnector, Log, PendingDeployment, Recorded, ReplacementFigures, Unexpired
from domain.alert import Alert, AlertKind
from domain.catalogue import AGGREGATE_OF
from domain.certificate import Certificate, KeyOrigin, status
from domain.certificate_order import CertificateOrder, OrderStatus
from domain.connector import Connector
from domain.connector_events import DeploymentSucceeded, ValidationChanged
from domain.notification_channel import NotificationChannel
from domain.principal import Principal, Token
from domain.provider import RegisteredProvider
from domain.push_states import WorkOrderStatus
from domain.replacement import ReplacementBatch
from domain.replacement_criteria import ReplacementCriteria
from domain.report_delivery import ReportDelivery
from domain.report_schedule import ReportSchedule
from domain.role_grant import Role
from domain.session import Session
from domain.target_system import TargetSystem
from domain.verification import awaits_first_result
from domain.work_order import expires_at
from domain.work_order_state import WorkOrder

S = TypeVar("S")
Lag = Callable[[int, int], int]
Place = tuple[str, str | None]
_MAY_EXPIRE = (WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS)


def up_to_date(_: int, head: int) -> int:
    """No lag."""
    return head


def frozen(known: int, _: int) -> int:
    """Knows what it was shown, and no more."""
    return known


def lagging(random: Random) -> Lag:
    """Each question is answered from anywhere between what was known before and the head."""
    return random.randint


class Row(NamedTuple):
    """An aggregate as a read model keeps it."""

    state: Any
    created_position: int
    position: int


def _is_meant(key: UUID, state: Certificate, now: datetime, criteria: ReplacementCriteria) -> bool:
    """The filters that tests use."""
    facts = state.facts
    return (
        (not criteria.certificate_id or key in criteria.certificate_id)
        and (not criteria.issuer or any(part.lower() in facts.issuer.lower() for part in criteria.issuer))
        and (not criteria.issuer_key_id or facts.authority_key_id in criteria.issuer_key_id)
        and (not criteria.key_algorithm or facts.algorithm in criteria.key_algorithm)
        and status(state, now) in criteria.status
    )


def _has_a_key(state: Certificate) -> bool:
    """Here, or made on its target system."""
    return state.has_private_key or state.key_origin is KeyOrigin.ENDPOINT


def _outcome(batch: ReplacementBatch, certificate_id: UUID, order: CertificateOrder | None) -> str:
    if order is not None:
        return order.status.value if order.status in (OrderStatus.COMPLETE, OrderStatus.FAILED) else "under_way"
    refused = next((each for each in batch.refused if each.certificate_id == certificate_id), None)
    if refused is None:
        return "planned"
    return "skipped" if refused.replaced else "failed"


class FoldedHints:
    """The twin of adapters.read_hints.ReadHints."""

    def __init__(self, log: Log, lag: Lag = up_to_date) -> None:
        self._log = log
        self._lag = lag
        self._rows: dict[type[Any], dict[UUID, Row]] = defaultdict(dict)
        self._served: dict[Place, set[str]] = defaultdict(set)
        self.position = 0

    async def catch_up(self, position: int | None = None) -> None:
        """Look at the log up to a position (None: its head)."""
        until = await self._log.head() if position is None else position
        while self.position < until:
            for recorded in await self._log.read(self.position, min(1000, until - self.position)):
                self._fold(recorded)
                self.position = recorded.position

    async def connectors_of(self, certificate_id: UUID) -> list[UUID]:
        return [cid for cid, row in await self._connectors() if row.certificate_id == certificate_id and row.associated]

    async def due_renewals(self, now: datetime, after: float, spread: float, limit: int) -> list[UUID]:
        await self._look()
        found: list[tuple[datetime, UUID]] = []
        for certificate_id, row in self._rows[Certificate].items():
            state, facts = row.state, row.state.facts
            share = after + spread * int.from_bytes(certificate_id.bytes[:2]) / 65536
            is_due = facts.not_before + (facts.not_after - facts.not_before) * share <= now <= facts.not_after
            ours = state.provider is not None and _has_a_key(state)
            if is_due and ours and state.renewed_to is None and state.revoked_at is None:
                found.append((facts.not_after, certificate_id))
        return [certificate_id for _, certificate_id in sorted(found)[:limit]]

    async def renewable_through(self, now: datetime, provider: str) -> AsyncIterator[Sequence[UUID]]:
        await self._look()
        rows = [(key, row.state) for key, row in self._rows[Certificate].items() if row.state.provider == provider]
        ours = [(key, state) for key, state in rows if _has_a_key(state) and state.renewed_to is None]
        valid = [(s.facts.not_after, k) for k, s in ours if s.revoked_at is None and now <= s.facts.not_after]
        yield [key for _, key in sorted(valid)]

    async def replaceable(self, now: datetime, criteria: ReplacementCriteria) -> AsyncIterator[Sequence[UUID]]:
        await self._look()
        rows = [(key, row.state) for key, row in self._rows[Certificate].items() if row.state.renewed_to is None]
        rows = [(key, state) for key, state in rows if _is_meant(key, state, now, criteria)]
        yield [key for key, state in sorted(rows, key=lambda each: (each[1].facts.not_after, each[0]))]

    async def replacement_figures(self, replacement_id: UUID) -> ReplacementFigures:
        await self._look()
        latest: dict[UUID | None, CertificateOrder] = {}
        for row in sorted(self._rows[CertificateOrder].values(), key=lambda row: row.created_position):
            if row.state.parameters.replacement_id == replacement_id:
                latest[row.state.parameters.renews] = row.state
        outcomes: Counter[str] = Counter()
        for row in self._rows[ReplacementBatch].values():
            if row.state.replacement_id == replacement_id:
                outcomes.update(_outcome(row.state, each, latest.get(each)) for each in row.state.certificate_ids)
        return ReplacementFigures(**{name: outcomes[name] for name in ReplacementFigures._fields})

    async def providers(self, kind: str) -> list[UUID]:
        await self._look()
        rows = self._rows[RegisteredProvider].items()
        return [pid for pid, row in rows if row.state.provider == kind and not row.state.retired]

    async def target_systems(self) -> list[UUID]:
        await self._look()
        return [tid for tid, row in self._rows[TargetSystem].items() if not row.state.retired]

    async def connectors_on(self, target_system_id: UUID) -> list[UUID]:
        return [
            cid for cid, row in await self._connectors() if row.target_system_id == target_system_id and row.associated
        ]

    async def latest_ordinals(self, connector_ids: Sequence[UUID]) -> dict[UUID, int]:
        wanted, found = set(connector_ids), dict[UUID, int]()
        for _, order in await self._orders():
            if order.connector_id in wanted:
                found[order.connector_id] = max(order.ordinal, found.get(order.connector_id, 0))
        return found

    async def open_work_orders(
        self, *, certificate_id: UUID | None = None, connector_id: UUID | None = None
    ) -> list[UUID]:
        return [
            oid
            for oid, order in await self._orders()
            if order.open
            and certificate_id in (None, order.certificate_id)
            and connector_id in (None, order.connector_id)
        ]

    async def pending_deployments(self, bridge_id: UUID, limit: int) -> list[PendingDeployment]:
        flying = [
            (c.deadline_at, PendingDeployment(cid, c.deployment_id, c.target_system_id))
            for cid, c in await self._connectors()
            if c.in_flight and c.deployment_id and c.deadline_at and c.settings and c.settings.bridge_id == bridge_id
        ]
        return [pending for _, pending in sorted(flying, key=lambda pair: pair[0])][:limit]

    async def overdue_deployments(self, now: datetime, limit: int, here: Sequence[UUID] = ()) -> list[UUID]:
        late = [
            (c.deadline_at, cid)
            for cid, c in await self._connectors()
            if c.in_flight and c.deadline_at and c.deadline_at <= now
            if c.taken_by or not (c.settings and c.settings.bridge_id in here)
        ]
        return [cid for _, cid in sorted(late)][:limit]

    async def due_scheduled(self, now: datetime, limit: int) -> list[UUID]:
        due = [
            (order.scheduled_at, oid)
            for oid, order in await self._orders()
            if order.status is WorkOrderStatus.SCHEDULED and order.scheduled_at and order.scheduled_at <= now
        ]
        return [oid for _, oid in sorted(due)][:limit]

    async def undispatched(self, limit: int) -> list[UUID]:
        waiting = [(oid, o) for oid, o in await self._orders() if o.status is WorkOrderStatus.IMPLEMENTING]
        connectors = dict(await self._connectors())
        return [oid for oid, order in waiting if not _dispatched(oid, order, connectors)][:limit]

    async def expirable(self, now: datetime, limit: int) -> list[UUID]:
        old = [
            (expires_at(order), oid)
            for oid, order in await self._orders()
            if order.status in _MAY_EXPIRE and expires_at(order) <= now
        ]
        return [oid for _, oid in sorted(old)][:limit]

    async def due_connectors(self, connector_ids: Sequence[UUID] | None = None) -> list[DueConnector]:
        verifiable = [
            (cid, c) for cid, c in await self._connectors() if c.associated and c.last_deployed_at and c.endpoints
        ]
        pushed_last = {(c.target_system_id, c.profile): cid for cid, c in sorted(verifiable, key=_deployed_at)}
        return [
            self._due(cid, c)
            for cid, c in verifiable
            if (any(map(awaits_first_result, c.validation)) or cid in pushed_last.values())
            and (connector_ids is None or cid in connector_ids)
        ]

    async def own_schedules(self) -> dict[UUID, int]:
        verifiable = [(cid, c) for cid, c in await self._connectors() if c.associated and c.last_deployed_at]
        return {cid: every for cid, c in verifiable if c.endpoints and (every := c.verification.every_seconds)}

    async def served_before(self, endpoints: Sequence[Place]) -> dict[Place, set[str]]:
        await self._look()
        return {place: set(self._served[place]) for place in endpoints if place in self._served}

    async def known_fingerprints(self, fingerprints: Sequence[str]) -> set[str]:
        rows = await self._of(Certificate)
        return {state.facts.fingerprint_sha256 for _, state in rows} & set(fingerprints)

    async def notification_channels(self) -> list[UUID]:
        return [cid for cid, channel in await self._of(NotificationChannel) if not channel.retired]

    async def report_schedules(self) -> list[UUID]:
        return [sid for sid, each in await self._of(ReportSchedule) if not each.paused and not each.removed]

    async def latest_report_delivery(self, report_schedule_id: UUID) -> int:
        known = [each for _, each in await self._of(ReportDelivery) if each.report_schedule_id == report_schedule_id]
        return max((each.ordinal for each in known), default=0)

    async def tokens_of(self, principal_id: UUID) -> list[UUID]:
        tokens = await self._of(Token)
        return [tid for tid, token in tokens if token.principal_id == principal_id and token.revoked_at is None]

    async def sessions_of(self, principal_id: UUID, now: datetime) -> list[UUID]:
        sessions = await self._of(Session)
        return [
            sid
            for sid, each in sessions
            if each.principal_id == principal_id and each.ended_at is None and each.expires_at > now
        ]

    async def administrators(self) -> list[UUID]:
        return [pid for pid, each in await self._of(Principal) if Role.ADMIN in each.roles and not each.disabled]

    async def open_alerts(self, cause: str) -> list[UUID]:
        return [aid for aid, alert in await self._of(Alert) if alert.cause == cause and alert.open]

    async def known_causes(self, causes: Sequence[str]) -> set[str]:
        return {alert.cause for _, alert in await self._of(Alert)} & set(causes)

    async def open_alerts_of(self, kind: AlertKind, *, subject_id: UUID | None = None) -> list[UUID]:
        return [
            aid
            for aid, alert in await self._of(Alert)
            if alert.open and alert.kind is kind and subject_id in (None, alert.subject_id)
        ]

    async def unexpired(self, at: datetime, within: timedelta | None) -> AsyncIterator[Sequence[Unexpired]]:
        yield [
            Unexpired(cid, state)
            for cid, state in await self._of(Certificate)
            if state.revoked_at is None and at <= state.facts.not_after
            if within is None or state.facts.not_after <= at + within
        ]

    async def waiting_for_approval(self, before: datetime, limit: int) -> list[UUID]:
        waiting = [(o.waiting_since, oid) for oid, o in await self._orders() if o.waiting_since is not None]
        return [oid for since, oid in sorted(waiting) if since <= before][:limit]

    async def latest_alert_ordinal(self, cause: str) -> int:
        return max((alert.ordinal for _, alert in await self._of(Alert) if alert.cause == cause), default=0)

    async def _connectors(self) -> Iterator[tuple[UUID, Connector]]:
        return await self._of(Connector)

    async def _orders(self) -> Iterator[tuple[UUID, WorkOrder]]:
        return await self._of(WorkOrder)

    async def _of(self, kind: type[S]) -> Iterator[tuple[UUID, S]]:
        await self._look()
        return ((key, row.state) for key, row in self._rows[kind].items())

    async def _look(self) -> None:
        await self.catch_up(self._lag(self.position, await self._log.head()))

    def _fold(self, recorded: Recorded) -> None:
        aggregate, event = AGGREGATE_OF[type(recorded.event)], recorded.event
        before = next(
            (rows.get(recorded.stream_id) for rows in self._rows.values() if recorded.stream_id in rows), None
        )
        state = aggregate.evolve(before.state if before else None, event)
        created = before.created_position if before else recorded.position
        self._rows[type(state)][recorded.stream_id] = Row(state, created, recorded.position)
        if isinstance(state, Connector):
            self._note_served(state, event)

    def _note_served(self, connector: Connector, event: object) -> None:
        if isinstance(event, ValidationChanged) and event.evidence.served_fingerprint_sha256:
            self._served[event.endpoint, connector.server_name].add(event.evidence.served_fingerprint_sha256)
        if isinstance(event, DeploymentSucceeded):
            fingerprint = self._rows[Certificate][connector.certificate_id].state.facts.fingerprint_sha256
            for endpoint in connector.endpoints:
                self._served[endpoint, connector.server_name].add(fingerprint)

    def _due(self, connector_id: UUID, connector: Connector) -> DueConnector:
        certificate: Certificate = self._rows[Certificate][connector.certificate_id].state
        return DueConnector(
            connector_id=connector_id,
            certificate_id=connector.certificate_id,
            expected_fingerprint_sha256=certificate.facts.fingerprint_sha256,
            endpoints=connector.endpoints,
            server_name=connector.server_name,
            last_deployed_at=connector.last_deployed_at,
            validation=connector.validation,
            plan=connector.verification,
            bridge_id=self._rows[TargetSystem][connector.target_system_id].state.bridge_id,
        )


def _dispatched(order_id: UUID, order: WorkOrder, connectors: dict[UUID, Connector]) -> bool:
    connector = connectors.get(order.connector_id)
    return connector is not None and (connector.work_order_id, connector.attempt) == (order_id, order.attempt)


def _deployed_at(pair: tuple[UUID, Connector]) -> datetime:
    assert pair[1].last_deployed_at is not None
    return pair[1].last_deployed_at
