"""Every aggregate and every topic: the list that auditors, the documentation and the codec use."""

from typing import Any

from domain.access import ACCESS_LOG
from domain.acme_account import ACME_ACCOUNT
from domain.acme_eab_key import ACME_EAB_KEY
from domain.acme_order import ACME_ORDER
from domain.alert import ALERT
from domain.approval_policy import APPROVAL_POLICIES
from domain.bridge import BRIDGE
from domain.certificate import CERTIFICATE
from domain.certificate_order import CERTIFICATE_ORDER
from domain.claim import CLAIM
from domain.connector import CONNECTOR
from domain.discovery import DISCOVERY
from domain.entity import TOPICS, AggregateType, Event
from domain.expiry_alert_rule import EXPIRY_ALERT_RULES
from domain.issuance_policy import ISSUANCE_POLICIES
from domain.ledger_verification import LEDGER_VERIFICATION
from domain.legal_hold import LEGAL_HOLDS
from domain.master_key import MASTER_KEY
from domain.notification_channel import NOTIFICATION_CHANNEL
from domain.pfx_export import PFX_EXPORT
from domain.principal import PRINCIPAL, TOKEN
from domain.provider import PROVIDER
from domain.replacement import REPLACEMENT, REPLACEMENT_BATCH
from domain.report_delivery import REPORT_DELIVERY
from domain.report_schedule import REPORT_SCHEDULE
from domain.review import REVIEW
from domain.revocation import REVOCATION_REQUEST
from domain.session import SESSION
from domain.sign_in import SIGN_IN
from domain.standing_approval import STANDING_APPROVALS
from domain.target_system import TARGET_SYSTEM
from domain.verification import VERIFICATION_RUN
from domain.webhook import WEBHOOK
from domain.work_order_state import WORK_ORDER

__all__ = ["AGGREGATES", "AGGREGATE_OF", "TOPICS", "Event"]

AGGREGATES: tuple[AggregateType[Any], ...] = (
    CERTIFICATE,
    REVOCATION_REQUEST,
    CERTIFICATE_ORDER,
    REPLACEMENT,
    REPLACEMENT_BATCH,
    PFX_EXPORT,
    ISSUANCE_POLICIES,
    APPROVAL_POLICIES,
    STANDING_APPROVALS,
    PROVIDER,
    ACME_EAB_KEY,
    ACME_ACCOUNT,
    ACME_ORDER,
    CONNECTOR,
    WORK_ORDER,
    TARGET_SYSTEM,
    BRIDGE,
    DISCOVERY,
    VERIFICATION_RUN,
    PRINCIPAL,
    TOKEN,
    SIGN_IN,
    SESSION,
    LEGAL_HOLDS,
    ALERT,
    EXPIRY_ALERT_RULES,
    NOTIFICATION_CHANNEL,
    REPORT_SCHEDULE,
    REPORT_DELIVERY,
    REVIEW,
    WEBHOOK,
    ACCESS_LOG,
    LEDGER_VERIFICATION,
    MASTER_KEY,
    CLAIM,
)

AGGREGATE_OF: dict[type[Event], AggregateType[Any]] = {
    event: aggregate for aggregate in AGGREGATES for event in aggregate.events
}

_homeless = set(TOPICS.values()) - set(AGGREGATE_OF)
if _homeless:
    raise TypeError(f"events without an aggregate: {sorted(event.__qualname__ for event in _homeless)}")
