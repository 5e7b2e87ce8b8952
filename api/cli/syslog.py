"""`certferry syslog`: the export of events to the syslog receiver."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from api.cli.printing import Stopped, answer, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core


@click.group()
def syslog() -> None:
    """See how far the export to syslog has come; send events again. `certferry work` does it (syslog.address)."""


@syslog.command()
@json_option
@pass_config
def status(config: Path | None, *, as_json: bool) -> None:
    """How far the export has come, and what hinders it."""
    found = with_core(config, _state)
    hindered = f"; {found['failures']} attempts failed, the last one with {found['error']}" if found["error"] else ""
    answer(found, f"{found['position']} of {found['head']} events are sent{hindered}", as_json=as_json)


@syslog.command("send-again")
@click.option("--from", "from_position", type=click.IntRange(min=1), required=True, help="The first position.")
@json_option
@pass_config
def send_again(config: Path | None, from_position: int, *, as_json: bool) -> None:
    """Send everything from a position on once more. Nothing can be skipped: a later one changes nothing."""

    async def act(core: "Core") -> dict[str, Any]:
        await core.syslog_export.send_again(from_position)
        return await _state(core)

    found = with_core(config, act)
    answer(found, f"What comes after position {found['position']} is sent next.", as_json=as_json)


async def _state(core: "Core") -> dict[str, Any]:
    from adapters.syslog.configuring import syslog_watch

    watch = syslog_watch(core.rows, core.settings.syslog)
    if watch is None:
        raise Stopped("No receiver is set (syslog.address).")
    state = await watch.state()
    error = state.error.value if state.error else None
    return {"head": state.head, "position": state.position, "failures": state.failures, "error": error}
