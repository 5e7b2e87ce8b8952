"""Expiry alert rules."""

import msgspec

from api.presenters.common import actor
from api.schemas.expiry_alert_rules import ExpiryAlertRuleBody
from domain.expiry_alert_rule import ExpiryAlertRule
from domain.register import Entry


def body(found: Entry[ExpiryAlertRule]) -> ExpiryAlertRuleBody:
    """A rule as it is now."""
    latest = found.revisions[-1]
    return ExpiryAlertRuleBody(
        id=found.id,
        version=found.version,
        retired=found.retired,
        changed_at=latest.at,
        changed_by=actor(latest.by),
        **msgspec.structs.asdict(latest.terms),
    )
