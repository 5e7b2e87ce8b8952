"""`certferry verify`: does the ledger hold, and do the read models say what it says?"""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from api.cli.printing import DAMAGED, FAILED, WRONG_USE, Stopped, json_option, pass_config, progress, settings_of

if TYPE_CHECKING:
    from adapters.replaying.checking import Report
    from adapters.verifying.verifying import Outcome, Wish

STATE = "verify.state"


@click.command()
@click.option(
    "--checkpoint",
    "files",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A checkpoint that you kept, or the sealer's checkpoint file: the ledger must begin with what it sealed.",
)
@click.option(
    "--vkey", "vkeys", multiple=True, help="A key of the ledger that you trust. Default: those it names itself."
)
@click.option("--resume", is_flag=True, help="Go on where an earlier run with --resume ended, finished or not.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where --resume keeps how far it is. Default: verify.state in the data directory.",
)
@click.option("--ledger-only", is_flag=True, help="Do not compare the read models.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="How many processes compare the read models, beside this one; 1: this one. Default: one for each core.",
)
@json_option
@pass_config
def verify(
    config: Path | None,
    files: tuple[Path, ...],
    vkeys: tuple[str, ...],
    state: Path | None,
    processes: int | None,
    *,
    resume: bool,
    ledger_only: bool,
    as_json: bool,
) -> None:
    """Recompute everything: positions, streams, leaves, payloads, the tree, every checkpoint; replay it, and compare
    every row of the read models with the replay.

    Status 0: all of it holds. 1: read models differ from the ledger. 3: the ledger does not hold; the first bad
    position is named. It only reads; a role that may read `ledger` and `read` is enough.
    """
    import json
    import sqlite3

    from adapters.postgres import raw
    from adapters.verifying.crew import WorkerEnded
    from adapters.verifying.verifying import verify as run

    settings = settings_of(config)
    kept = (state or _usual_state(settings.data)) if resume or state else None
    wish = _wish(files, vkeys, kept, read_models=not ledger_only)._replace(processes=processes or _cores())
    with raw.connect_raw(settings.dsn, "certferry verify") as connection:
        head = raw.head(connection)
    try:
        with progress("verifying the ledger", head) as reached:
            found = run(settings.dsn, wish, reached)
    except sqlite3.DatabaseError as error:
        raise Stopped(f"{kept} cannot be used to keep how far this is: {error}.", WRONG_USE) from None
    except WorkerEnded as error:
        raise Stopped(f"Nothing was found out: {error}.") from None
    except KeyboardInterrupt:
        raise Stopped("Interrupted; with --resume another run goes on from what was kept.") from None
    click.echo(json.dumps(_json(found), indent=2, default=str) if as_json else "\n".join(_people(found, wish)))
    if not found.intact:
        where = f"Position {found.position}: " if found.position else ""
        raise Stopped(f"The ledger does not hold. {where}{found.finding}.", DAMAGED)
    if found.read and (found.read.total or found.read.quarantined or found.read.poison):
        raise Stopped("The read models do not say what the ledger says; `certferry rebuild` makes them anew.", FAILED)


def _cores() -> int:
    """Those that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _usual_state(data: Path) -> Path:
    data.mkdir(parents=True, exist_ok=True)
    return data / STATE


def _wish(files: tuple[Path, ...], vkeys: tuple[str, ...], state: Path | None, *, read_models: bool) -> "Wish":
    from adapters.verifying.kept import Unusable, kept_checkpoints
    from adapters.verifying.verifying import Wish
    from domain.transparency.keys import VerifierKey
    from domain.transparency.proving import NotProven

    roots: dict[int, bytes] = {}
    try:
        keys = [VerifierKey.parse(vkey) for vkey in vkeys]
        for file in files:
            for checkpoint in kept_checkpoints(file, keys):
                if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
                    raise Stopped(f"{file} contradicts another one that you gave: two ledgers were signed.", DAMAGED)
    except NotProven as error:
        raise Stopped(f"A --vkey cannot be used: {error}.", WRONG_USE) from None
    except Unusable as error:
        raise Stopped(str(error), WRONG_USE) from None
    return Wish(roots, keys, state, read_models)


def _people(found: "Outcome", wish: "Wish") -> Iterator[str]:
    begun = f", from position {found.begun} on" if found.begun else ""
    if not found.intact:
        yield f"{found.size} events were recomputed{begun} before one did not hold."
        return
    root = b64encode(found.root or b"").decode()
    yield f"The ledger holds: {found.size} events{begun}, {found.checkpoints} checkpoints, root {root}."
    if wish.roots:
        yield f"It begins with what {len(wish.roots)} checkpoints sealed that were kept elsewhere."
    if found.read:
        yield from _people_of(found.read)


def _people_of(read: "Report") -> Iterator[str]:
    if read.live is None:
        yield "There are no read models yet."
        return
    told = f"{read.tables} tables at position {read.live}, the past at {read.past}"
    yield f"The read models hold: {told}." if not read.total else f"{read.total} rows of {told} are wrong:"
    for wrong in read.wrong:
        key = ", ".join(f"{name} {value}" for name, value in wrong.key.items())
        last = f" (last event: position {wrong.position})" if wrong.position else ""
        yield f"  {wrong.table}: {key} is {wrong.kind.value}{last}"
    for row in read.quarantined:
        yield f"  {row.projection}: {row.key} takes no more events since position {row.position} (quarantine)"
    for poison in read.poison:
        yield f"  {poison.projection}: position {poison.position} cannot be folded: {poison.error}"
    if read.outdated:
        yield f"Not compared, because a worker is making them anew: {', '.join(read.outdated)}."


def _json(found: "Outcome") -> dict[str, Any]:
    read = found.read
    return {
        "intact": found.intact,
        "size": found.size,
        "root": b64encode(found.root).decode() if found.root else None,
        "checkpoints": found.checkpoints,
        "begun": found.begun,
        "position": found.position,
        "finding": found.finding,
        "read_models": {
            "position": read.live,
            "history_position": read.past,
            "tables": read.tables,
            "wrong_rows": read.total,
            "wrong": [each._asdict() for each in read.wrong],
            "quarantined": [each._asdict() for each in read.quarantined],
            "unfoldable": [each._asdict() for each in read.poison],
            "outdated": list(read.outdated),
        }
        if read
        else None,
    }
