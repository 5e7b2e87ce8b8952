"""Principals and tokens as rows."""

from typing import Any

from domain.principal import PRINCIPAL, TOKEN, Principal, Token
from domain.session import SESSION, Session
from projections.columns import Column, Type
from projections.entity import entity

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

SESSION_COLUMNS = (
    Column("principal_id", Type.UUID),
    Column("ended", Type.BOOLEAN),
    Column("expires_at", Type.INSTANT),
)


def _principal(state: Principal) -> tuple[Any, ...]:
    return state.kind, state.roles, state.disabled


def _token(state: Token) -> tuple[Any, ...]:
    return state.principal_id, state.revoked_at is not None, state.expires_at


def _session(state: Session) -> tuple[Any, ...]:
    return state.principal_id, state.ended_at is not None, state.expires_at


PRINCIPALS = entity(
    PRINCIPAL,
    name="principals",
    version=3,
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
