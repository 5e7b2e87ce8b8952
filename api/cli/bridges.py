"""`certferry bridges`: the agents near the targets."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import rich_click as click

from api.cli.printing import Stopped, answer, answer_rows, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from application.enrolling import IssuedToken
    from application.ports import Lease
    from projections.bridges.view import BridgeRow


@click.group()
def bridges() -> None:
    """List bridges, and let new ones in."""


@bridges.command("list")
@json_option
@pass_config
def list_bridges(config: Path | None, *, as_json: bool) -> None:
    """All bridges, by name."""

    async def act(core: "Core") -> list[dict[str, Any]]:
        from api.opening import open_words

        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await core.views.bridges.list(limit=200, cursor=cursor)
            seen = await core.house.presence.last_seen([row.id for row in page.items])
            for row in page.items:
                reason = await open_words(core.house.texts, row.state.quarantine_reason or "")
                rows.append(_row(row, seen.get(row.id), reason or None))
            cursor = page.next_cursor
            if cursor is None:
                return rows

    answer_rows(with_core(config, act), as_json=as_json)


def _row(found: "BridgeRow", last_seen_at: datetime | None, quarantine_reason: str | None) -> dict[str, Any]:
    state = found.state
    return {
        "id": str(found.id),
        "name": state.name,
        "status": state.status.value,
        "awaits_approval": state.enrolled and not state.trusted,
        "last_seen_at": _seconds(last_seen_at),
        "version": state.version,
        "certificate_not_after": _seconds(state.certificate_not_after),
        "certificate_generation": state.generation,
        "quarantine_reason": quarantine_reason,
    }


def _seconds(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds") if instant else None


@bridges.command()
@click.argument("bridge_id", type=click.UUID)
@json_option
@pass_config
def show(config: Path | None, bridge_id: UUID, *, as_json: bool) -> None:
    """BRIDGE_ID in full: its trust, what it works on, how many target systems are behind it."""

    async def act(core: "Core") -> dict[str, Any]:
        from api.opening import open_words
        from projections.target_systems.view import TargetSystemFilter

        row = await core.views.bridges.get(bridge_id)
        if row is None:
            raise Stopped(f"There is no bridge {bridge_id}.")
        seen = await core.house.presence.last_seen([bridge_id])
        reason = await open_words(core.house.texts, row.state.quarantine_reason or "")
        narrow = TargetSystemFilter(bridge_id=(bridge_id,), retired=False)
        targets = sum([len(rows) async for rows in core.views.target_systems.stream(narrow)])
        return _row(row, seen.get(bridge_id), reason or None) | {
            "certificate_fingerprint_sha256": row.state.certificate_fingerprint_sha256,
            "kinds": list(row.state.kinds),
            "target_systems": targets,
            "works_on": [_lease(each) for each in await core.house.leases.held(bridge_id)],
        }

    found = with_core(config, act)
    answer(
        found, "\n".join(f"{name.replace('_', ' ')}: {_words(said)}" for name, said in found.items()), as_json=as_json
    )


def _lease(found: "Lease") -> dict[str, Any]:
    return {
        "assignment_id": str(found.assignment_id),
        "kind": found.kind,
        "target_system_id": str(found.target_system_id),
        "fence": found.fence,
    }


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(each if isinstance(each, str) else f"{each['kind']} {each['assignment_id']}" for each in value)
    return "" if value is None else str(value)


@bridges.command()
@click.argument("bridge_id", type=click.UUID)
@click.option("--fingerprint", help="SHA-256 of the certificate you mean, as the bridge's own host showed it.")
@click.option(
    "--token-file",
    type=click.File(),
    required=True,
    help="Your access token, in a file or on standard input (-): approving takes a second person.",
)
@json_option
@pass_config
def approve(
    config: Path | None, bridge_id: UUID, token_file: TextIO, *, fingerprint: str | None, as_json: bool
) -> None:
    """Let BRIDGE_ID in, as somebody else than who issued its token."""

    async def act(core: "Core") -> None:
        from api.cli.acting import as_person
        from application.trusting import approve_bridge
        from domain.roles import Permission

        person = await as_person(core.house, token_file.read().strip(), Permission.APPROVE_BRIDGES)
        meant = fingerprint.replace(":", "").lower() if fingerprint else None
        await approve_bridge(core.house, person, bridge_id, fingerprint_sha256=meant)

    with_core(config, act)
    answer({"approved": str(bridge_id)}, f"{bridge_id} is approved.", as_json=as_json)


@bridges.command()
@click.argument("bridge_id", type=click.UUID)
@click.option("--comment", help="Why; it stands in the ledger.")
@json_option
@pass_config
def quarantine(config: Path | None, bridge_id: UUID, *, comment: str | None, as_json: bool) -> None:
    """Trust BRIDGE_ID no longer, until it is enrolled anew: its certificate is refused from its next request on."""

    async def act(core: "Core") -> None:
        from api.cli.acting import by_hand
        from application.trusting import quarantine_bridge

        await quarantine_bridge(core.house, by_hand(core.house), bridge_id, comment)

    with_core(config, act)
    answer({"quarantined": str(bridge_id)}, f"{bridge_id} is quarantined.", as_json=as_json)


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
    """Another token for BRIDGE_ID: its host was set up anew, its certificate ran out, or it was quarantined."""

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
        f"  certferry-bridge enrol --url {found['url']} --ca-pin {found['ca_pin_sha256']} --token-file -\n"
        f"Then somebody else approves it: certferry bridges approve {found['bridge_id']} --token-file -"
    )
    answer(found, people, as_json=as_json)
