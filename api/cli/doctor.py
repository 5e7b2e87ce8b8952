"""`certferry doctor`: what is wrong, and what to do about it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from api.cli.printing import Stopped, answer_rows, json_option, pass_config, settings_of

if TYPE_CHECKING:
    from adapters.diagnosis import Finding


@click.command()
@json_option
@pass_config
def doctor(config: Path | None, *, as_json: bool) -> None:
    """Look at settings, database, read models, queue and bridges. Status 1 when something is wrong."""
    import asyncio

    from adapters.diagnosis import diagnose

    found = asyncio.run(diagnose(settings_of(config)))
    answer_rows([_row(each, as_json=as_json) for each in found], as_json=as_json)
    wrong = [each.name for each in found if not each.well]
    if wrong:
        raise Stopped(f"Not well: {', '.join(wrong)}.")


def _row(found: "Finding", *, as_json: bool) -> dict[str, Any]:
    well: bool | str = found.well if as_json else ("well" if found.well else "NOT WELL")
    return {"check": found.name, "well": well, "detail": found.detail}
