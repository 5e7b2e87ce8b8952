"""One row per principal and per token: all changes of what they may do, with their positions. No name, no secret."""

from typing import Any

import msgspec

from domain.entity import Event
from domain.principal import PRINCIPAL, TOKEN, PrincipalCreated, PrincipalDisabled, PrincipalEnabled, TokenCreated
from domain.role_grant import RoleGranted, RoleProposed, RoleRejected
from projections.columns import Column, Type
from projections.entity import Key, Projection, Stored
from projections.role_records.view import Grant, GrantFact, RoleRecord

_CHANGES: dict[type[Event], Grant] = {
    PrincipalCreated: Grant.CREATED,
    PrincipalDisabled: Grant.DISABLED,
    PrincipalEnabled: Grant.ENABLED,
    RoleGranted: Grant.GRANTED,
    TokenCreated: Grant.CREATED,
}


def _evolve(_: Key, state: RoleRecord | None, stored: Stored) -> RoleRecord:
    event: Any = stored.event
    if isinstance(event, PrincipalCreated):
        return RoleRecord(kind=event.kind, principal_id=stored.stream_id, facts=(_fact(stored),))
    if isinstance(event, TokenCreated):
        return RoleRecord(
            kind="token",
            principal_id=event.principal_id,
            token=True,
            roles=event.roles,
            expires_at=event.expires_at,
            facts=(_fact(stored),),
        )
    if state is None:
        raise ValueError("an event of a principal or a token that was never created")
    return msgspec.structs.replace(state, facts=(*state.facts, _fact(stored)))


def _fact(stored: Stored) -> GrantFact:
    event: Any = stored.event
    return GrantFact(
        change=_CHANGES.get(type(event), Grant.REVOKED),
        position=stored.position,
        at=event.meta.at,
        actor=event.meta.actor,
        role=getattr(event, "role", None),
        scope=getattr(event, "scope", None),
    )


def _extract(state: RoleRecord) -> tuple[Any, ...]:
    return (state.principal_id,)


ROLE_RECORDS: Projection[RoleRecord] = Projection(
    name="role_records",
    version=2,
    state_type=RoleRecord,
    events=frozenset({*PRINCIPAL.table, *TOKEN.table} - {RoleProposed, RoleRejected}),
    evolve=_evolve,
    columns=(Column("principal_id", Type.UUID),),
    extract=_extract,
    indexes=("(principal_id)",),
)
