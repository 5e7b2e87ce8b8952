"""Who could have done what takes two persons: stretches of time in which one held conflicting duties. Pure."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from domain.approval import person_of
from domain.role_grant import Role
from domain.role_scope import RoleScope
from projections.role_records.view import Grant, GrantFact, RoleRecord
from projections.scope import Scope
from projections.separation_of_duties.acts import ROLES, Duty


class RoleGrant(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody came to a role, within a scope or everywhere. `self_granted`: by their own hand."""

    role: Role
    scope: RoleScope | None
    granted_by: str
    granted_by_name: str | None
    self_granted: bool
    at: datetime
    position: int


class TokenHeld(msgspec.Struct, frozen=True, kw_only=True):
    """A token that allows conflicting duties by itself; `roles` None: all that its owner holds."""

    token_id: UUID
    roles: tuple[Role, ...] | None
    created_by: str
    position: int


class Conflict(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """A stretch of time in which one person held roles for two or more duties; `until` None: still.

    No rule is broken by it: four eyes stop the person at every single push. `grants` are those that the stretch began
    with; `positions` are those of all grants, and of the event that ended it.
    """

    principal_id: UUID
    name: str | None
    duties: tuple[Duty, ...]
    since: datetime
    until: datetime | None
    grants: tuple[RoleGrant, ...]
    tokens: tuple[TokenHeld, ...]
    positions: tuple[int, ...]


def conflicts(records: Mapping[str, RoleRecord], names: Mapping[str, str], scope: Scope) -> tuple[Conflict, ...]:
    """All such stretches that reach into the window, in the order of their beginning."""
    tokens: dict[str, list[tuple[str, RoleRecord]]] = {}
    for key, record in records.items():
        if record.token:
            tokens.setdefault(str(record.principal_id), []).append((key, record))
    found = [
        conflict
        for key, record in records.items()
        if not record.token
        for conflict in _of_one(key, record, tokens.get(key, []), names)
    ]
    return tuple(sorted((c for c in found if _reaches(c, scope)), key=lambda c: (c.positions, c.principal_id)))


def _reaches(conflict: Conflict, scope: Scope) -> bool:
    began = scope.until is None or conflict.since < scope.until
    lasted = scope.since is None or conflict.until is None or conflict.until > scope.since
    return began and lasted


def _of_one(
    key: str, record: RoleRecord, tokens: list[tuple[str, RoleRecord]], names: Mapping[str, str]
) -> list[Conflict]:
    """A new stretch begins whenever the duties change."""
    found: list[Conflict] = []
    held: dict[_Held, GrantFact] = {}
    before: tuple[Duty, ...] = ()
    began: GrantFact | None = None
    grants: dict[_Held, GrantFact] = {}
    disabled = False
    for fact in record.facts:
        if fact.change in (Grant.DISABLED, Grant.ENABLED):
            disabled = fact.change is Grant.DISABLED
        _change(held, fact)
        duties = () if disabled else _duties(held)
        if duties == before:
            continue
        if began is not None and len(before) > 1:
            found.append(_conflict(key, before, began, fact, grants, tokens, names))
        before, began, grants = duties, fact, dict(held)
    if began is not None and len(before) > 1:
        found.append(_conflict(key, before, began, None, grants, tokens, names))
    return found


_Held = tuple[Role, RoleScope | None]
"""A role, and the scope it is held within."""


def _change(held: dict[_Held, GrantFact], fact: GrantFact) -> None:
    if fact.role is not None and fact.change is Grant.GRANTED:
        held[fact.role, fact.scope] = fact
    elif fact.role is not None:
        held.pop((fact.role, fact.scope), None)


def _duties(held: Mapping[_Held, GrantFact]) -> tuple[Duty, ...]:
    roles = {role for role, _ in held}
    return tuple(duty for duty, allowing in ROLES.items() if allowing & roles)


def _conflict(
    key: str,
    duties: tuple[Duty, ...],
    began: GrantFact,
    ended: GrantFact | None,
    held: Mapping[_Held, GrantFact],
    tokens: list[tuple[str, RoleRecord]],
    names: Mapping[str, str],
) -> Conflict:
    relevant = [(role, fact) for (role, _), fact in held.items() if any(role in ROLES[duty] for duty in duties)]
    roles = {role for role, _ in relevant}
    in_order = sorted(relevant, key=lambda each: (each[0], each[1].position))
    grants = tuple(_grant(key, role, fact, names) for role, fact in in_order)
    usable = [_token(token_id, token) for token_id, token in tokens if _allows(token, began, ended, roles)]
    places = {grant.position for grant in grants} | {token.position for token in usable}
    return Conflict(
        principal_id=UUID(key),
        name=names.get(key),
        duties=duties,
        since=began.at,
        until=ended.at if ended else None,
        grants=grants,
        tokens=tuple(usable),
        positions=tuple(sorted(places | {began.position} | ({ended.position} if ended else set()))),
    )


def _grant(key: str, role: Role, fact: GrantFact, names: Mapping[str, str]) -> RoleGrant:
    by = person_of(fact.actor)
    return RoleGrant(
        role=role,
        scope=fact.scope,
        granted_by=by,
        granted_by_name=names.get(by),
        self_granted=by == key,
        at=fact.at,
        position=fact.position,
    )


def _token(token_id: str, record: RoleRecord) -> TokenHeld:
    created = record.facts[0]
    return TokenHeld(
        token_id=UUID(token_id),
        roles=record.roles,
        created_by=person_of(created.actor),
        position=created.position,
    )


def _allows(token: RoleRecord, began: GrantFact, ended: GrantFact | None, held: set[Role]) -> bool:
    """Could the token be used for two duties at some time of the stretch?"""
    if ended is not None and token.facts[0].position > ended.position:
        return False
    if any(fact.change is Grant.REVOKED and fact.position < began.position for fact in token.facts):
        return False
    if token.expires_at is not None and token.expires_at <= began.at:
        return False
    roles = held if token.roles is None else held & set(token.roles)
    return sum(1 for allowing in ROLES.values() if allowing & roles) > 1
