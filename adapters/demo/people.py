"""The demo's people: seven principals with a token each."""

import re
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from adapters.demo.place import Place, write_private
from application.administering import create_principal, create_token, secret_hash
from application.house import Context, House, load
from domain import ids
from domain.entity import Actor, ActorKind
from domain.principal import PRINCIPAL, TOKEN, usable
from domain.role_grant import Role

PEOPLE: dict[str, tuple[Role, ...]] = {
    "requester": (Role.REQUESTER,),
    "approver": (Role.APPROVER,),
    "implementer": (Role.IMPLEMENTER,),
    "operator": (Role.OPERATOR,),
    "auditor": (Role.AUDITOR,),
    "admin": (Role.ADMIN,),
    "lead": (Role.REQUESTER, Role.APPROVER, Role.IMPLEMENTER),
}
_TOKEN = re.compile(r"cf_([0-9a-f]{32})_(.+)")
_DAYS = 365


async def tokens_of_people(house: House, place: Place) -> dict[str, str]:
    """Every person's token: the one of the last start while it is good, else a new one. Kept 0600."""
    kept = _kept(place)
    tokens = {name: await _token(house, place, name, kept.get(name)) for name in PEOPLE}
    if tokens != kept:
        write_private(place.tokens, msgspec.json.format(msgspec.json.encode(tokens)))
    return tokens


def _kept(place: Place) -> dict[str, str]:
    try:
        return msgspec.json.decode(place.tokens.read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


async def _token(house: House, place: Place, name: str, kept: str | None) -> str:
    if kept is not None and await _good(house, kept):
        return kept
    subject = await house.texts.reserve(name)
    if (await load(house, PRINCIPAL, subject)).state is None:
        await create_principal(house, _context(house, place, "principal", name), name, PEOPLE[name])
    context = _context(house, place, "token", name, datetime.now(UTC).isoformat())
    return (await create_token(house, context, subject, "demo", days=_DAYS)).result.text


async def _good(house: House, text: str) -> bool:
    match = _TOKEN.fullmatch(text)
    if match is None:
        return False
    token = (await load(house, TOKEN, UUID(match[1]))).state
    if token is None:
        return False
    owner = (await load(house, PRINCIPAL, token.principal_id)).state
    return owner is not None and usable(token, owner, secret_hash(match[2]), house.clock())


def _context(house: House, place: Place, *names: str) -> Context:
    command_id = ids.derive("demo", place.kept.id, *names)
    return Context(actor=Actor(ActorKind.SYSTEM, "demo"), at=house.clock(), command_id=command_id)
