"""`certferry replay`: the estate as it was, folded from the ledger alone."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from api.cli.options import INSTANT, POSITION, written
from api.cli.personal import Opening
from api.cli.printing import Stopped, json_option, pass_config, progress, settings_of

if TYPE_CHECKING:
    from api.cli.estate import Moment


@click.command()
@click.option("--as-of", type=INSTANT, help="An instant: everything recorded until then, by the clock of then.")
@click.option("--position", type=POSITION, help="A ledger position, by the clock of its recording.")
@json_option
@pass_config
def replay(config: Path | None, as_of: datetime | None, position: int | None, *, as_json: bool) -> None:
    """Fold the ledger up to a moment, apart from the read models, and print the estate. Default: up to now.

    Certificates, connectors with their four states, open work orders, bridges, and the colours of then.
    """
    from adapters.postgres import raw
    from adapters.replaying.aside import Aside
    from adapters.replaying.estate import ESTATE, Estate
    from adapters.replaying.replay import Replay
    from adapters.replaying.side import SideTables
    from api.cli import estate

    if as_of is not None and position is not None:
        raise Stopped("Give --as-of or --position, not both.", 2)
    with raw.connect_raw(settings_of(config).dsn, "certferry replay") as connection, Aside() as aside:
        side = SideTables(aside, ESTATE)
        moment = _moment(connection, as_of, position)
        folding = Replay(ESTATE, side)
        with progress("replaying the ledger", moment.position) as reached:
            for page in raw.pages(connection, 0, moment.position):
                folding.take(page)
                reached(folding.position)
        folding.finish()
        show = estate.as_json if as_json else estate.for_people
        asyncio.run(_print(show(moment, Estate(side)), Opening(config), as_json=as_json))
    if folding.poison:
        first = folding.poison[0]
        raise Stopped(
            f"The event at position {first.position} could not be folded ({first.error}); what it concerns stands as "
            f"it was before. {len(folding.poison)} such events in all."
        )


async def _print(lines: Iterable[str], texts: Opening, *, as_json: bool) -> None:
    """With personal texts opened."""
    from api.opening import open_words
    from application.opening import open_json

    for line in lines:
        click.echo((await open_json(texts, line.encode())).decode() if as_json else await open_words(texts, line))


def _moment(connection: Any, as_of: datetime | None, position: int | None) -> "Moment":
    from adapters.postgres import raw
    from api.cli.estate import Moment

    last, now = raw.head(connection), datetime.now(UTC)
    if position is not None:
        at = raw.recorded_at(connection, position)
        if position > last or (position and at is None):
            raise Stopped(f"There is no position {position}; the ledger ends at {last}.", 2)
        return Moment(position, at or now)
    if as_of is None:
        return Moment(last, now)
    if as_of > now:
        raise Stopped(f"{written(as_of)} is still to come; a replay shows what was.", 2)
    return Moment(raw.position_at(connection, as_of), as_of)
