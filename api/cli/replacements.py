"""`certferry replacements`: many certificates replaced as one operation, and how far it is."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from api.cli.printing import Stopped, answer, answer_rows, json_option, pass_config, progress, with_core
from api.cli.replacing import ReplacementOptions, filter_options, successor_options

if TYPE_CHECKING:
    from adapters.bootstrap import Core

_ENDED = ("completed", "cancelled")
_POLL_SECONDS = 1.0
Found = dict[str, Any]


@click.group()
def replacements() -> None:
    """Replace many certificates at once: everything of a CA, of a key algorithm, of a tag."""


@replacements.command()
@filter_options
@successor_options
@click.option("--reason", required=True, help="Why; it stands in the ledger.")
@click.option("--dry-run", is_flag=True, help="Only say how many certificates are meant.")
@click.option("--follow", is_flag=True, help="Wait until every order has ended.")
@json_option
@pass_config
def start(config: Path | None, /, reason: str, *, dry_run: bool, follow: bool, as_json: bool, **options: Any) -> None:
    """Replace the certificates that fit all filters. The worker orders them, a few at a time."""

    async def act(core: "Core") -> Found:
        from api.cli.acting import by_hand
        from application.replacing import preview_replacement, request_replacement

        wish = ReplacementOptions(**options).command(reason)
        if dry_run:
            found = await preview_replacement(core.house, by_hand(core.house), wish.criteria)
            return {"certificates": found.certificates, "not_orderable": found.not_orderable}
        done = await request_replacement(core.house, by_hand(core.house), core.issuers, wish)
        if not await core.position.wait(done.position, 30.0):
            raise Stopped(f"The replacement {done.result.id} was asked for; no worker has taken note of it yet.")
        return await (_followed if follow else _shown)(core, done.result.id)

    _tell(with_core(config, act), as_json=as_json)


@replacements.command("list")
@json_option
@pass_config
def list_replacements(config: Path | None, *, as_json: bool) -> None:
    """All of them, newest first."""

    async def act(core: "Core") -> list[Found]:
        from functools import partial

        from adapters.read_hints import walk

        return [_figures(found) async for found in walk(partial(core.views.replacements.list))]

    answer_rows(with_core(config, act), as_json=as_json)


@replacements.command()
@click.argument("replacement_id", type=click.UUID)
@json_option
@pass_config
def show(config: Path | None, replacement_id: UUID, *, as_json: bool) -> None:
    """How far one is."""
    _tell(with_core(config, lambda core: _shown(core, replacement_id)), as_json=as_json)


@replacements.command()
@click.argument("replacement_id", type=click.UUID)
@json_option
@pass_config
def follow(config: Path | None, replacement_id: UUID, *, as_json: bool) -> None:
    """Wait until every order of one has ended; exit code 1 where some have failed."""
    found = with_core(config, lambda core: _followed(core, replacement_id))
    _tell(found, as_json=as_json)
    if found["failed"]:
        raise Stopped(f"{found['failed']} certificates were not replaced: `certferry replacements failed` says why.")


@replacements.command()
@click.argument("replacement_id", type=click.UUID)
@json_option
@pass_config
def failed(config: Path | None, replacement_id: UUID, *, as_json: bool) -> None:
    """The certificates that were not replaced, and why."""

    async def act(core: "Core") -> list[Found]:
        from projections.replacements.view import ReplacementOutcome

        rows: list[Found] = []
        after = -1
        while found := await core.views.replacements.items(
            replacement_id, (ReplacementOutcome.FAILED,), after=after, limit=200
        ):
            rows += [
                {"certificate_id": str(one.certificate_id), "common_name": one.common_name, "error": one.error}
                for one in found
            ]
            after = found[-1].place
        return rows

    answer_rows(with_core(config, act), as_json=as_json)


@replacements.command()
@click.argument("replacement_id", type=click.UUID)
@json_option
@pass_config
def retry(config: Path | None, replacement_id: UUID, *, as_json: bool) -> None:
    """Order once more what failed."""
    _tell(_changed(config, replacement_id, again=True), as_json=as_json)


@replacements.command()
@click.argument("replacement_id", type=click.UUID)
@json_option
@pass_config
def cancel(config: Path | None, replacement_id: UUID, *, as_json: bool) -> None:
    """Order no more; orders that were made go on."""
    _tell(_changed(config, replacement_id, again=False), as_json=as_json)


def _changed(config: Path | None, replacement_id: UUID, *, again: bool) -> Found:
    async def act(core: "Core") -> Found:
        from api.cli.acting import by_hand
        from application.replacing import cancel_replacement, retry_replacement

        change = retry_replacement if again else cancel_replacement
        done = await change(core.house, by_hand(core.house), replacement_id)
        await core.position.wait(done.position, 30.0)
        return await _shown(core, replacement_id)

    return with_core(config, act)


async def _shown(core: "Core", replacement_id: UUID) -> Found:
    found = await core.views.replacements.get(replacement_id)
    if found is None:
        raise Stopped(f"There is no replacement {replacement_id}.")
    return _figures(found)


async def _followed(core: "Core", replacement_id: UUID) -> Found:
    found = await _shown(core, replacement_id)
    with progress("replacing certificates", None) as reached:
        while found["status"] not in _ENDED:
            await asyncio.sleep(_POLL_SECONDS)
            found = await _shown(core, replacement_id)
            reached(found["complete"] + found["failed"] + found["skipped"], found["certificates"] or None)
    return found


def _figures(found: Any) -> Found:
    import msgspec

    state = found.row.state
    about = {"id": str(found.row.id), "status": state.status.value, "certificates": state.certificates}
    return about | msgspec.structs.asdict(found.figures)


def _tell(found: Found, *, as_json: bool) -> None:
    answer(found, "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in found.items()), as_json=as_json)
