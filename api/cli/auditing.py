"""`certferry report`: the reports for auditors, as of any position of the ledger."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from api.cli.printing import Stopped, json_option, pass_config, with_core
from api.cli.reports import WINDOW, check, from_option, lines, report, to_option, utc

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from projections.scope import Scope

__all__ = ["report"]

PATIENCE = 10.0
F = TypeVar("F", bound=Callable[..., Any])
Ask = Callable[["Core", "Scope"], Coroutine[Any, Any, Any]]

position_option = click.option(
    "--as-of-position", type=click.IntRange(min=1), help="As it was then; always the same. Default: now."
)
csv_option = click.option("--csv", "as_csv", is_flag=True, help="The items as CSV.")


def _windowed(function: F) -> F:
    for option in (csv_option, json_option, position_option, to_option, from_option):
        function = option(function)
    return function


def _momentary(function: F) -> F:
    for option in (csv_option, json_option, position_option):
        function = option(function)
    return function


@report.command("separation-of-duties")
@click.option("--rule", "rules", multiple=True, help="A rule introduced later, asked of all pushes; may be repeated.")
@click.option("--levels", type=click.IntRange(0, 20), help="At least so many levels, Implement counted.")
@_windowed
@pass_config
def separation_of_duties(config: Path | None, /, rules: tuple[str, ...], levels: int | None, **wanted: Any) -> None:
    """Did nobody give two of request, approval and implementation? Over all history by default."""
    from projections.separation_of_duties.rules import Rule
    from projections.separation_of_duties.view import Question

    if unknown := sorted(set(rules) - {rule.value for rule in Rule}):
        raise Stopped(f"There is no rule {unknown[0]}; there are {', '.join(Rule)}.", 2)
    question = Question(rules=tuple(Rule(rule) for rule in dict.fromkeys(rules)), levels=levels)
    _tell(
        config,
        lambda core, scope: core.views.reports.separation_of_duties.report(scope, question),
        wanted,
        default=None,
    )


@report.command("unapproved-pushes")
@_windowed
@pass_config
def unapproved_pushes(config: Path | None, /, **wanted: Any) -> None:
    """Pushes without a fresh approval, and what they rest on; by default of the last 30 days."""
    _tell(config, lambda core, scope: core.views.reports.unapproved_pushes.report(scope), wanted)


@report.command("exposure")
@_windowed
@pass_config
def exposure(config: Path | None, /, **wanted: Any) -> None:
    """How long a wrong, expired or revoked certificate was really served; by default in the last 30 days."""
    _tell(config, lambda core, scope: core.views.reports.exposure.report(scope), wanted)


@report.command("lead-times")
@click.option("--persons", is_flag=True, help="Name whom each push waited for.")
@_windowed
@pass_config
def lead_times(config: Path | None, /, *, persons: bool, **wanted: Any) -> None:
    """How long pushes wait at each step; by default of the last 30 days."""
    _tell(config, lambda core, scope: core.views.reports.lead_times.report(scope, persons=persons), wanted)


@report.command("expiry")
@click.option("--threshold", "thresholds", multiple=True, type=click.IntRange(1, 36_500), help="Days; may be repeated.")
@click.option("--not-renewed", is_flag=True, help="Only what has no successor.")
@_momentary
@pass_config
def expiry(config: Path | None, /, thresholds: tuple[int, ...], *, not_renewed: bool, **wanted: Any) -> None:
    """Certificates by the time they have left."""
    days = thresholds or (10, 30, 90)
    _tell(config, lambda core, scope: core.views.reports.expiry.report(scope, days, not_renewed=not_renewed), wanted)


@report.command("inventory")
@click.option("--threshold", "thresholds", multiple=True, type=click.IntRange(1, 36_500), help="Days; may be repeated.")
@_momentary
@pass_config
def inventory(config: Path | None, /, thresholds: tuple[int, ...], **wanted: Any) -> None:
    """Certificates by issuer, key algorithm, expiry, owner, status and source."""
    days = thresholds or (10, 30, 90)
    _tell(config, lambda core, scope: core.views.reports.inventory.report(scope, days), wanted)


@report.command("review")
@_momentary
@pass_config
def review(config: Path | None, /, **wanted: Any) -> None:
    """Reviews of the inventory, what has changed since, and when the next one is due."""

    async def ask(core: "Core", scope: "Scope") -> Any:
        every = timedelta(days=core.settings.reviews.every_days)
        return await core.views.reports.review.report(scope, every)

    _tell(config, ask, wanted)


def _tell(config: Path | None, ask: Ask, wanted: dict[str, Any], *, default: timedelta | None = WINDOW) -> None:
    """Ask, and answer in the form that is wanted: JSON and CSV say the same as over REST."""
    if (until := utc(wanted.get("until"))) is not None:
        check(utc(wanted.get("since")), until)

    async def act(core: "Core") -> Any:
        found = await ask(core, await _scope(core, wanted, default))
        return found, await _written(core, found, wanted)

    found, text = with_core(config, act)
    import msgspec

    if text is not None:
        click.echo(text, nl=wanted["as_json"])
        return
    figures = msgspec.to_builtins(found)
    click.echo(lines({name: value for name, value in figures.items() if not isinstance(value, list | tuple | dict)}))


async def _written(core: "Core", found: Any, wanted: dict[str, Any]) -> str | None:
    """The report in the form that is wanted for machines, with personal texts opened."""
    import msgspec

    from api.opening import open_csv
    from api.reporting.answering import as_csv
    from application.opening import open_json

    if wanted["as_csv"]:
        return (await open_csv(core.house.texts, as_csv(found))).decode()
    if wanted["as_json"]:
        return (await open_json(core.house.texts, msgspec.json.format(msgspec.json.encode(found)))).decode()
    return None


async def _scope(core: "Core", wanted: dict[str, Any], default: timedelta | None) -> "Scope":
    from projections.moment import Moment
    from projections.scope import Scope

    asked: int | None = wanted["as_of_position"]
    head = await core.house.log.head()
    moment = await core.moments.at_position(asked) if asked else Moment(head, core.house.clock())
    if moment is None:
        raise Stopped(f"The ledger has come as far as position {head}.", 2)
    if not await core.moments.wait(moment.position, PATIENCE):
        raise Stopped(f"What reports are made of does not show position {moment.position} yet; is a worker running?")
    end = utc(wanted.get("until")) or moment.at
    start = utc(wanted.get("since")) or (end - default if default else None)
    check(start, end)
    return Scope(since=start, until=end, position=moment.position, now=moment.at)
