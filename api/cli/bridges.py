"""`certferry bridges`: the agents near the targets."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from api.cli.printing import answer, answer_rows, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from application.enrolling import IssuedToken


@click.group()
def bridges() -> None:
    """List bridges, and let new ones in."""


@bridges.command("list")
@json_option
@pass_config
def list_bridges(config: Path | None, *, as_json: bool) -> None:
    """All bridges, by name."""

    async def act(core: "Core") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await core.views.bridges.list(limit=200, cursor=cursor)
            seen = await core.house.presence.last_seen([row.id for row in page.items])
            for row in page.items:
                last = seen.get(row.id)
                rows.append(
                    {
                        "id": str(row.id),
                        "name": row.state.name,
                        "status": row.state.status.value,
                        "last_seen_at": last.isoformat(timespec="seconds") if last else None,
                        "version": row.state.version,
                    }
                )
            cursor = page.next_cursor
            if cursor is None:
                return rows

    answer_rows(with_core(config, act), as_json=as_json)


@bridges.command()
@click.argument("name")
@json_option
@pass_config
def add(config: Path | None, name: str, *, as_json: bool) -> None:
    """A new bridge called NAME, with its one-time enrolment token."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.enrolling import issue_enrolment

        return _shown(core, (await issue_enrolment(core.house, by_hand(core.house), name)).result)

    _tell(with_core(config, act), as_json=as_json)


@bridges.command()
@click.argument("bridge_id", type=click.UUID)
@json_option
@pass_config
def token(config: Path | None, bridge_id: UUID, *, as_json: bool) -> None:
    """Another enrolment token for BRIDGE_ID: its host was set up anew, or its certificate ran out."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.reenrolling import issue_enrolment_again

        return _shown(core, (await issue_enrolment_again(core.house, by_hand(core.house), bridge_id)).result)

    _tell(with_core(config, act), as_json=as_json)


@bridges.command()
@click.argument("bridge_id", type=click.UUID)
@json_option
@pass_config
def retire(config: Path | None, bridge_id: UUID, *, as_json: bool) -> None:
    """BRIDGE_ID is no longer in use; its next request is refused."""

    async def act(core: "Core") -> None:
        from api.cli.acting import by_hand
        from application.enrolling import retire_bridge

        await retire_bridge(core.house, by_hand(core.house), bridge_id)

    with_core(config, act)
    answer({"retired": str(bridge_id)}, f"{bridge_id} is retired.", as_json=as_json)


def _shown(core: "Core", issued: "IssuedToken") -> dict[str, Any]:
    names = core.settings.bridges.names
    return {
        "bridge_id": str(issued.bridge.id),
        "token": issued.token,
        "expires_at": issued.expires_at.isoformat(timespec="seconds"),
        "ca_pin_sha256": core.bridge_ca.pin,
        "url": f"https://{names[0]}:{core.settings.bridges.port}",
    }


def _tell(found: dict[str, Any], *, as_json: bool) -> None:
    people = (
        f"{found['token']}\n\nShown once; good for one enrolment until {found['expires_at']}. On the bridge's host:\n"
        f"  certferry-bridge enrol --url {found['url']} --ca-pin {found['ca_pin_sha256']} --token-file -"
    )
    answer(found, people, as_json=as_json)
