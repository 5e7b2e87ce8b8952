"""`certferry diff`: what changed between two moments."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from api.cli.options import INSTANT, POSITION, written
from api.cli.personal import Opening
from api.cli.printing import Stopped, pass_config, settings_of

if TYPE_CHECKING:
    from projections.changes.view import Change, Changes, Moment, Span


@click.command()
@click.option("--from-position", type=POSITION, help="The state after this position ...")
@click.option("--from", "since", type=INSTANT, help="... or at this instant.")
@click.option("--to-position", type=POSITION, help="Against the state after this position ...")
@click.option("--to", "until", type=INSTANT, help="... or at this instant. Default: now.")
@click.option("--json", "form", flag_value="json", help="One JSON array.")
@click.option("--ndjson", "form", flag_value="ndjson", help="One JSON object per line.")
@click.option("--csv", "form", flag_value="csv", help="A table (RFC 4180).")
@pass_config
def diff(
    config: Path | None,
    from_position: int | None,
    since: datetime | None,
    to_position: int | None,
    until: datetime | None,
    form: str | None,
) -> None:
    """Print what was added, removed, renewed, re-targeted, and whose status, owner, tags or roles changed.

    Every line cites the ledger positions it rests on.
    """
    from application.codec import decode
    from projections.changes.postgres import PostgresChanges
    from projections.reading.postgres import Reader, reading_pool

    async def act() -> None:
        async with reading_pool(settings_of(config).dsn) as pool:
            changes = PostgresChanges(Reader(pool), decode)
            span = await _span(changes, (from_position, since), (to_position, until))
            found = _one_by_one(changes, span)
            texts = Opening(config)
            if form:
                await _machine(found, form, texts)
            else:
                await _people(found, span, texts)

    asyncio.run(act())


async def _span(
    changes: "Changes", start: tuple[int | None, datetime | None], end: tuple[int | None, datetime | None]
) -> "Span":
    from projections.changes.view import Span

    if end == (None, None):
        end = None, datetime.now(UTC)
    first, last = await _moment(changes, "from", *start), await _moment(changes, "to", *end)
    if (last.position, last.at) < first:
        raise Stopped("The end lies before the beginning.", 2)
    return Span(first, last)


async def _moment(changes: "Changes", name: str, position: int | None, at: datetime | None) -> "Moment":
    if (position is None) == (at is None):
        raise Stopped(f"Give either --{name}-position or --{name}.", 2)
    if at is not None:
        if at > datetime.now(UTC):
            raise Stopped(f"{written(at)} is still to come.", 2)
        return await changes.moment_at(at)
    found = await changes.moment(position or 0)
    if found is None:
        raise Stopped(f"The ledger has no position {position}.", 2)
    return found


async def _one_by_one(changes: "Changes", span: "Span") -> "AsyncIterator[Change]":
    async for batch in changes.stream(span):
        for change in batch:
            yield change


async def _people(found: "AsyncIterator[Change]", span: "Span", texts: Opening) -> None:
    from api.opening import open_words
    from projections.changes.words import sentence

    ends = [f"position {moment.position} ({written(moment.at)})" for moment in span]
    click.echo(f"From {ends[0]} to {ends[1]}")
    count = 0
    async for change in found:
        click.echo(f"  {await open_words(texts, sentence(change))}  [{', '.join(map(str, change.positions))}]")
        count += 1
    click.echo(f"{count or 'No'} changes")


async def _machine(found: "AsyncIterator[Change]", form: str, texts: Opening) -> None:
    import msgspec

    from api.opening import open_csv
    from api.paging import cell, csv_lines
    from api.presenters.changes import COLUMNS
    from api.presenters.changes import change as present
    from application.opening import open_json

    if form == "csv":
        click.echo(csv_lines([COLUMNS]), nl=False)
    before = "[\n  " if form == "json" else ""
    async for change in found:
        body = present(change)
        if form == "csv":
            row = msgspec.to_builtins(body)
            line = csv_lines([[cell(row[column]) for column in COLUMNS]])
            click.echo(await open_csv(texts, line), nl=False)
        else:
            line = await open_json(texts, msgspec.json.encode(body))
            click.echo(before + line.decode(), nl=form == "ndjson")
            before = ",\n  " if form == "json" else ""
    if form == "json":
        click.echo("\n]" if before.startswith(",") else "[]")
