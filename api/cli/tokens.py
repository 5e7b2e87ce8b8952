"""`certferry tokens`: API tokens, and the first people: before there is an administrator, nobody can make one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from api.cli.printing import answer, answer_rows, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from domain.principal import Principal, Token

_ROLES = ("requester", "approver", "implementer", "operator", "auditor", "admin")


@click.group()
def tokens() -> None:
    """Make, list and revoke API tokens."""


@tokens.command()
@click.argument("person")
@click.option("--role", "roles", multiple=True, type=click.Choice(_ROLES), help="Granted to the person (repeatable).")
@click.option("--name", default="command line", show_default=True, help="What the token is for.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it lasts. Default: 90 days.")
@json_option
@pass_config
def create(
    config: Path | None, person: str, roles: tuple[str, ...], name: str, days: int | None, *, as_json: bool
) -> None:
    """A token for PERSON, who is made if nobody is called that yet. The token is shown once."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.administering import create_principal, create_token
        from application.granting import change_role
        from application.house import load
        from domain.principal import PRINCIPAL
        from domain.role_grant import Role

        house = core.house
        subject = await house.texts.reserve(person)
        if (await load(house, PRINCIPAL, subject)).state is None:
            await create_principal(house, by_hand(house), person, tuple(map(Role, roles)))
        else:
            for role in roles:
                await change_role(house, by_hand(house), subject, Role(role), held=True)
        made = (await create_token(house, by_hand(house), subject, name, days=days)).result
        return {
            "token": made.text,
            "token_id": made.token.id,
            "principal_id": subject,
            "expires_at": made.token.found.expires_at.isoformat(),
        }

    found = with_core(config, act)
    answer(found, f"{found['token']}\n\nShown once. It lasts until {found['expires_at']}.", as_json=as_json)


@tokens.command("list")
@json_option
@pass_config
def list_tokens(config: Path | None, *, as_json: bool) -> None:
    """All tokens, newest first; never their secrets."""

    async def act(core: "Core") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await core.views.principals.tokens(limit=200, cursor=cursor)
            used = await core.house.token_uses.last_used([held.token.id for held in page.items])
            for held in page.items:
                token, owner = held.token.state, held.owner.state
                rows.append(
                    {
                        "id": str(held.token.id),
                        "person": owner.name,
                        "roles": _roles(token, owner),
                        "name": token.name,
                        "expires_at": token.expires_at.isoformat(timespec="minutes"),
                        "revoked": token.revoked_at is not None or owner.disabled,
                        "last_used_at": at.isoformat(timespec="minutes") if (at := used.get(held.token.id)) else None,
                    }
                )
            cursor = page.next_cursor
            if cursor is None:
                break
        shown = await core.house.texts.open(row[name] for row in rows for name in ("person", "name"))
        return [row | {"person": shown[row["person"]], "name": shown[row["name"]]} for row in rows]

    answer_rows(with_core(config, act), as_json=as_json)


def _roles(token: "Token", owner: "Principal") -> list[str]:
    """Those it is narrowed to, else all that its owner holds."""
    from domain.role_scope import role_words

    if token.roles is not None:
        return [role.value for role in token.roles]
    return [role.value for role in owner.roles] + [role_words(each.role, each.scope) for each in owner.scoped]


@tokens.command()
@click.argument("token_id", type=click.UUID)
@click.option("--reason", help="For the people who read the history.")
@json_option
@pass_config
def revoke(config: Path | None, token_id: UUID, reason: str | None, *, as_json: bool) -> None:
    """TOKEN_ID is not accepted any more, from the next request on."""

    async def act(core: "Core") -> None:
        from api.cli.acting import by_hand
        from application.administering import revoke_token

        await revoke_token(core.house, by_hand(core.house), token_id, reason)

    with_core(config, act)
    answer({"revoked": str(token_id)}, f"{token_id} is revoked.", as_json=as_json)
