"""`certferry connectors`: how a connector's endpoints are verified, and what they were found to serve."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from api.cli.printing import Stopped, answer, answer_rows, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from projections.endpoint_history.view import EndpointState

_PATIENCE_SECONDS = 30.0


class SecondsOrDefault(click.ParamType[int | str]):
    """A number of seconds, or `default`: as the service is set."""

    name = "seconds|default"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The number, or the word."""
        text = str(value)
        if text == "default":
            return text
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            self.fail("give a number of seconds, or default", param, ctx)
        return int(text)


@click.group()
def connectors() -> None:
    """How connectors are verified, and what their endpoints were found to serve."""


@connectors.command()
@click.argument("connector_id", type=click.UUID)
@json_option
@pass_config
def show(config: Path | None, connector_id: UUID, *, as_json: bool) -> None:
    """How CONNECTOR_ID is verified, and the state of each of its endpoints."""
    _tell(with_core(config, lambda core: _shown(core, connector_id)), as_json=as_json)


@connectors.command()
@click.argument("connector_id", type=click.UUID)
@click.option("--grace", type=SecondsOrDefault(), help="After a push, until what is served counts.")
@click.option("--every", type=SecondsOrDefault(), help="Between two looks by themselves; whole minutes.")
@click.option(
    "--vantage", type=click.Choice(["default", "control-plane", "bridge"]), help="From where: bridge is the target's."
)
@json_option
@pass_config
def configure(
    config: Path | None,
    connector_id: UUID,
    grace: int | str | None,
    every: int | str | None,
    vantage: str | None,
    *,
    as_json: bool,
) -> None:
    """Change how CONNECTOR_ID is verified; what is not given stays as it is."""
    given = {"grace_seconds": grace, "every_seconds": every, "vantage": vantage}
    wanted = {name: None if value == "default" else value for name, value in given.items() if value is not None}

    async def act(core: "Core") -> dict[str, Any]:
        import msgspec

        from api.cli.acting import by_hand
        from application.associating import configure_verification
        from application.house import load
        from domain.connector import CONNECTOR
        from domain.verification_plan import VerificationPlan

        known = (await load(core.house, CONNECTOR, connector_id)).found
        changed = msgspec.structs.asdict(known.verification) | wanted
        plan = msgspec.convert(changed, VerificationPlan)
        done = await configure_verification(core.house, by_hand(core.house), connector_id, plan)
        if not await core.position.wait(done.position, _PATIENCE_SECONDS):
            raise Stopped("It is recorded. The read models are behind: is `certferry work` running?")
        return await _shown(core, connector_id)

    _tell(with_core(config, act), as_json=as_json)


@connectors.command()
@click.argument("connector_id", type=click.UUID)
@json_option
@pass_config
def history(config: Path | None, connector_id: UUID, *, as_json: bool) -> None:
    """Every state that the endpoints of CONNECTOR_ID were in, what began last first."""

    async def act(core: "Core") -> list[dict[str, Any]]:
        from projections.endpoint_history.view import EndpointHistoryFilter

        narrow, rows, cursor = EndpointHistoryFilter(connector_id=(connector_id,)), list[dict[str, Any]](), None
        while True:
            page = await core.views.endpoint_history.list(narrow, limit=200, cursor=cursor)
            rows += map(_state, page.items)
            cursor = page.next_cursor
            if cursor is None:
                return rows

    answer_rows(with_core(config, act), as_json=as_json)


def _state(found: "EndpointState") -> dict[str, Any]:
    began, seen = found.began, found.began.evidence
    return {
        "endpoint": began.endpoint,
        "server_name": began.server_name,
        "state": began.state.value,
        "from": began.since.isoformat(timespec="seconds"),
        "to": found.until.isoformat(timespec="seconds") if found.until else None,
        "from_position": began.from_position,
        "to_position": found.to_position,
        "vantage": seen.vantage if seen else None,
        "served_fingerprint_sha256": seen.served_fingerprint_sha256 if seen else None,
        "reason": seen.reason if seen else None,
    }


async def _shown(core: "Core", connector_id: UUID) -> dict[str, Any]:
    import msgspec

    found = await core.views.connectors.get(connector_id)
    if found is None:
        raise Stopped(f"There is no connector {connector_id}.")
    state = found.state
    return {
        "id": str(connector_id),
        "deployment_status": state.deployment_status.value,
        "server_name": state.server_name,
        "verification": msgspec.structs.asdict(state.verification),
        "endpoints": {each.endpoint: each.state.value for each in state.validation},
    }


def _tell(found: dict[str, Any], *, as_json: bool) -> None:
    answer(
        found, "\n".join(f"{name.replace('_', ' ')}: {_words(value)}" for name, value in found.items()), as_json=as_json
    )


def _words(value: Any) -> str:
    if isinstance(value, dict):
        parts = (f"{name.replace('_', ' ')} {'default' if each is None else each}" for name, each in value.items())
        return ", ".join(parts)
    return "" if value is None else str(value)
