"""Alerts of expiry: raised once per rule, certificate and threshold, resolved when there is nothing to do any more."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from application.alerting import raise_once, resolve_alert, resolve_cause
from application.house import Context, House, load
from application.ports import Unexpired
from domain.alert import ALERT, AlertKind
from domain.certificate import CERTIFICATE, Certificate
from domain.expiry_alert_rule import (
    EXPIRY_ALERT_RULES,
    REGISTER,
    ExpiryAlertRule,
    cause_of,
    matches,
    reached,
    thresholds,
)
from domain.register import Entry

_EXPIRY = AlertKind.EXPIRY
LOOKED_BACK = timedelta(days=365)
"""What has been expired for longer is not told of by rules that come later."""


async def tell_of_expiry(house: House, context: Context) -> None:
    """Look at every certificate that is not long expired: where a threshold was reached, an alert is raised."""
    rules = (await load(house, EXPIRY_ALERT_RULES, REGISTER)).state
    in_force = rules.in_force if rules is not None else ()
    if not in_force:
        return
    async for certificates in house.hints.unexpired(context.at - LOOKED_BACK, _horizon(in_force)):
        await _look(house, context, in_force, certificates)


async def settle_certificate(house: House, context: Context, certificate_id: UUID) -> None:
    """A certificate that was renewed or revoked expires in peace."""
    certificate = (await load(house, CERTIFICATE, certificate_id)).found
    if certificate.renewed_to is None and certificate.revoked_at is None:
        return
    for alert_id in await house.hints.open_alerts_of(_EXPIRY, subject_id=certificate_id):
        await resolve_alert(house, context.part(alert_id), alert_id)


async def settle_rule(house: House, context: Context) -> None:
    """Rules were changed: open alerts that no rule would raise now are resolved."""
    rules = (await load(house, EXPIRY_ALERT_RULES, REGISTER)).state
    in_force = {str(entry.id): entry.terms for entry in (rules.in_force if rules is not None else ())}
    for alert_id in await house.hints.open_alerts_of(_EXPIRY):
        alert = (await load(house, ALERT, alert_id)).found
        rule_id, _, label = _parts(alert.cause)
        rule = in_force.get(rule_id)
        if rule is None or not await _holds(house, rule, alert.subject_id, label):
            await resolve_alert(house, context.part(alert_id), alert_id)


def _horizon(rules: Sequence[Entry[ExpiryAlertRule]]) -> timedelta | None:
    """How far one has to look from then; None: at everything, for a share of any lifetime."""
    if any(entry.terms.relative_thresholds for entry in rules):
        return None
    return LOOKED_BACK + timedelta(days=max((days for entry in rules for days in entry.terms.thresholds), default=0))


async def _look(
    house: House, context: Context, rules: Sequence[Entry[ExpiryAlertRule]], certificates: Sequence[Unexpired]
) -> None:
    due: dict[str, tuple[Entry[ExpiryAlertRule], Unexpired, str]] = {}
    for entry in rules:
        for found in certificates:
            threshold = reached(entry.terms, found.certificate, context.at)
            if threshold is not None and matches(entry.terms, found.certificate):
                due[cause_of(entry.id, found.id, threshold.label)] = (entry, found, threshold.label)
    known = await house.hints.known_causes([f"{_EXPIRY.value}:{cause}" for cause in due])
    for cause, (entry, found, label) in due.items():
        if f"{_EXPIRY.value}:{cause}" not in known:
            await _raise(house, context, entry, found.id, label)


async def _raise(
    house: House, context: Context, entry: Entry[ExpiryAlertRule], certificate_id: UUID, label: str
) -> None:
    """Decided on the certificate itself; the alerts of wider thresholds have said what they had to say."""
    certificate = (await load(house, CERTIFICATE, certificate_id)).found
    threshold = reached(entry.terms, certificate, context.at)
    if not matches(entry.terms, certificate) or threshold is None or threshold.label != label:
        return
    cause, message = cause_of(entry.id, certificate_id, label), _message(certificate, context, entry.terms)
    await raise_once(house, context.part(cause), _EXPIRY, cause, message, certificate_id)
    for wider in thresholds(entry.terms, certificate):
        if wider.label != label:
            former = cause_of(entry.id, certificate_id, wider.label)
            await resolve_cause(house, context.part(former), _EXPIRY, former)


def _message(certificate: Certificate, context: Context, rule: ExpiryAlertRule) -> str:
    facts = certificate.facts
    name = facts.common_name or facts.subject or facts.serial_number
    when = f"{facts.not_after:%Y-%m-%d %H:%M} UTC (rule {rule.name})."
    if facts.not_after <= context.at:
        return f"{name} has expired, on {when}"
    days = (facts.not_after - context.at) // timedelta(days=1)
    left = f"in {days} days" if days > 1 else "tomorrow" if days == 1 else "within a day"
    return f"{name} expires {left}, on {when}"


async def _holds(house: House, rule: ExpiryAlertRule, certificate_id: UUID | None, label: str) -> bool:
    certificate = (await load(house, CERTIFICATE, certificate_id)).state if certificate_id is not None else None
    if certificate is None or not matches(rule, certificate):
        return False
    return label in {threshold.label for threshold in thresholds(rule, certificate)}


def _parts(cause: str) -> tuple[str, str, str]:
    _, rule_id, certificate_id, label = (*cause.split(":"), "", "", "")[:4]
    return rule_id, certificate_id, label
