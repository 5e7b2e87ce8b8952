"""People, programs, tokens, alerts."""

from datetime import datetime
from uuid import UUID

from api.directory import Caller
from api.presenters.common import actor, done_at, done_by
from api.presenters.known import Known
from api.schemas.alerts import AlertBody
from api.schemas.principals import (
    InvitationBody,
    IssuedToken,
    MeBody,
    PrincipalBody,
    RoleGrantBody,
    ScopeBody,
    ScopedRoleBody,
    TokenBody,
)
from application.signing_in import Invited
from domain.alert import Alert
from domain.principal import Principal, Token
from domain.role_grant import RoleGrant, ScopedRole
from domain.role_scope import RoleScope


def principal(found: Known[Principal], now: datetime) -> PrincipalBody:
    """A person or a program."""
    state = found.state
    return PrincipalBody(
        id=found.id,
        name=state.name,
        kind=state.kind,
        roles=state.roles,
        scoped_roles=tuple(scoped_role(each) for each in state.scoped),
        grants=tuple(role_grant(found.id, each, now) for each in state.grants),
        disabled=state.disabled,
        disabled_at=state.disabled_at,
        disabled_reason=state.disabled_reason,
        erased_at=state.erased_at,
    )


def scoped_role(found: ScopedRole) -> ScopedRoleBody:
    """A role that is held within a scope."""
    return ScopedRoleBody(role=found.role, scope=_scope(found.scope))


def _scope(found: RoleScope) -> ScopeBody:
    return ScopeBody(certificate_tags=found.certificate_tags, target_tags=found.target_tags)


def role_grant(principal_id: UUID, found: RoleGrant, now: datetime) -> RoleGrantBody:
    """A proposed role, as it stands at an instant."""
    return RoleGrantBody(
        id=found.id,
        principal_id=principal_id,
        role=found.role,
        scope=_scope(found.scope) if found.scope is not None else None,
        status=found.status(now),
        proposed_at=found.proposed.at,
        proposed_by=actor(found.proposed.by),
        expires_at=found.expires_at,
        approved_at=done_at(found.approved),
        approved_by=done_by(found.approved),
        rejected_at=done_at(found.rejected),
        rejected_by=done_by(found.rejected),
        reason=found.reason,
    )


def invitation(made: Invited, base: str) -> InvitationBody:
    """An invitation with its link."""
    url = f"{base}/invitation#{made.text}"
    return InvitationBody(principal_id=made.principal_id, invitation=made.text, url=url, expires_at=made.expires_at)


def token(found: Known[Token]) -> TokenBody:
    """A token, without its secret and without its hash."""
    state = found.state
    return TokenBody(
        id=found.id,
        principal_id=state.principal_id,
        name=state.name,
        roles=state.roles,
        created_at=state.created_at,
        expires_at=state.expires_at,
        revoked_at=state.revoked_at,
        revoked_reason=state.revoked_reason,
    )


def issued_token(found: Known[Token], text: str) -> IssuedToken:
    """A new token with its text."""
    shown = token(found)
    return IssuedToken(**{name: getattr(shown, name) for name in shown.__struct_fields__}, token=text)


def me(caller: Caller) -> MeBody:
    """The caller."""
    return MeBody(
        id=caller.principal_id,
        name=caller.name,
        kind=caller.kind,
        roles=tuple(sorted(caller.roles)),
        scoped_roles=tuple(map(scoped_role, sorted(caller.scoped, key=lambda each: (each.role, each.scope.words)))),
        credential=caller.credential,
    )


def alert(found: Known[Alert]) -> AlertBody:
    """Something a person should look at."""
    state = found.state
    return AlertBody(
        id=found.id,
        kind=state.kind,
        status=_status(state),
        cause=state.cause,
        message=state.message,
        subject_id=state.subject_id,
        raised_at=state.raised_at,
        acknowledged_at=state.acknowledged_at,
        acknowledged_by=state.acknowledged_by,
        resolved_at=state.resolved_at,
    )


def _status(state: Alert) -> str:
    if not state.open:
        return "resolved"
    return "acknowledged" if state.acknowledged_at else "open"
