"""`certferry migrate` and `certferry rebuild`."""

import asyncio
from pathlib import Path

import rich_click as click

from api.cli.printing import Stopped, answer, json_option, pass_config, settings_of


@click.command()
@json_option
@pass_config
def migrate(config: Path | None, *, as_json: bool) -> None:
    """Bring the database's schema up to this version, as its owner (database.owner_dsn)."""
    from adapters.postgres.migrations import migrate as apply

    applied = apply(settings_of(config).owner_dsn)
    people = "\n".join(f"applied {name}" for name in applied) or "Nothing to do: the database is up to date."
    answer({"applied": list(applied)}, people, as_json=as_json)


@click.command()
@click.argument("projection", nargs=-1)
@json_option
@pass_config
def rebuild(config: Path | None, projection: tuple[str, ...], *, as_json: bool) -> None:
    """Rebuild read models from the ledger, beside the present ones, and swap them in. Default: all of them.

    Each with its history: what is asked of the past is answered as before. The service goes on meanwhile.
    """
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from application.codec import decode
    from projections.catalogue import ALL_PROJECTIONS, HISTORIES, RECORDS
    from projections.entity import History
    from projections.lines import HISTORY, LIVE
    from projections.rebuild import RebuildProgress
    from projections.rebuild import rebuild as replay

    everything = (*ALL_PROJECTIONS, *RECORDS)
    unknown = set(projection) - {each.name for each in everything}
    if unknown:
        known = ", ".join(each.name for each in everything)
        raise Stopped(f"There is no read model {', '.join(sorted(unknown))}. There are: {known}.", 2)
    chosen = tuple(each for each in ALL_PROJECTIONS if not projection or each.name in projection)
    wanted = {each.name for each in everything if not projection or each.name in projection}
    past = tuple(each for each in HISTORIES if (each.of.name if isinstance(each, History) else each.name) in wanted)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        for words, line, projections in (("the present", LIVE, chosen), ("the past", HISTORY, past)):
            task = bar.add_task(f"replaying the ledger for {words}", total=None)

            def show(progress: RebuildProgress, task: TaskID = task) -> None:
                bar.update(task, completed=progress.position, total=progress.target)

            if projections:
                asyncio.run(replay(settings_of(config).dsn, projections, decode, on_progress=show, line=line))
    names = [each.name for each in everything if each.name in wanted]
    answer({"rebuilt": names}, f"Rebuilt: {', '.join(names)}.", as_json=as_json)
