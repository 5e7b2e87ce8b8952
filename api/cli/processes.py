"""`certferry serve` and `certferry work`: the two processes of the service."""

import asyncio
import gc
from pathlib import Path

import rich_click as click

from api.cli.printing import pass_config, settings_of


@click.command()
@click.option("--host", help="Address of the API. Default: server.host of the settings.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the API, 0 for any. Default: server.port.")
@click.option("--api-fd", type=int, hidden=True, help="An inherited listening socket instead.")
@click.option("--bridges-fd", type=int, hidden=True, help="The same for the bridges' listener.")
@pass_config
def serve(config: Path | None, host: str | None, port: int | None, api_fd: int | None, bridges_fd: int | None) -> None:
    """Serve the API and its pages, and the listener that bridges call, until SIGTERM or SIGINT."""
    gc.disable()  # what is imported now stays for ever; looking through it again and again only delays the start
    from api.cli.logs import log_to_stderr
    from api.cli.serving import run

    settings = settings_of(config)
    log_to_stderr(settings.log_level)
    asyncio.run(run(settings, host, port, api_fd, bridges_fd))


@click.command()
@pass_config
def work(config: Path | None) -> None:
    """Keep the read models up to date, react to events, run timers, until SIGTERM or SIGINT. Several may run."""
    from api.cli.logs import log_to_stderr
    from api.cli.working import run

    settings = settings_of(config)
    log_to_stderr(settings.log_level)
    asyncio.run(run(settings))
