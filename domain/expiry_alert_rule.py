"""Expiry alert rules: of which certificates, and how long before they expire, people are told. One stream for all.

When a threshold is reached follows from the clock; that an alert was raised is an event.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain import ids, register
from domain.certificate import Certificate
from domain.entity import AggregateType, Event, Meta
from domain.name_patterns import host_of, lies_within, parse_pattern
from domain.register import Kind, Register

REGISTER = ids.derive("expiry-alert-rules")
"""The stream of all rules."""
DEFAULT_THRESHOLDS = (90, 30, 10)
EXPIRED = "expired"


class ExpiryAlertRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rule says. `thresholds`: days before expiry. `relative_thresholds`: percent of the lifetime that are left.

    A certificate must match every filter that is not empty, in one of its values: owner, tag, a part of the issuer's
    name (whatever the case), a pattern (domain.name_patterns) for one of its names. `channel_ids`: where notifications
    go to; none: to every channel that takes alerts of this kind.
    """

    name: str
    thresholds: tuple[int, ...] = DEFAULT_THRESHOLDS
    relative_thresholds: tuple[int, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    channel_ids: tuple[UUID, ...] = ()


class ExpiryAlertRuleCreated(Event, frozen=True, kw_only=True):
    """People are told of expiry by one more rule from now on."""

    topic = "expiry_alert_rule.created"
    rule_id: UUID
    rule: ExpiryAlertRule


class ExpiryAlertRuleChanged(Event, frozen=True, kw_only=True):
    """The whole new rule."""

    topic = "expiry_alert_rule.changed"
    rule_id: UUID
    rule: ExpiryAlertRule


class ExpiryAlertRuleRetired(Event, frozen=True, kw_only=True):
    """The rule tells nobody any more."""

    topic = "expiry_alert_rule.retired"
    rule_id: UUID


Rules = Register[ExpiryAlertRule]

EXPIRY_ALERT_RULES: AggregateType[Rules] = AggregateType(
    name="expiry_alert_rules",
    table={
        ExpiryAlertRuleCreated: lambda s, e: register.with_entry(s, e.meta, e.rule_id, e.rule),
        ExpiryAlertRuleChanged: lambda s, e: register.with_revision(s, e.meta, e.rule_id, e.rule),
        ExpiryAlertRuleRetired: lambda s, e: register.without(s, e.meta, e.rule_id),
    },
)


def _created(meta: Meta, entry_id: UUID, terms: ExpiryAlertRule) -> Event:
    return ExpiryAlertRuleCreated(meta=meta, rule_id=entry_id, rule=terms)


def _changed(meta: Meta, entry_id: UUID, terms: ExpiryAlertRule) -> Event:
    return ExpiryAlertRuleChanged(meta=meta, rule_id=entry_id, rule=terms)


def _retired(meta: Meta, entry_id: UUID) -> Event:
    return ExpiryAlertRuleRetired(meta=meta, rule_id=entry_id)


KIND: Kind[ExpiryAlertRule] = Kind(
    words="expiry alert rule",
    stream=REGISTER,
    aggregate=EXPIRY_ALERT_RULES,
    created=_created,
    changed=_changed,
    retired=_retired,
)


class Threshold(NamedTuple):
    """A threshold of one certificate: since when it is reached, and what it is called (`30d`, `33%`, `expired`)."""

    at: datetime
    label: str


def checked(rule: ExpiryAlertRule) -> ExpiryAlertRule:
    """The rule in its one spelling: the widest threshold first, each once. Raises Refused at the field to blame."""
    names = (parse_pattern(text, pointer=f"/names/{n}") for n, text in enumerate(rule.names))
    return msgspec.structs.replace(
        rule,
        thresholds=_widest_first(rule.thresholds),
        relative_thresholds=_widest_first(rule.relative_thresholds),
        names=tuple(names),
    )


def matches(rule: ExpiryAlertRule, certificate: Certificate) -> bool:
    """Is the rule about this certificate? One that was renewed or revoked concerns nobody."""
    if certificate.renewed_to is not None or certificate.revoked_at is not None:
        return False
    facts = certificate.facts
    issuer = facts.issuer.casefold()
    hosts = [host_of(name) for name in (facts.common_name, *facts.subject_alternative_names)]
    return (
        (not rule.owners or certificate.owner in rule.owners)
        and (not rule.tags or not set(rule.tags).isdisjoint(certificate.tags))
        and (not rule.issuers or any(part.casefold() in issuer for part in rule.issuers))
        and (not rule.names or any(lies_within(host, pattern) for host in hosts for pattern in rule.names))
    )


def reached(rule: ExpiryAlertRule, certificate: Certificate, now: datetime) -> Threshold | None:
    """The threshold that was reached last, None before the first; the instant itself counts."""
    return max((each for each in thresholds(rule, certificate) if each.at <= now), default=None)


def thresholds(rule: ExpiryAlertRule, certificate: Certificate) -> Iterator[Threshold]:
    """All thresholds of a certificate under a rule; the last one of each is that it has expired."""
    facts = certificate.facts
    yield Threshold(facts.not_after, EXPIRED)
    for days in rule.thresholds:
        yield Threshold(facts.not_after - timedelta(days=days), f"{days}d")
    for percent in rule.relative_thresholds:
        yield Threshold(facts.not_after - (facts.not_after - facts.not_before) * percent / 100, f"{percent}%")


def cause_of(rule_id: UUID, certificate_id: UUID, label: str) -> str:
    """What repeats: one threshold of one certificate under one rule."""
    return f"{rule_id}:{certificate_id}:{label}"


def _widest_first(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(values), reverse=True))
