"""Issuance policies: named rules that orders are held against. All of them are one stream (domain.register)."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from domain import ids, register
from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.issuance_rules import InForce, IssuanceRule
from domain.name_patterns import parse_pattern
from domain.register import Kind, Register

REGISTER = ids.derive("issuance-policies")
"""The stream of all policies."""


class IssuancePolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a policy says; every rule has a name of its own."""

    name: str
    description: str = ""
    rules: tuple[IssuanceRule, ...]


class IssuancePolicyCreated(Event, frozen=True, kw_only=True):
    """Orders are held against one more policy from now on."""

    topic = "issuance_policy.created"
    policy_id: UUID
    policy: IssuancePolicy


class IssuancePolicyChanged(Event, frozen=True, kw_only=True):
    """The whole new policy."""

    topic = "issuance_policy.changed"
    policy_id: UUID
    policy: IssuancePolicy


class IssuancePolicyRetired(Event, frozen=True, kw_only=True):
    """No order is held against it any more."""

    topic = "issuance_policy.retired"
    policy_id: UUID


Policies = Register[IssuancePolicy]

ISSUANCE_POLICIES: AggregateType[Policies] = AggregateType(
    name="issuance_policies",
    table={
        IssuancePolicyCreated: lambda s, e: register.with_entry(s, e.meta, e.policy_id, e.policy),
        IssuancePolicyChanged: lambda s, e: register.with_revision(s, e.meta, e.policy_id, e.policy),
        IssuancePolicyRetired: lambda s, e: register.without(s, e.meta, e.policy_id),
    },
)


def _created(meta: Meta, entry_id: UUID, terms: IssuancePolicy) -> Event:
    return IssuancePolicyCreated(meta=meta, policy_id=entry_id, policy=terms)


def _changed(meta: Meta, entry_id: UUID, terms: IssuancePolicy) -> Event:
    return IssuancePolicyChanged(meta=meta, policy_id=entry_id, policy=terms)


def _retired(meta: Meta, entry_id: UUID) -> Event:
    return IssuancePolicyRetired(meta=meta, policy_id=entry_id)


KIND: Kind[IssuancePolicy] = Kind(
    words="issuance policy",
    stream=REGISTER,
    aggregate=ISSUANCE_POLICIES,
    created=_created,
    changed=_changed,
    retired=_retired,
)


def checked(policy: IssuancePolicy) -> IssuancePolicy:
    """The policy with every pattern in its one spelling. Raises Refused at the field to blame."""
    names = [rule.name.casefold() for rule in policy.rules]
    for n, name in enumerate(names):
        if name in names[:n]:
            sentence = "Two rules of a policy have this name; a refusal names the rule that was broken."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer=f"/rules/{n}/name")
    rules = tuple(_checked_rule(rule, f"/rules/{n}") for n, rule in enumerate(policy.rules))
    return msgspec.structs.replace(policy, rules=rules)


def in_force(policies: Policies | None) -> tuple[InForce, ...]:
    """The policies that orders are held against."""
    entries = policies.in_force if policies is not None else ()
    return tuple(InForce(entry.id, entry.version, entry.terms.name, entry.terms.rules) for entry in entries)


def _checked_rule(rule: IssuanceRule, pointer: str) -> IssuanceRule:
    return msgspec.structs.replace(
        rule,
        domains=_parsed(rule.domains, f"{pointer}/domains"),
        names=_parsed(rule.names, f"{pointer}/names"),
    )


def _parsed(patterns: Iterable[str], pointer: str) -> tuple[str, ...]:
    return tuple(parse_pattern(text, pointer=f"{pointer}/{n}") for n, text in enumerate(patterns))
