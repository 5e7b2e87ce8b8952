"""Webhooks and their deliveries."""

from api.presenters.known import Known
from api.schemas.webhooks import DeliveryBody, IssuedWebhook, WebhookBody
from application.webhook_ports import Delivery
from domain.webhook import Webhook


def webhook(found: Known[Webhook]) -> WebhookBody:
    """A webhook, without its secret."""
    state = found.state
    return WebhookBody(
        id=found.id,
        url=state.subscription.url,
        description=state.subscription.description,
        types=state.subscription.types,
        subjects=state.subscription.subject_ids,
        enabled=state.enabled,
        disabled_reason=state.disabled_reason,
        removed=state.removed,
        former_secret_until=state.former_secret_until,
    )


def issued_webhook(found: Known[Webhook], secret: str) -> IssuedWebhook:
    """A webhook with its new secret."""
    shown = webhook(found)
    return IssuedWebhook(**{name: getattr(shown, name) for name in shown.__struct_fields__}, secret=secret)


def delivery(found: Delivery) -> DeliveryBody:
    """One line of the delivery log."""
    return DeliveryBody(**{name: getattr(found, name) for name in DeliveryBody.__struct_fields__})
