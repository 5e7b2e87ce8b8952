"""application.ports.Hints over the read models: thin, one question each."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec

from application.ports import DueConnector, PendingDeployment, ReplacementFigures, Unexpired
from domain.alert import AlertKind
from domain.certificate import CertificateStatus
from domain.replacement_criteria import ReplacementCriteria
from domain.role_grant import Role
from projections.alerts.view import Alerts
from projections.connectors.view import Connectors
from projections.inventory.view import CertificateFilter, Inventory
from projections.notification_channels.view import NotificationChannels
from projections.principals.view import PrincipalFilter, Principals, SessionFilter, TokenFilter
from projections.providers.view import Providers
from projections.replacements.view import Replacements
from projections.report_schedules.view import ReportSchedules
from projections.rows import Page
from projections.served_certificates.view import ServedCertificates
from projections.target_systems.view import TargetSystemFilter, TargetSystems
from projections.work_orders.view import WorkOrders

T = TypeVar("T")


async def walk(ask: Callable[..., Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """A list to its end, page by page."""
    cursor: str | None = None
    while True:
        page = await ask(limit=200, cursor=cursor)
        for item in page.items:
            yield item
        if (cursor := page.next_cursor) is None:
            return


class ReadHints(NamedTuple):
    """Answers may lag behind the ledger; decisions rest on the streams they name."""

    connectors: Connectors
    work_orders: WorkOrders
    inventory: Inventory
    served: ServedCertificates
    alerts: Alerts
    registered: Providers
    principals: Principals
    channels: NotificationChannels
    replacements: Replacements
    targets: TargetSystems
    schedules: ReportSchedules

    async def connectors_of(self, certificate_id: UUID) -> list[UUID]:
        """See Hints.connectors_of."""
        return list(await self.connectors.ids(certificate_id=certificate_id))

    async def connectors_on(self, target_system_id: UUID) -> list[UUID]:
        """See Hints.connectors_on."""
        return list(await self.connectors.ids(target_system_id=target_system_id))

    async def latest_ordinals(self, connector_ids: Sequence[UUID]) -> dict[UUID, int]:
        """See Hints.latest_ordinals."""
        return await self.work_orders.latest_ordinals(connector_ids)

    async def open_work_orders(
        self, *, certificate_id: UUID | None = None, connector_id: UUID | None = None
    ) -> list[UUID]:
        """See Hints.open_work_orders."""
        return list(await self.work_orders.open(certificate_id=certificate_id, connector_id=connector_id))

    async def pending_deployments(self, bridge_id: UUID, limit: int) -> list[PendingDeployment]:
        """See Hints.pending_deployments."""
        found = await self.connectors.in_flight(bridge_id, limit)
        return [PendingDeployment(each.connector_id, each.deployment_id, each.target_system_id) for each in found]

    async def overdue_deployments(self, now: datetime, limit: int, here: Sequence[UUID] = ()) -> list[UUID]:
        """See Hints.overdue_deployments."""
        return [each.connector_id for each in await self.connectors.overdue(now, limit, here)]

    async def due_scheduled(self, now: datetime, limit: int) -> list[UUID]:
        """See Hints.due_scheduled."""
        return list(await self.work_orders.due_scheduled(now, limit))

    async def undispatched(self, limit: int) -> list[UUID]:
        """See Hints.undispatched."""
        return list(await self.work_orders.undispatched(limit))

    async def expirable(self, now: datetime, limit: int) -> list[UUID]:
        """See Hints.expirable."""
        return list(await self.work_orders.expirable(now, limit))

    async def due_connectors(self, connector_ids: Sequence[UUID] | None = None) -> list[DueConnector]:
        """See Hints.due_connectors."""
        return [
            DueConnector(
                connector_id=due.connector_id,
                certificate_id=due.certificate_id,
                expected_fingerprint_sha256=due.expected_fingerprint_sha256,
                endpoints=due.endpoints,
                server_name=due.server_name,
                last_deployed_at=due.last_deployed_at,
                validation=due.validation,
                plan=due.plan,
                bridge_id=due.bridge_id,
            )
            for due in await self.connectors.due_for_verification(connector_ids)
        ]

    async def own_schedules(self) -> dict[UUID, int]:
        """See Hints.own_schedules."""
        return dict(await self.connectors.own_schedules())

    async def served_before(
        self, endpoints: Sequence[tuple[str, str | None]]
    ) -> dict[tuple[str, str | None], set[str]]:
        """See Hints.served_before."""
        return await self.served.served_before(endpoints)

    async def due_renewals(self, now: datetime, after: float, spread: float, limit: int) -> list[UUID]:
        """See Hints.due_renewals."""
        return list(await self.inventory.due_for_renewal(now, after, spread, limit))

    async def renewable_through(self, now: datetime, provider: str) -> AsyncIterator[Sequence[UUID]]:
        """See Hints.renewable_through."""
        async for rows in self.inventory.renewable(now, provider):
            yield [row.id for row in rows]

    async def replaceable(self, now: datetime, criteria: ReplacementCriteria) -> AsyncIterator[Sequence[UUID]]:
        """See Hints.replaceable."""
        narrow = CertificateFilter(now=now, replaced=False, **msgspec.structs.asdict(criteria))
        async for rows in self.inventory.stream(narrow):
            yield [row.id for row in rows]

    async def replacement_figures(self, replacement_id: UUID) -> ReplacementFigures:
        """See Hints.replacement_figures."""
        found = await self.replacements.get(replacement_id)
        if found is None:
            return ReplacementFigures(0, 0, 0, 0, 0)
        figures = found.figures
        return ReplacementFigures(figures.planned, figures.under_way, figures.complete, figures.failed, figures.skipped)

    async def known_fingerprints(self, fingerprints: Sequence[str]) -> set[str]:
        """See Hints.known_fingerprints."""
        return await self.inventory.known_fingerprints(fingerprints)

    async def providers(self, kind: str) -> list[UUID]:
        """See Hints.providers."""
        return list(await self.registered.in_use(kind))

    async def target_systems(self) -> list[UUID]:
        """See Hints.target_systems."""
        narrow = TargetSystemFilter(retired=False)
        return [row.id async for row in walk(partial(self.targets.list, narrow))]

    async def notification_channels(self) -> list[UUID]:
        """See Hints.notification_channels."""
        return list(await self.channels.in_use())

    async def report_schedules(self) -> list[UUID]:
        """See Hints.report_schedules."""
        return list(await self.schedules.running())

    async def latest_report_delivery(self, report_schedule_id: UUID) -> int:
        """See Hints.latest_report_delivery."""
        return await self.schedules.latest_ordinal(report_schedule_id)

    async def tokens_of(self, principal_id: UUID) -> list[UUID]:
        """See Hints.tokens_of."""
        narrow = TokenFilter(principal_id=(principal_id,), revoked=False)
        return [row.token.id async for row in walk(partial(self.principals.tokens, narrow))]

    async def sessions_of(self, principal_id: UUID, now: datetime) -> list[UUID]:
        """See Hints.sessions_of."""
        narrow = SessionFilter(principal_id=(principal_id,), ended=False, open_at=now)
        return [row.id async for row in walk(partial(self.principals.sessions, narrow))]

    async def administrators(self) -> list[UUID]:
        """See Hints.administrators."""
        narrow = PrincipalFilter(role=(Role.ADMIN,), disabled=False)
        return [row.id async for row in walk(partial(self.principals.list, narrow))]

    async def open_alerts(self, cause: str) -> list[UUID]:
        """See Hints.open_alerts."""
        return list(await self.alerts.open_of_cause(cause))

    async def known_causes(self, causes: Sequence[str]) -> set[str]:
        """See Hints.known_causes."""
        return await self.alerts.known_causes(causes)

    async def open_alerts_of(self, kind: AlertKind, *, subject_id: UUID | None = None) -> list[UUID]:
        """See Hints.open_alerts_of."""
        return list(await self.alerts.open_of_kind(kind, subject_id))

    async def unexpired(self, at: datetime, within: timedelta | None) -> AsyncIterator[Sequence[Unexpired]]:
        """See Hints.unexpired."""
        valid = (CertificateStatus.ACTIVE, CertificateStatus.NOT_YET_VALID)
        narrow = CertificateFilter(now=at, status=valid, expires_within=within)
        async for rows in self.inventory.stream(narrow):
            yield [Unexpired(row.id, row.state) for row in rows]

    async def waiting_for_approval(self, before: datetime, limit: int) -> list[UUID]:
        """See Hints.waiting_for_approval."""
        return list(await self.work_orders.waiting_since(before, limit))

    async def latest_alert_ordinal(self, cause: str) -> int:
        """See Hints.latest_alert_ordinal."""
        return await self.alerts.latest_ordinal(cause)
