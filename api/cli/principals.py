"""`certferry principals` and `certferry holds`: erasing personal data, and what keeps it from being erased."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from api.cli.printing import WRONG_USE, Stopped, answer, answer_rows, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from application.holding import PlacedHold
    from domain.principal import Principal
    from domain.role_scope import RoleScope

_REASONS = ("no_longer_necessary", "consent_withdrawn", "objection", "unlawful_processing", "legal_obligation")


@click.group()
def principals() -> None:
    """List people and programs, invite people to sign in, disable and enable them, erase their personal data."""


@principals.command("list")
@json_option
@pass_config
def list_principals(config: Path | None, *, as_json: bool) -> None:
    """All principals, newest first."""

    async def act(core: "Core") -> list[dict[str, Any]]:
        from adapters.read_hints import walk

        found = [row async for row in walk(core.views.principals.list)]
        names = await core.house.texts.open(row.state.name for row in found)
        return [
            {
                "id": str(row.id),
                "name": names[row.state.name],
                "roles": [role.value for role in row.state.roles] + _scoped(row.state),
                "disabled": row.state.disabled,
            }
            for row in found
        ]

    answer_rows(with_core(config, act), as_json=as_json)


def _scoped(state: "Principal") -> list[str]:
    from domain.role_scope import role_words

    return [role_words(each.role, each.scope) for each in state.scoped]


_ROLES = ("requester", "approver", "implementer", "operator", "auditor", "admin")
_certificate_tag = click.option(
    "--certificate-tag", "certificate_tags", multiple=True, help="Of the scope (repeatable)."
)
_target_tag = click.option("--target-tag", "target_tags", multiple=True, help="Of the scope (repeatable).")


@principals.command()
@click.argument("principal_id", type=click.UUID)
@click.argument("role", type=click.Choice(_ROLES))
@_certificate_tag
@_target_tag
@json_option
@pass_config
def grant(config: Path | None, /, principal_id: UUID, role: str, *, as_json: bool, **tags: tuple[str, ...]) -> None:
    """PRINCIPAL_ID holds ROLE from now on: everywhere, or with tags for what bears one of them."""
    found = _change_role(config, principal_id, role, tags, held=True)
    answer(found, f"{principal_id} holds: {', '.join(found['roles']) or 'nothing'}.", as_json=as_json)


@principals.command()
@click.argument("principal_id", type=click.UUID)
@click.argument("role", type=click.Choice(_ROLES))
@_certificate_tag
@_target_tag
@json_option
@pass_config
def ungrant(config: Path | None, /, principal_id: UUID, role: str, *, as_json: bool, **tags: tuple[str, ...]) -> None:
    """PRINCIPAL_ID no longer holds ROLE: altogether, or with tags what is held within exactly this scope."""
    found = _change_role(config, principal_id, role, tags, held=False)
    answer(found, f"{principal_id} holds: {', '.join(found['roles']) or 'nothing'}.", as_json=as_json)


def _scope(tags: dict[str, tuple[str, ...]]) -> "RoleScope | None":
    """None without tags. Raises Stopped for what is no tag."""
    import msgspec

    from api.schemas.principals import ScopeIn
    from domain.role_scope import scope_of

    try:
        wanted = msgspec.convert(tags, ScopeIn)
    except msgspec.ValidationError as error:
        raise Stopped(f"This is no tag: {error}.", WRONG_USE) from None
    return scope_of(wanted.certificate_tags, wanted.target_tags) if any(tags.values()) else None


def _change_role(
    config: Path | None, principal_id: UUID, role: str, tags: dict[str, tuple[str, ...]], *, held: bool
) -> dict[str, Any]:
    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.granting import change_role
        from domain.role_grant import Role

        house, scope = core.house, _scope(tags)
        done = await change_role(house, by_hand(house), principal_id, Role(role), held=held, scope=scope)
        state = done.result.found
        return {"roles": [role.value for role in state.roles] + _scoped(state), "position": done.position}

    return with_core(config, act)


@principals.command()
@click.argument("principal_id", type=click.UUID)
@json_option
@pass_config
def invite(config: Path | None, principal_id: UUID, *, as_json: bool) -> None:
    """A link for PRINCIPAL_ID to set a password, used once. It is shown once."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.signing_in import invite as make_invitation

        made = (await make_invitation(core.house, by_hand(core.house), principal_id)).result
        return {
            "invitation": made.text,
            "url": f"{core.settings.server.url.rstrip('/')}/invitation#{made.text}",
            "expires_at": made.expires_at.isoformat(timespec="seconds"),
        }

    found = with_core(config, act)
    sentence = f"{found['url']}\n\nShown once. It can be used until {found['expires_at']}."
    answer(found, sentence, as_json=as_json)


@principals.command()
@click.argument("principal_id", type=click.UUID)
@click.option("--reason", help="For the people who read the history.")
@json_option
@pass_config
def disable(config: Path | None, principal_id: UUID, reason: str | None, *, as_json: bool) -> None:
    """PRINCIPAL_ID may do nothing any more: tokens are revoked, sessions and invitations end."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.disabling import disable_principal

        done = await disable_principal(core.house, by_hand(core.house), principal_id, reason)
        return {"disabled": str(principal_id), "position": done.position}

    found = with_core(config, act)
    answer(found, f"{principal_id} is disabled (position {found['position']}).", as_json=as_json)


@principals.command()
@click.argument("principal_id", type=click.UUID)
@click.option("--reason", help="For the people who read the history.")
@json_option
@pass_config
def enable(config: Path | None, principal_id: UUID, reason: str | None, *, as_json: bool) -> None:
    """PRINCIPAL_ID may do again what the roles allow; tokens stay revoked."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.disabling import enable_principal

        done = await enable_principal(core.house, by_hand(core.house), principal_id, reason)
        return {"enabled": str(principal_id), "position": done.position}

    found = with_core(config, act)
    answer(found, f"{principal_id} is enabled (position {found['position']}).", as_json=as_json)


@principals.command()
@click.argument("principal_id", type=click.UUID)
@click.option("--reason", required=True, type=click.Choice(_REASONS), help="Article 17 (1) of the GDPR.")
@click.confirmation_option(prompt="This cannot be undone. Erase?")
@json_option
@pass_config
def erase(config: Path | None, principal_id: UUID, reason: str, *, as_json: bool) -> None:
    """Erase the name, comments and addresses of PRINCIPAL_ID for ever; they may do nothing any more."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.erasing import erase_subject
        from domain.principal import ErasureReason

        done = await erase_subject(core.house, by_hand(core.house), principal_id, ErasureReason(reason))
        return {"erased": str(principal_id), "position": done.position}

    found = with_core(config, act)
    answer(found, f"{principal_id} is erased (position {found['position']}).", as_json=as_json)


@click.group()
def holds() -> None:
    """Legal holds: what nobody erases until they are released."""


@holds.command("list")
@json_option
@pass_config
def list_holds(config: Path | None, *, as_json: bool) -> None:
    """All legal holds, oldest first."""

    async def act(core: "Core") -> list[dict[str, Any]]:
        from application.holding import all_holds

        found = await all_holds(core.house)
        reasons = await core.house.texts.open(each.hold.set.reason for each in found)
        return [_shown(each, reasons[each.hold.set.reason]) for each in found]

    answer_rows(with_core(config, act), as_json=as_json)


@holds.command("set")
@click.argument("reason")
@click.option("--principal", "principal_id", type=click.UUID, help="Whose data is kept. Default: everybody's.")
@json_option
@pass_config
def set_hold(config: Path | None, reason: str, principal_id: UUID | None, *, as_json: bool) -> None:
    """Keep everything, or everything of one principal, for this REASON."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.holding import set_legal_hold

        return _shown((await set_legal_hold(core.house, by_hand(core.house), reason, principal_id)).result, reason)

    found = with_core(config, act)
    answer(found, f"The legal hold {found['id']} is set.", as_json=as_json)


@holds.command("release")
@click.argument("hold_id", type=click.UUID)
@click.option("--reason", help="Why it is over.")
@json_option
@pass_config
def release_hold(config: Path | None, hold_id: UUID, reason: str | None, *, as_json: bool) -> None:
    """What HOLD_ID kept may be erased again."""

    async def act(core: "Core") -> None:
        from api.cli.acting import by_hand
        from application.holding import release_legal_hold

        await release_legal_hold(core.house, by_hand(core.house), hold_id, reason)

    with_core(config, act)
    answer({"released": str(hold_id)}, f"The legal hold {hold_id} is released.", as_json=as_json)


def _shown(found: "PlacedHold", reason: str) -> dict[str, Any]:
    hold = found.hold
    return {
        "id": str(hold.id),
        "principal_id": str(hold.principal_id) if hold.principal_id else None,
        "reason": reason,
        "set_at": hold.set_at.isoformat(timespec="seconds"),
        "released_at": hold.released.meta.at.isoformat(timespec="seconds") if hold.released else None,
    }
