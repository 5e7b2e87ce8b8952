"""What issuance policies say of an order. Pure: rules and an order in, violations out.

A rule concerns the orders that touch its domains, and restricts them as wholes: a certificate for one name of the
domain is judged with all its names. What several rules and policies say adds up, so the most restrictive one wins, and
one more policy never allows what was refused.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain.certificate_order import DEFAULT_KEY_ALGORITHM, OrderParameters, Provider
from domain.endpoint import host_name
from domain.entity import ActorKind
from domain.name_patterns import host_of, lies_within, touches
from domain.role_grant import Role
from domain.violation import Judgement, Severity, Violation

_KEY, _CSR, _VALIDITY = "/key_algorithm", "/csr_pem", "/validity_days"
_COMMON_NAME, _NAMES, _PROVIDER, _REQUESTER = "/common_name", "/subject_alternative_names", "/provider", ""


class IssuanceRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule. `domains` (domain.name_patterns) say which orders it concerns, empty: all. Every other field restricts
    them; None and () restrict nothing.

    `key_algorithms`: these only. `minimum_rsa_bits`, `minimum_ec_bits`: sizes of keys. `names`: patterns, one of which
    every name must lie within. `wildcards` False: none. `maximum_names`: different names. `providers`, `provider_ids`:
    kinds, or single ones. `principal_ids`, `roles`, `actor_kinds`: who may ask; whoever is in one of them may.
    """

    name: str
    severity: Severity = Severity.HARD
    domains: tuple[str, ...] = ()
    key_algorithms: tuple[str, ...] = ()
    minimum_rsa_bits: int | None = None
    minimum_ec_bits: int | None = None
    maximum_validity_days: int | None = None
    names: tuple[str, ...] = ()
    wildcards: bool = True
    maximum_names: int | None = None
    providers: tuple[Provider, ...] = ()
    provider_ids: tuple[UUID, ...] = ()
    principal_ids: tuple[UUID, ...] = ()
    roles: tuple[Role, ...] = ()
    actor_kinds: tuple[ActorKind, ...] = ()


class Requester(NamedTuple):
    """Who asks: what kind of actor, and the person behind it with the roles held now, where there is one."""

    kind: ActorKind
    principal_id: UUID | None = None
    roles: frozenset[Role] = frozenset()


class Requested(NamedTuple):
    """What a signing request brings along: the algorithm of its key, and its names."""

    algorithm: str
    common_name: str
    names: tuple[str, ...]


class NamedAt(NamedTuple):
    """A name of an order in its one spelling, and the field where it stands."""

    name: str
    pointer: str


class Asked(NamedTuple):
    """An order as rules see it."""

    names: tuple[NamedAt, ...]
    key_algorithm: str
    key_pointer: str
    validity_days: int
    provider: Provider
    provider_id: UUID | None
    requester: Requester


class InForce(NamedTuple):
    """A policy that counts."""

    id: UUID
    version: int
    name: str
    rules: tuple[IssuanceRule, ...]


class Objection(NamedTuple):
    """A restriction that is broken."""

    restriction: str
    pointer: str
    detail: str


def asked(parameters: OrderParameters, requested: Requested | None, requester: Requester) -> Asked:
    """The order as rules see it; of a signing request both its key and its names count, beside those of the order."""
    return Asked(
        names=tuple(_names(parameters, requested)),
        key_algorithm=requested.algorithm if requested else parameters.key_algorithm or DEFAULT_KEY_ALGORITHM,
        key_pointer=_CSR if requested else _KEY,
        validity_days=parameters.validity_days,
        provider=parameters.provider,
        provider_id=parameters.provider_id,
        requester=requester,
    )


def judge(policies: Iterable[InForce], order: Asked) -> Judgement:
    """Everything that the policies object to, in their order."""
    found = [
        _violation(policy, rule, objection)
        for policy in policies
        for rule in policy.rules
        if concerns(rule, order)
        for objection in objections(rule, order)
    ]
    return Judgement(
        violations=tuple(each for each in found if each.severity is Severity.HARD),
        warnings=tuple(each for each in found if each.severity is Severity.SOFT),
    )


def concerns(rule: IssuanceRule, order: Asked) -> bool:
    """Does one of the order's names touch the rule's domains?"""
    return not rule.domains or any(touches(each.name, pattern) for each in order.names for pattern in rule.domains)


def objections(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    """What a rule that concerns the order objects to."""
    for check in _CHECKS:
        yield from check(rule, order)


def _names(parameters: OrderParameters, requested: Requested | None) -> Iterator[NamedAt]:
    given = [(parameters.common_name, _COMMON_NAME)] if _is_name(parameters.common_name, parameters.usage) else []
    given += [(name, f"{_NAMES}/{n}") for n, name in enumerate(parameters.subject_alternative_names)]
    if requested is not None:
        given += [(requested.common_name, _CSR)] if _is_name(requested.common_name, parameters.usage) else []
        given += [(name, _CSR) for name in requested.names]
    seen: set[str] = set()
    for name, pointer in ((host_of(name), pointer) for name, pointer in given):
        if name not in seen:
            seen.add(name)
            yield NamedAt(name, pointer)


def _is_name(common_name: str, usage: str) -> bool:
    """The common name of a client certificate may be a person's, and is no name of a host then."""
    if not common_name or usage != "client":
        return bool(common_name)
    host = host_of(common_name).removeprefix("*.")
    return ("." in host and host_name(host) is not None) or ":" in host or host.replace(".", "").isdigit()


def _key_algorithms(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    if rule.key_algorithms and order.key_algorithm not in rule.key_algorithms:
        sentence = f"A key of the kind {order.key_algorithm} is not allowed; use {_or(rule.key_algorithms)}."
        yield Objection("key_algorithms", order.key_pointer, sentence)


def _key_sizes(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    family, _, bits = order.key_algorithm.partition("-")
    for restriction, of, least in (
        ("minimum_rsa_bits", "rsa", rule.minimum_rsa_bits),
        ("minimum_ec_bits", "ec", rule.minimum_ec_bits),
    ):
        if least is not None and family == of and not (bits.isdecimal() and int(bits) >= least):
            sentence = f"A key of the kind {order.key_algorithm} is too short: at least {least} bits."
            yield Objection(restriction, order.key_pointer, sentence)


def _validity(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    most = rule.maximum_validity_days
    if most is not None and order.validity_days > most:
        sentence = f"{order.validity_days} days of validity are too many: at most {most}."
        yield Objection("maximum_validity_days", _VALIDITY, sentence)


def _allowed_names(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    for name, pointer in order.names if rule.names else ():
        if not any(lies_within(name, pattern) for pattern in rule.names):
            yield Objection("names", pointer, f"The name {name} does not lie within {_or(rule.names)}.")


def _wildcards(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    for name, pointer in order.names if not rule.wildcards else ():
        if name.startswith("*"):
            yield Objection("wildcards", pointer, f"The wildcard {name} is not allowed; name each host.")


def _count(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    most = rule.maximum_names
    if most is not None and len(order.names) > most:
        pointer = _CSR if order.names[-1].pointer == _CSR else _NAMES
        yield Objection("maximum_names", pointer, f"{len(order.names)} names are too many: at most {most}.")


def _providers(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    if not rule.providers and not rule.provider_ids:
        return
    if order.provider not in rule.providers and order.provider_id not in rule.provider_ids:
        allowed = [*(each.value for each in rule.providers), *map(str, rule.provider_ids)]
        sentence = f"The provider {order.provider_id or order.provider.value} is not allowed; use {_or(allowed)}."
        yield Objection("providers", _PROVIDER, sentence)


def _requesters(rule: IssuanceRule, order: Asked) -> Iterator[Objection]:
    if not rule.principal_ids and not rule.roles and not rule.actor_kinds:
        return
    by = order.requester
    named = by.principal_id is not None and by.principal_id in rule.principal_ids
    if not named and by.roles.isdisjoint(rule.roles) and by.kind not in rule.actor_kinds:
        yield Objection("requesters", _REQUESTER, "You are not among those who may ask for this certificate.")


_CHECKS: tuple[Callable[[IssuanceRule, Asked], Iterator[Objection]], ...] = (
    _key_algorithms,
    _key_sizes,
    _validity,
    _allowed_names,
    _wildcards,
    _count,
    _providers,
    _requesters,
)


def _violation(policy: InForce, rule: IssuanceRule, objection: Objection) -> Violation:
    return Violation(
        policy_id=policy.id,
        policy_version=policy.version,
        policy=policy.name,
        rule=rule.name,
        severity=rule.severity,
        restriction=objection.restriction,
        pointer=objection.pointer,
        detail=objection.detail,
    )


def _or(values: Iterable[str]) -> str:
    return " or ".join(values)
