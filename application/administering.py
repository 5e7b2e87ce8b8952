"""Principals, roles and API tokens. The first administrator is made on the command line, by the system."""

import hashlib
import secrets
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    load_many,
    reading_back,
    shown_once,
    write,
)
from application.personal import sealed, sealed_for
from domain import granting, ids, principal
from domain.errors import Code, Refused
from domain.principal import PRINCIPAL, TOKEN, Principal, Token, TokenCreated
from domain.role_grant import Role
from domain.role_scope import RoleScope
from domain.roles import Permission, may


class IssuedApiToken(NamedTuple):
    """Shown once: `cf_<token id>_<secret>`."""

    token: Loaded[Token]
    text: str

    def __repr__(self) -> str:
        return f"IssuedApiToken({self.token.id})"


async def create_principal(
    house: House, context: Context, name: str, roles: tuple[Role, ...] = (), kind: str = "user"
) -> Done[Loaded[Principal]]:
    """A person or a program, with its first roles, some of which a second person has to approve. The id tells nothing
    of the name: who is called what is kept apart from the ledger, and forgotten when they are erased.
    """
    subject = await house.texts.reserve(name)

    async def attempt() -> Attempt[Loaded[Principal]]:
        known = await load(house, PRINCIPAL, subject)
        called = await sealed_for(house.texts, subject, "name", name, pointer="/name")
        events = principal.create(known.state, context.meta, name=called, kind=kind)
        created = known.after(events)
        for role in dict.fromkeys(roles):
            granted = granting.grant(created.found, context.meta, role, grant_id=grant_id(context, role))
            created, events = created.after(granted), (*events, *granted)
        return Attempt((write(known, events),), created)

    again = reading_back(house, PRINCIPAL, subject)
    return await carry_out(house, context, attempt, subject_id=subject, action="principal.create", again=again)


async def create_token(
    house: House,
    context: Context,
    owner: UUID,
    name: str,
    *,
    days: int | None = None,
    roles: tuple[Role, ...] | None = None,
) -> Done[IssuedApiToken]:
    """An API token of a principal; `roles` narrow what it may do and never widen it."""
    token_id = ids.derive("token", context.command_id)
    secret = secrets.token_urlsafe(32)
    expires_at = context.at + timedelta(days=days or house.settings.token_days)

    async def attempt() -> Attempt[IssuedApiToken]:
        held = await load(house, PRINCIPAL, owner)
        principal.check_enabled(held.found, "gets no token")
        token = await load(house, TOKEN, token_id)
        event = TokenCreated(
            meta=context.meta,
            principal_id=owner,
            name=await sealed_for(house.texts, owner, "text", name, pointer="/name"),
            secret_sha256=secret_hash(secret),
            expires_at=expires_at,
            roles=roles,
        )
        text = f"cf_{token_id.hex}_{secret}"
        return Attempt((write(token, (event,)), write(held, ())), IssuedApiToken(token.after((event,)), text))

    return await carry_out(house, context, attempt, subject_id=owner, action="token.create", again=shown_once)


async def revoke_token(
    house: House, context: Context, token_id: UUID, reason: str | None = None, *, of: UUID | None = None
) -> Done[Loaded[Token]]:
    """No longer accepted, from the next request on. `of`: as long as it is a token of this principal."""

    async def attempt() -> Attempt[Loaded[Token]]:
        token = await load(house, TOKEN, token_id)
        if of not in (None, token.found.principal_id):
            raise Refused(Code.FORBIDDEN, "This is somebody else's token; an administrator revokes it.")
        check_version(context, token)
        said = await sealed(house.texts, context.actor, reason, pointer="/reason")
        events = principal.revoke_token(token.found, context.meta, said)
        return Attempt((write(token, events),), token.after(events))

    again = reading_back(house, TOKEN, token_id)
    return await carry_out(house, context, attempt, subject_id=token_id, action="token.revoke", again=again)


async def revoke_own_token(
    house: House, context: Context, token_id: UUID, reason: str | None = None
) -> Done[Loaded[Token]]:
    """The same for everybody: of a caller whose roles allow no more, as long as the token is theirs."""
    own = None if may(context.roles, Permission.TOKENS) else UUID(context.actor.id)
    return await revoke_token(house, context, token_id, reason, of=own)


async def other_administrators(house: House, subject: Loaded[Principal]) -> list[Loaded[Principal]]:
    """Administrators besides this principal, from their own streams; asked for where this one is an administrator."""
    if subject.state is None or Role.ADMIN not in subject.state.roles:
        return []
    others = [known for known in await house.hints.administrators() if known != subject.id]
    found = (await load_many(house, PRINCIPAL, others)).values()
    return [each for each in found if each.state and not each.state.disabled and Role.ADMIN in each.state.roles]


def grant_id(context: Context, role: Role, scope: RoleScope | None = None) -> UUID:
    """What a command calls the grant it proposes."""
    within = () if scope is None else ("certificates", *scope.certificate_tags, "targets", *scope.target_tags)
    return ids.derive("role-grant", context.command_id, role.value, *within)


def secret_hash(secret: str) -> str:
    """SHA-256 (hex) of a token's secret part."""
    return hashlib.sha256(secret.encode()).hexdigest()
