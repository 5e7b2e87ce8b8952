"""`certferry report`: figures without a browser."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from api.cli.printing import Stopped, answer, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"]


@click.group()
def report() -> None:
    """Reports from the read models."""


@report.command("push-validation")
@click.option("--from", "since", type=click.DateTime(_FORMATS), help="Inclusive, UTC. Default: 30 days before --to.")
@click.option("--to", "until", type=click.DateTime(_FORMATS), help="Exclusive, UTC. Default: now.")
@json_option
@pass_config
def push_validation(config: Path | None, since: datetime | None, until: datetime | None, *, as_json: bool) -> None:
    """The proportion of successful and failed push operations of a window."""
    end = _utc(until) or datetime.now(UTC)
    start = _utc(since) or end - timedelta(days=30)
    if end < start:
        raise Stopped("The window ends before it begins.", 2)

    async def act(core: "Core") -> dict[str, Any]:
        import msgspec

        from projections.push_validation.report import report as count
        from projections.push_validation.view import PushFilter

        position, operations = await core.views.push_validation.operations_at(PushFilter(since=start, until=end))
        counted = count(operations, as_of_position=position, since=start, until=end, group_by=None)
        figures = msgspec.to_builtins(counted.figures)
        return {"since": start, "until": end, "as_of_position": position, **figures}

    found = with_core(config, act)
    lines = [f"{name.replace('_', ' ')}: {_figure(value)}" for name, value in found.items()]
    answer(found, "\n".join(lines), as_json=as_json)


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.1%}"
    return "-" if value is None else str(value)


def _utc(instant: datetime | None) -> datetime | None:
    if instant is None:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
