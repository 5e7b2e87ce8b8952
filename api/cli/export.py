"""`certferry export`: evidence to take away."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from api.cli.options import INT8_MAX
from api.cli.printing import DAMAGED, WRONG_USE, Stopped, answer, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from application.exporting import Taken

_POSITION = click.IntRange(1, INT8_MAX)


@click.command()
@click.option("--from-position", type=_POSITION, help="All events from this position ...")
@click.option("--to-position", type=_POSITION, help="... to this one, inclusive.")
@click.option("--work-order", type=click.UUID, help="Or one push: everything that proves it.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The archive (zip). It must not exist yet.",
)
@json_option
@pass_config
def export(
    config: Path | None,
    from_position: int | None,
    to_position: int | None,
    work_order: UUID | None,
    output: Path,
    *,
    as_json: bool,
) -> None:
    """Write an archive that anybody can check without this service: events, proofs, checkpoint, and verify.py.

    That it was taken is recorded before the file appears.
    """
    if (work_order is None) == (from_position is None) or (from_position is None) != (to_position is None):
        raise Stopped("Give --from-position and --to-position, or --work-order.", WRONG_USE)

    async def act(core: "Core") -> dict[str, Any]:
        taken = await _taken(core, from_position, to_position, work_order)
        with output.open("xb") as file:
            async for block in taken.evidence.blocks():
                file.write(block)
        return {"file": str(output), **taken.evidence.about._asdict(), "recorded_at_position": taken.position}

    if output.exists():
        raise Stopped(f"{output} is there already.", WRONG_USE)
    found = with_core(config, act)
    people = f"{output}: {found['events']} events, {found['size']} bytes, SHA-256 {found['sha256']}"
    answer(found, people, as_json=as_json)


async def _taken(core: "Core", first: int | None, last: int | None, work_order: UUID | None) -> "Taken":
    from api.cli.acting import by_hand
    from application.export_ports import LedgerContradicted, NotSealedYet
    from application.exporting import take_push, take_range, wrong_range

    house, context = core.house, by_hand(core.house)
    try:
        if work_order is not None:
            return await take_push(house, context, core.evidence, work_order)
        assert first is not None
        assert last is not None
        if wrong := wrong_range(first, last, await house.log.head()):
            raise Stopped(wrong, WRONG_USE)
        return await take_range(house, context, core.evidence, first, last)
    except NotSealedYet as error:
        raise Stopped(f"This cannot be proven yet: {error}. Is `certferry seal` running?") from None
    except LedgerContradicted as error:
        raise Stopped(f"There is no evidence, because the ledger does not hold: {error}.", DAMAGED) from None
