"""In whose name the command line acts: whoever may run it holds the database's password and the master key."""

import getpass
from uuid import UUID, uuid4

from application.administering import secret_hash
from application.house import Context, House, load
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.principal import PRINCIPAL, TOKEN, Principal, Token, roles_of, usable
from domain.roles import Permission, check_role


def by_hand(house: House) -> Context:
    """A command given on this machine; the operating system's user stands in the event as its credential."""
    actor = Actor(ActorKind.SYSTEM, "command-line")
    return Context(actor=actor, at=house.clock(), command_id=uuid4(), credential=f"os-user:{getpass.getuser()}")


async def as_person(house: House, token_text: str, permission: Permission) -> Context:
    """A command of the person whose access token this is: what takes a second person takes one here, too. Raises
    Refused.
    """
    found = await _owner(house, token_text)
    if found is None:
        raise Refused(Code.FORBIDDEN, "This access token is wrong, expired or revoked.")
    token_id, token, owner = found
    roles = roles_of(token, owner)
    check_role(roles, permission)
    kind = ActorKind(owner.kind) if owner.kind in {ActorKind.COURIER, ActorKind.ACME_CLIENT} else ActorKind.USER
    return Context(
        actor=Actor(kind, str(token.principal_id)),
        at=house.clock(),
        command_id=uuid4(),
        credential=f"token:{token_id}",
        roles=roles,
    )


async def _owner(house: House, text: str) -> tuple[UUID, Token, Principal] | None:
    prefix, _, rest = text.partition("_")
    name, _, secret = rest.partition("_")
    try:
        token_id = UUID(name)
    except ValueError:
        return None
    token = (await load(house, TOKEN, token_id)).state
    owner = (await load(house, PRINCIPAL, token.principal_id)).state if token is not None else None
    if prefix != "cf" or token is None or owner is None:
        return None
    return (token_id, token, owner) if usable(token, owner, secret_hash(secret), house.clock()) else None
