"""`certferry`: the command line.

Exit status: 0 done, 1 it did not work or a check failed, 2 wrong use or settings, 3 the ledger is damaged. A command is
imported when it is called, what is heavy by the command that needs it.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import rich_click as click

from api.cli.printing import run_command

__all__ = ["main"]

_MODULES: Mapping[str, str] = {
    "bridges": "bridges",
    "connectors": "connectors",
    "courier": "courier",
    "demo": "demo",
    "diff": "diff",
    "doctor": "doctor",
    "export": "export",
    "holds": "principals",
    "keys": "keys",
    "migrate": "databases",
    "principals": "principals",
    "providers": "providers",
    "pushes": "pushes",
    "rebuild": "databases",
    "replacements": "replacements",
    "replay": "replay",
    "report": "auditing",
    "reports": "report_schedules",
    "seal": "sealing",
    "serve": "processes",
    "syslog": "syslog",
    "tokens": "tokens",
    "verify": "verify",
    "work": "processes",
}
"""Which module of this package has which command, under the same name."""


class Commands(click.RichGroup):
    """Starting a service needs one command, not the two dozen others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        del ctx
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        del ctx
        if cmd_name not in _MODULES:
            return None
        command = getattr(import_module(f"{__name__}.{_MODULES[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file. Default: CERTFERRY_CONFIG, else certferry.toml in the working directory, if there is one.",
)
@click.version_option(package_name="certferry", prog_name="certferry")
@click.pass_context
def group(context: click.Context, config: Path | None) -> None:
    """Push certificates to the machines that serve them, with approvals, and prove who approved what."""
    context.obj = config


def main() -> None:
    """The console script."""
    run_command(group)
