"""Approval policies: how many levels a push takes, of whom, for how long. All of them are one stream (domain.register).

Which one a push comes under is resolved once, at its request, and frozen into the work order as an
`ApprovalPolicy` (domain.approval): a later change is for later pushes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import UNSET

from domain import ids, register
from domain.approval import DEFAULT_PUSH, DEFAULT_REDEPLOY, ApprovalPolicy
from domain.entity import Actor, ActorKind, AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.register import Entry, Kind, Register, Revision
from domain.role_grant import Role
from domain.role_scope import bears

REGISTER = ids.derive("approval-policies")
"""The stream of all policies."""


class PushAction(StrEnum):
    """What is asked for: a push, or one more of what was approved and deployed on the same connector and has not
    changed since.
    """

    PUSH = "push"
    REDEPLOY = "redeploy"


class ApprovalTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a policy says. `levels`, `level_roles`: see domain.approval.ApprovalPolicy.

    A push must match every filter that is not empty, in one of its values. Of the policies that match, the one of the
    highest `priority` counts; of those the one with the most levels; of those the oldest.
    """

    name: str
    description: str = ""
    levels: int
    level_roles: tuple[tuple[Role, ...], ...] = ()
    request_expires_after: timedelta = timedelta(days=7)
    approval_expires_after: timedelta = timedelta(days=7)
    priority: int = 0
    actions: tuple[PushAction, ...] = (PushAction.PUSH,)
    certificate_tags: tuple[str, ...] = ()
    target_system_ids: tuple[UUID, ...] = ()
    target_kinds: tuple[str, ...] = ()
    target_tags: tuple[str, ...] = ()


class ApprovalPolicyCreated(Event, frozen=True, kw_only=True):
    """Pushes may come under one more policy from now on."""

    topic = "approval_policy.created"
    policy_id: UUID
    policy: ApprovalTerms


class ApprovalPolicyChanged(Event, frozen=True, kw_only=True):
    """The whole new policy."""

    topic = "approval_policy.changed"
    policy_id: UUID
    policy: ApprovalTerms


class ApprovalPolicyRetired(Event, frozen=True, kw_only=True):
    """No later push comes under it."""

    topic = "approval_policy.retired"
    policy_id: UUID


Policies = Register[ApprovalTerms]
BUILT_IN_BY = Actor(ActorKind.SYSTEM, "certferry")
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def _built_in(policy: ApprovalPolicy, action: PushAction) -> Entry[ApprovalTerms]:
    terms = ApprovalTerms(
        name=policy.name,
        levels=policy.levels,
        request_expires_after=policy.request_expires_after,
        approval_expires_after=policy.approval_expires_after,
        actions=(action,),
    )
    revision = Revision(version=policy.version, terms=terms, at=_ALWAYS, by=BUILT_IN_BY)
    return Entry(id=policy.id, revisions=(revision,))


BUILT_IN: Policies = Register(
    entries=(_built_in(DEFAULT_PUSH, PushAction.PUSH), _built_in(DEFAULT_REDEPLOY, PushAction.REDEPLOY))
)
"""The defaults, from the beginning: of each action the one that every other policy that matches goes before."""

APPROVAL_POLICIES: AggregateType[Policies] = AggregateType(
    name="approval_policies",
    table={
        ApprovalPolicyCreated: lambda s, e: register.with_entry(s or BUILT_IN, e.meta, e.policy_id, e.policy),
        ApprovalPolicyChanged: lambda s, e: register.with_revision(s or BUILT_IN, e.meta, e.policy_id, e.policy),
        ApprovalPolicyRetired: lambda s, e: register.without(s or BUILT_IN, e.meta, e.policy_id),
    },
)


def _created(meta: Meta, entry_id: UUID, terms: ApprovalTerms) -> Event:
    return ApprovalPolicyCreated(meta=meta, policy_id=entry_id, policy=terms)


def _changed(meta: Meta, entry_id: UUID, terms: ApprovalTerms) -> Event:
    return ApprovalPolicyChanged(meta=meta, policy_id=entry_id, policy=terms)


def _retired(meta: Meta, entry_id: UUID) -> Event:
    return ApprovalPolicyRetired(meta=meta, policy_id=entry_id)


KIND: Kind[ApprovalTerms] = Kind(
    words="approval policy",
    stream=REGISTER,
    aggregate=APPROVAL_POLICIES,
    created=_created,
    changed=_changed,
    retired=_retired,
    initial=BUILT_IN,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a push is about, as far as policies look at it."""

    action: PushAction
    certificate_tags: tuple[str, ...]
    target_system_id: UUID
    target_kind: str
    target_tags: tuple[str, ...]


def checked(terms: ApprovalTerms) -> ApprovalTerms:
    """The policy with roles for its own levels only. Raises Refused at the field to blame."""
    if len(terms.level_roles) > terms.levels:
        sentence = f"There are roles for {len(terms.level_roles)} levels, and only {terms.levels} levels."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/level_roles")
    roles = tuple(tuple(sorted(set(each))) for each in terms.level_roles)
    return msgspec.structs.replace(terms, level_roles=roles, actions=tuple(sorted(set(terms.actions))))


def checked_change(entry_id: UUID, terms: ApprovalTerms) -> ApprovalTerms:
    """The same; a built-in policy stays what every push of its action falls back on."""
    known = BUILT_IN.get(entry_id)
    if known is not None:
        for name in ("actions", "priority", *_FILTERS):
            if getattr(terms, name) != getattr(known.terms, name):
                sentence = "A built-in policy is for every push that no other policy is for; create one for these."
                raise Refused(Code.VALIDATION_FAILED, sentence, pointer=f"/{name}")
    return checked(terms)


def matching(policies: Policies | None, asked: Asked) -> list[Entry[ApprovalTerms]]:
    """The policies in force that a push matches, the one that counts first; never empty."""
    known = policies or BUILT_IN
    found = [(n, entry) for n, entry in enumerate(known.in_force) if _matches(entry.terms, asked)]
    return [entry for _, entry in sorted(found, key=_precedence)]


def _precedence(numbered: tuple[int, Entry[ApprovalTerms]]) -> tuple[bool, int, int, int]:
    number, entry = numbered
    return BUILT_IN.get(entry.id) is not None, -entry.terms.priority, -entry.terms.levels, number


def resolve(policies: Policies | None, asked: Asked) -> ApprovalPolicy:
    """The policy that a push comes under, to be frozen into its work order."""
    return frozen(matching(policies, asked)[0])


def frozen(entry: Entry[ApprovalTerms]) -> ApprovalPolicy:
    """A policy as a work order keeps it."""
    terms = entry.terms
    return ApprovalPolicy(
        id=entry.id,
        version=entry.version,
        name=terms.name,
        levels=terms.levels,
        request_expires_after=terms.request_expires_after,
        approval_expires_after=terms.approval_expires_after,
        level_roles=terms.level_roles or UNSET,
    )


_FILTERS = ("certificate_tags", "target_system_ids", "target_kinds", "target_tags")


def _matches(terms: ApprovalTerms, asked: Asked) -> bool:
    return asked.action in terms.actions and all(_filters(terms, asked))


def _filters(terms: ApprovalTerms, asked: Asked) -> Iterator[bool]:
    yield bears(asked.certificate_tags, terms.certificate_tags)
    yield not terms.target_system_ids or asked.target_system_id in terms.target_system_ids
    yield not terms.target_kinds or asked.target_kind in terms.target_kinds
    yield bears(asked.target_tags, terms.target_tags)
