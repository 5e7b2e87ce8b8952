"""All projections, and all read models over one pool."""

from projections.alerts.projection import ALERTS
from projections.audit_trail.projection import AUDIT_SUBJECTS
from projections.bridges.projection import BRIDGES
from projections.connectors.projection import CONNECTORS
from projections.discoveries.projection import DISCOVERIES
from projections.entity import AnyProjection
from projections.inventory.projection import INVENTORY
from projections.orders.projection import ORDERS
from projections.principals.projection import PRINCIPALS, TOKENS
from projections.push_validation.projection import PUSH_VALIDATION
from projections.served_certificates.projection import SERVED_CERTIFICATES
from projections.target_systems.projection import TARGET_SYSTEMS
from projections.verification_runs.projection import VERIFICATION_RUNS
from projections.work_orders.projection import WORK_ORDERS

ALL_PROJECTIONS: tuple[AnyProjection, ...] = (
    INVENTORY,
    ORDERS,
    CONNECTORS,
    WORK_ORDERS,
    TARGET_SYSTEMS,
    BRIDGES,
    DISCOVERIES,
    VERIFICATION_RUNS,
    PRINCIPALS,
    TOKENS,
    ALERTS,
    PUSH_VALIDATION,
    SERVED_CERTIFICATES,
    AUDIT_SUBJECTS,
)
