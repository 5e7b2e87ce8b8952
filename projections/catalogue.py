"""All projections, and all read models over one pool."""

from typing import NamedTuple

from projections.acme_clients.postgres import PostgresAcmeClients
from projections.acme_clients.projection import ACME_ACCOUNTS, ACME_EAB_KEYS, ACME_ORDERS
from projections.acme_clients.view import AcmeClients
from projections.alerts.postgres import PostgresAlerts
from projections.alerts.projection import ALERTS
from projections.alerts.view import Alerts
from projections.audit_trail.postgres import PostgresAuditTrail
from projections.audit_trail.projection import AUDIT_SUBJECTS
from projections.audit_trail.view import AuditTrail
from projections.bridges.postgres import PostgresBridges
from projections.bridges.projection import BRIDGES
from projections.bridges.view import Bridges
from projections.certificate_records.projection import CERTIFICATE_RECORDS
from projections.connector_records.projection import CONNECTOR_RECORDS
from projections.connectors.postgres import PostgresConnectors
from projections.connectors.projection import CONNECTORS
from projections.connectors.view import Connectors
from projections.discoveries.postgres import PostgresDiscoveries
from projections.discoveries.projection import DISCOVERIES
from projections.discoveries.view import Discoveries
from projections.endpoint_history.postgres import PostgresEndpointHistory
from projections.endpoint_history.projection import ENDPOINT_HISTORY
from projections.endpoint_history.view import EndpointHistory
from projections.entity import AnyProjection, History, Index
from projections.expiry.postgres import PostgresExpiryReports
from projections.exposure.postgres import PostgresExposureReports
from projections.inventory.postgres import PostgresInventory
from projections.inventory.projection import INVENTORY
from projections.inventory.view import Inventory
from projections.inventory_report.postgres import PostgresInventoryReports
from projections.inventory_review.postgres import PostgresReviewReports
from projections.lead_times.postgres import PostgresLeadTimeReports
from projections.notification_channels.postgres import PostgresNotificationChannels
from projections.notification_channels.projection import NOTIFICATION_CHANNELS
from projections.notification_channels.view import NotificationChannels
from projections.orders.postgres import PostgresOrders
from projections.orders.projection import ORDERS
from projections.orders.view import Orders
from projections.principals.postgres import PostgresPrincipals
from projections.principals.projection import PRINCIPALS, ROLE_GRANTS, SESSIONS, TOKENS
from projections.principals.view import Principals
from projections.providers.postgres import PostgresProviders
from projections.providers.projection import PROVIDERS
from projections.providers.view import Providers
from projections.push_records.projection import PUSH_RECORDS
from projections.push_validation.postgres import PostgresPushValidation
from projections.push_validation.projection import PUSH_VALIDATION
from projections.push_validation.view import PushValidation
from projections.reading.as_of import AsOfReader, Past
from projections.reading.postgres import Pool, Reader
from projections.refusals.projection import REFUSED
from projections.replacements.postgres import PostgresReplacements
from projections.replacements.projection import REPLACEMENT_BATCHES, REPLACEMENTS
from projections.replacements.view import Replacements
from projections.report_schedules.postgres import PostgresReportSchedules
from projections.report_schedules.projection import REPORT_DELIVERIES, REPORT_SCHEDULES
from projections.report_schedules.view import ReportSchedules
from projections.reports import Reports
from projections.reviews.projection import REVIEWS
from projections.role_records.projection import ROLE_RECORDS
from projections.separation_of_duties.postgres import PostgresDutiesReports
from projections.served_certificates.postgres import PostgresServedCertificates
from projections.served_certificates.projection import SERVED_CERTIFICATES
from projections.served_certificates.view import ServedCertificates
from projections.served_runs.projection import SERVED_RUNS
from projections.target_records.projection import TARGET_RECORDS
from projections.target_systems.postgres import PostgresTargetSystems
from projections.target_systems.projection import TARGET_SYSTEMS
from projections.target_systems.view import TargetSystems
from projections.topology.postgres import PostgresTopology
from projections.topology.view import Topology
from projections.unapproved_pushes.postgres import PostgresUnapprovedReports
from projections.verification_runs.postgres import PostgresVerificationRuns
from projections.verification_runs.projection import VERIFICATION_RUNS
from projections.verification_runs.view import VerificationRuns
from projections.webhooks.postgres import PostgresWebhooks
from projections.webhooks.projection import WEBHOOKS
from projections.webhooks.view import Webhooks
from projections.work_orders.postgres import PostgresWorkOrders
from projections.work_orders.projection import WORK_ORDERS
from projections.work_orders.view import WorkOrders

RECORDS: tuple[AnyProjection, ...] = (
    PUSH_RECORDS,
    CONNECTOR_RECORDS,
    CERTIFICATE_RECORDS,
    TARGET_RECORDS,
    ROLE_RECORDS,
    SERVED_RUNS,
    REFUSED,
    REVIEWS,
)
"""What reports are made of: facts with their positions, which are their own history (docs/adr/0006)."""

ALL_PROJECTIONS: tuple[AnyProjection, ...] = (
    INVENTORY,
    ORDERS,
    REPLACEMENTS,
    REPLACEMENT_BATCHES,
    PROVIDERS,
    ACME_EAB_KEYS,
    ACME_ACCOUNTS,
    ACME_ORDERS,
    CONNECTORS,
    WORK_ORDERS,
    TARGET_SYSTEMS,
    BRIDGES,
    DISCOVERIES,
    VERIFICATION_RUNS,
    PRINCIPALS,
    TOKENS,
    SESSIONS,
    ROLE_GRANTS,
    ALERTS,
    WEBHOOKS,
    NOTIFICATION_CHANNELS,
    REPORT_SCHEDULES,
    REPORT_DELIVERIES,
    PUSH_VALIDATION,
    SERVED_CERTIFICATES,
    ENDPOINT_HISTORY,
    AUDIT_SUBJECTS,
)


HISTORIES: tuple[AnyProjection, ...] = (
    *(History(p) for p in ALL_PROJECTIONS if not isinstance(p, Index | History)),
    *RECORDS,
)
"""Of all projections, what they were at any position; and the records, which the present does not need."""


class Views(NamedTuple):
    """All read models."""

    inventory: Inventory
    orders: Orders
    replacements: Replacements
    providers: Providers
    acme_clients: AcmeClients
    connectors: Connectors
    work_orders: WorkOrders
    target_systems: TargetSystems
    bridges: Bridges
    discoveries: Discoveries
    verification_runs: VerificationRuns
    principals: Principals
    alerts: Alerts
    webhooks: Webhooks
    notification_channels: NotificationChannels
    report_schedules: ReportSchedules
    topology: Topology
    push_validation: PushValidation
    audit_trail: AuditTrail
    served_certificates: ServedCertificates
    endpoint_history: EndpointHistory
    reports: Reports


_PAST = Past(ALL_PROJECTIONS)


def views_as_of(reader: Reader, position: int) -> Views:
    """All read models as they were when this position was the last one, once the history has come that far
    (projections.moments).
    """
    return views_of(AsOfReader(reader, _PAST, position))


def views(pool: Pool) -> Views:
    """All read models over a pool (projections.reading.postgres.reading_pool)."""
    return views_of(Reader(pool))


def views_of(reader: Reader) -> Views:
    """All read models over a reader, for whoever needs the reader elsewhere too (projections.position)."""
    return Views(
        inventory=PostgresInventory(reader),
        orders=PostgresOrders(reader),
        replacements=PostgresReplacements(reader),
        providers=PostgresProviders(reader),
        acme_clients=PostgresAcmeClients(reader),
        connectors=PostgresConnectors(reader),
        work_orders=PostgresWorkOrders(reader),
        target_systems=PostgresTargetSystems(reader),
        bridges=PostgresBridges(reader),
        discoveries=PostgresDiscoveries(reader),
        verification_runs=PostgresVerificationRuns(reader),
        principals=PostgresPrincipals(reader),
        alerts=PostgresAlerts(reader),
        webhooks=PostgresWebhooks(reader),
        notification_channels=PostgresNotificationChannels(reader),
        report_schedules=PostgresReportSchedules(reader),
        topology=PostgresTopology(reader),
        push_validation=PostgresPushValidation(reader),
        audit_trail=PostgresAuditTrail(reader),
        served_certificates=PostgresServedCertificates(reader),
        endpoint_history=PostgresEndpointHistory(reader),
        reports=reports_of(reader),
    )


def reports_of(reader: Reader) -> Reports:
    """All reports for auditors."""
    return Reports(
        separation_of_duties=PostgresDutiesReports(reader),
        unapproved_pushes=PostgresUnapprovedReports(reader),
        exposure=PostgresExposureReports(reader),
        lead_times=PostgresLeadTimeReports(reader),
        expiry=PostgresExpiryReports(reader),
        inventory=PostgresInventoryReports(reader),
        review=PostgresReviewReports(reader),
    )
