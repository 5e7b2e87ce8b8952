"""`certferry demo`: the whole thing on one machine."""

from pathlib import Path

import rich_click as click


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any free port.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory that keeps everything. Default: certferry-demo in XDG_STATE_HOME, else ~/.local/state.",
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Written, as JSON and for its owner only, when the demo is ready.",
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@click.option("--simulated", is_flag=True, help="Simulated web servers, also where nginx is installed.")
def demo(port: int, data: Path | None, ready_file: Path | None, *, no_browser: bool, simulated: bool) -> None:
    """Start everything on this machine: database, API, worker, a bridge, web servers, people and a short history.

    Ctrl-C stops everything. Started again with the same directory, it goes on with the same data and tokens.
    """
    import asyncio

    from adapters.demo.place import PlaceRefused, default_directory
    from adapters.demo.ports import PortTaken
    from adapters.demo.rest import DemoFailed
    from adapters.demo.running import run_demo
    from adapters.postgres.binaries import NoPostgres
    from adapters.postgres.embedded import AlreadyRunning, DataOfAnotherVersion
    from adapters.postgres.launch import StartFailed
    from adapters.postgres.unprivileged import NoUnprivilegedUser
    from api.cli.panel import DemoScreen
    from api.cli.printing import Stopped

    screen = DemoScreen(browser=not no_browser)
    refusals = (PlaceRefused, PortTaken, DemoFailed, AlreadyRunning, DataOfAnotherVersion, NoPostgres)
    try:
        asyncio.run(run_demo(data or default_directory(), port, ready_file, screen, simulated=simulated))
    except (*refusals, StartFailed, NoUnprivilegedUser) as error:
        raise Stopped(str(error)) from error
    except KeyboardInterrupt:
        raise Stopped("Stopped.") from None
