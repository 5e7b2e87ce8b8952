"""`certferry report`: what the reports say, without a browser."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from api.cli.printing import Stopped, answer, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"]
WINDOW = timedelta(days=30)

from_option = click.option("--from", "since", type=click.DateTime(_FORMATS), help="Inclusive, UTC.")
to_option = click.option("--to", "until", type=click.DateTime(_FORMATS), help="Exclusive, UTC. Default: now.")


@click.group()
def report() -> None:
    """Reports from the read models; those for auditors as of any position of the ledger."""


@report.command("push-validation")
@from_option
@to_option
@json_option
@pass_config
def push_validation(config: Path | None, since: datetime | None, until: datetime | None, *, as_json: bool) -> None:
    """The proportion of successful and failed push operations of a window; by default of the last 30 days."""
    end = utc(until) or datetime.now(UTC)
    start = utc(since) or end - WINDOW
    check(start, end)

    async def act(core: "Core") -> dict[str, Any]:
        import msgspec

        from projections.push_validation.report import report as count
        from projections.push_validation.view import PushFilter

        position, operations = await core.views.push_validation.operations_at(PushFilter(since=start, until=end))
        counted = count(operations, as_of_position=position, since=start, until=end, group_by=None)
        figures = msgspec.to_builtins(counted.figures)
        return {"since": start, "until": end, "as_of_position": position, **figures}

    found = with_core(config, act)
    answer(found, lines(found), as_json=as_json)


def check(start: datetime | None, end: datetime) -> None:
    """Refuse a window that ends before it begins."""
    if start is not None and end < start:
        raise Stopped("The window ends before it begins.", 2)


def lines(figures: dict[str, Any]) -> str:
    """Figures for people, one a line."""
    return "\n".join(f"{name.replace('_', ' ')}: {_figure(name, value)}" for name, value in figures.items())


def utc(instant: datetime | None) -> datetime | None:
    """What was typed without a zone is UTC."""
    if instant is None:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _figure(name: str, value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.1%}" if "ratio" in name else str(value)
