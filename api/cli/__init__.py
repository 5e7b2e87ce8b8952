"""`certferry`: the command line.

Exit status: 0 done, 1 it did not work or a check failed, 2 wrong use or settings, 3 the ledger is damaged. What is
heavy is imported by the command that needs it.
"""

from pathlib import Path

import rich_click as click

from api.cli.auditing import report
from api.cli.bridges import bridges
from api.cli.connectors import connectors
from api.cli.courier import courier
from api.cli.databases import migrate, rebuild
from api.cli.demo import demo
from api.cli.diff import diff
from api.cli.doctor import doctor
from api.cli.export import export
from api.cli.keys import keys
from api.cli.principals import holds, principals
from api.cli.printing import run_command
from api.cli.processes import serve, work
from api.cli.providers import providers
from api.cli.pushes import pushes
from api.cli.replacements import replacements
from api.cli.replay import replay
from api.cli.report_schedules import reports
from api.cli.sealing import seal
from api.cli.syslog import syslog
from api.cli.tokens import tokens
from api.cli.verify import verify

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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


for _command in (demo, serve, work, seal, migrate, rebuild, tokens, principals, holds, bridges, syslog, keys, doctor):
    group.add_command(_command)
for _command in (providers, verify, export, replay, diff, report, courier, replacements, pushes, reports, connectors):
    group.add_command(_command)


def main() -> None:
    """The console script."""
    run_command(group)
