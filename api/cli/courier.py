"""`certferry courier`: the pull client, on a host of its own. It needs no settings, no database, only its own file."""

import asyncio
from pathlib import Path

import msgspec
import rich_click as click

from api.cli.printing import WRONG_USE, Stopped, answer, json_option


@click.command()
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("/etc/certferry/courier.toml"),
    show_default=True,
    help="Which certificates this host wants.",
)
@click.option("--once", is_flag=True, help="Look after every certificate once, and end: 1 where one failed or waits.")
@json_option
def courier(config_file: Path, *, once: bool, as_json: bool) -> None:
    """Order certificates for this host, install them, renew them in time.

    The key is made here and never leaves. Without --once it goes on until SIGTERM or SIGINT, and logs JSON lines to
    standard error.
    """
    from bridge.config import ConfigRefused
    from bridge.courier.config import read_courier_config
    from bridge.courier.running import run_for_ever, run_once
    from bridge.logs import log_to_stderr
    from bridge.state import StateRefused

    try:
        config = read_courier_config(config_file)
        if not once:
            log_to_stderr()
            asyncio.run(run_for_ever(config))
            return
        outcomes = asyncio.run(run_once(config))
    except (ConfigRefused, StateRefused) as error:
        raise Stopped(str(error), WRONG_USE) from error
    lines = [f"{name}: {outcome.status}: {outcome.message}" for name, outcome in outcomes.items()]
    answer({"certificates": msgspec.to_builtins(outcomes)}, "\n".join(lines), as_json=as_json)
    if any(outcome.status in ("failed", "waiting") for outcome in outcomes.values()):
        raise SystemExit(1)
