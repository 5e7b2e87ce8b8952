"""Who did what on a push, with which roles and which token at that moment. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import ActorKind
from domain.role_grant import Role
from projections.push_records.view import PushFact, PushRecord
from projections.role_records.view import RoleRecord


class Duty(StrEnum):
    """What a push takes, each from another person."""

    REQUEST = "request"
    APPROVAL = "approval"
    IMPLEMENTATION = "implementation"


ROLES: Mapping[Duty, frozenset[Role]] = {
    Duty.REQUEST: frozenset({Role.REQUESTER, Role.OPERATOR}),
    Duty.APPROVAL: frozenset({Role.APPROVER}),
    Duty.IMPLEMENTATION: frozenset({Role.IMPLEMENTER}),
}
"""The roles that allow a duty (domain/roles.py)."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One duty done. `person_id` is whoever it counts as: a token counts as its owner, a machine as whom it acts for.

    `roles`: what that person held right then; `token_roles`: what the token was narrowed to, None where it was not.
    """

    duty: Duty
    level: int | None
    person_id: str
    name: str | None
    actor_kind: ActorKind
    actor_id: str
    on_behalf_of: str | None
    token_id: UUID | None
    token_owner_id: UUID | None
    token_roles: tuple[Role, ...] | None
    roles: tuple[Role, ...]
    digest: str | None
    at: datetime
    position: int

    @property
    def by_person(self) -> bool:
        """A decision of a person, and not of the policy or the clock."""
        return self.actor_kind not in (ActorKind.SYSTEM, ActorKind.AUTOMATION) or self.on_behalf_of is not None


class People(msgspec.Struct, frozen=True):
    """What is known of principals and tokens: their records, and the names of principals, by their ids as text (as
    actors have them).
    """

    records: Mapping[str, RoleRecord]
    names: Mapping[str, str]

    def act(self, duty: Duty, fact: PushFact, digest: str | None) -> Act:
        """A step of a push as a duty."""
        record = self.records.get(fact.person)
        token_id = (fact.credential or "").removeprefix("token:")
        used = self.records.get(token_id)
        token = used if used is not None and used.token else None
        return Act(
            duty=duty,
            level=fact.level,
            person_id=fact.person,
            name=self.names.get(fact.person),
            actor_kind=fact.actor.kind,
            actor_id=fact.actor.id,
            on_behalf_of=fact.actor.on_behalf_of,
            token_id=UUID(token_id) if token else None,
            token_owner_id=token.principal_id if token else None,
            token_roles=token.roles if token else None,
            roles=tuple(sorted(record.held(fact.position))) if record else (),
            digest=digest,
            at=fact.at,
            position=fact.position,
        )

    def acts(self, push: PushRecord) -> tuple[Act, ...]:
        """Request, approvals and implementation of a push, in order."""
        acts = [self.act(Duty.REQUEST, push.requested, push.digest)]
        acts += [self.act(Duty.APPROVAL, fact, fact.digest) for fact in push.approvals]
        if (implementation := push.implementation) is not None:
            acts.append(self.act(Duty.IMPLEMENTATION, implementation, implementation.digest))
        return tuple(acts)


def of_duty(acts: Iterable[Act], duty: Duty) -> tuple[Act, ...]:
    """The acts of one duty."""
    return tuple(act for act in acts if act.duty is duty)
