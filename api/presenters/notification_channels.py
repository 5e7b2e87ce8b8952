"""Notification channels, and what was sent to them."""

from api.presenters.known import Known
from api.schemas.notification_channels import NotificationBody, NotificationChannelBody
from application.notification_ports import Notification
from domain.notification_channel import NotificationChannel


def body(found: Known[NotificationChannel]) -> NotificationChannelBody:
    """A channel; of its secrets, the names."""
    terms = found.state.terms
    return NotificationChannelBody(
        id=found.id,
        kind=found.state.kind,
        name=terms.name,
        settings=terms.settings,
        secrets_set=terms.secrets_set,
        alert_kinds=terms.alert_kinds,
        enabled=terms.enabled,
        daily_at=terms.daily_at,
        retired=found.state.retired,
    )


def notification(found: Notification) -> NotificationBody:
    """One line of the log."""
    return NotificationBody(
        id=found.id,
        channel_id=found.channel_id,
        alert_id=found.alert_id,
        digest_on=found.digest_on,
        report_delivery_id=found.report_delivery_id,
        status=found.status,
        attempts=found.attempts,
        error=found.error,
        status_code=found.status_code,
        created_at=found.created_at,
        last_attempt_at=found.last_attempt_at,
        next_attempt_at=found.next_attempt_at,
        delivered_at=found.delivered_at,
    )
