"""Principals, tokens, sessions and proposed roles as rows."""

from collections.abc import Iterator
from typing import Any

from domain.principal import PRINCIPAL, TOKEN, Principal, Token
from domain.role_grant import RoleGranted, RoleProposed, RoleRejected, begun, decided
from domain.session import SESSION, Session
from projections.columns import Column, Type
from projections.entity import Key, Projection, Stored, entity
from projections.principals.view import ProposedRole

PRINCIPAL_COLUMNS = (
    Column("kind", Type.TEXT),
    Column("roles", Type.TEXTS),
    Column("disabled", Type.BOOLEAN),
)
TOKEN_COLUMNS = (
    Column("principal_id", Type.UUID),
    Column("revoked", Type.BOOLEAN),
    Column("expires_at", Type.INSTANT),
)

GRANT_COLUMNS = (
    Column("principal_id", Type.UUID),
    Column("role", Type.TEXT),
    Column("approved", Type.BOOLEAN),
    Column("rejected", Type.BOOLEAN),
    Column("expires_at", Type.INSTANT),
)

SESSION_COLUMNS = (
    Column("principal_id", Type.UUID),
    Column("ended", Type.BOOLEAN),
    Column("expires_at", Type.INSTANT),
)


def _principal(state: Principal) -> tuple[Any, ...]:
    within = [each.role for each in state.scoped if each.role not in state.roles]
    return state.kind, (*state.roles, *dict.fromkeys(within)), state.disabled


def _token(state: Token) -> tuple[Any, ...]:
    return state.principal_id, state.revoked_at is not None, state.expires_at


def _grant(state: ProposedRole) -> tuple[Any, ...]:
    grant = state.grant
    return state.principal_id, grant.role, grant.approved is not None, grant.rejected is not None, grant.expires_at


def _grants(stored: Stored) -> Iterator[Key]:
    """A role that was given without a proposal is none of them."""
    event: Any = stored.event
    if event.grant_id is not None:
        yield event.grant_id.bytes


def _evolve(_: Key, state: ProposedRole | None, stored: Stored) -> ProposedRole:
    event: Any = stored.event
    if isinstance(event, RoleProposed):
        return ProposedRole(principal_id=stored.stream_id, grant=begun(event))
    if state is None:
        raise ValueError("an event of a grant that was never proposed")
    return ProposedRole(principal_id=state.principal_id, grant=decided(state.grant, event))


def _session(state: Session) -> tuple[Any, ...]:
    return state.principal_id, state.ended_at is not None, state.expires_at


PRINCIPALS = entity(
    PRINCIPAL,
    name="principals",
    version=4,
    state_type=Principal,
    columns=PRINCIPAL_COLUMNS,
    extract=_principal,
    indexes=("(created_position)",),
    listed=("created_position",),
)

TOKENS = entity(
    TOKEN,
    name="tokens",
    version=2,
    state_type=Token,
    columns=TOKEN_COLUMNS,
    extract=_token,
    indexes=("(principal_id)", "(created_position)"),
    listed=("principal_id", "created_position"),
)

SESSIONS = entity(
    SESSION,
    name="sessions",
    version=1,
    state_type=Session,
    columns=SESSION_COLUMNS,
    extract=_session,
    indexes=("(principal_id)", "(created_position)"),
    listed=("principal_id", "created_position"),
)

ROLE_GRANTS: Projection[ProposedRole] = Projection(
    name="role_grants",
    version=1,
    state_type=ProposedRole,
    events=frozenset({RoleProposed, RoleGranted, RoleRejected}),
    evolve=_evolve,
    keys=_grants,
    columns=GRANT_COLUMNS,
    extract=_grant,
    indexes=("(principal_id)", "(created_position)"),
    listed=("principal_id", "created_position"),
)
