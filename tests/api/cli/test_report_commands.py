"""`certferry report`: the reports for auditors, without a browser."""

import asyncio
from pathlib import Path

from projections.catalogue import HISTORIES
from projections.lines import HISTORY
from tests.api.cli.shell import Shell
from tests.projections.ledger import caught_up, in_read, running
from tests.support.postgres import Pg

REPORTS = ("separation-of-duties", "unapproved-pushes", "exposure", "lead-times", "expiry", "inventory", "review")


async def test_reports_for_auditors(pg: Pg, tmp_path: Path) -> None:
    """For people, as JSON with the fields of the API, as CSV with a head; as of a position the same each time."""
    shell = Shell(tmp_path, pg)
    async with running(pg), running(pg, HISTORIES, line=HISTORY):
        await asyncio.to_thread(shell.json, "tokens", "create", "ann", "--role", "auditor")
        ((position,),) = in_read(pg, "SELECT position FROM ledger.head")
        await caught_up(pg, position)
        await caught_up(pg, position, HISTORY)
    await asyncio.to_thread(ask_everything, shell, position)


def ask_everything(shell: Shell, position: int) -> None:
    then = ("--as-of-position", str(position - 1))
    found = {name: shell.json("report", name, *then) for name in REPORTS}
    for name, report in found.items():
        assert (report["report"], report["as_of_position"]) == (name, position - 1)
    first = REPORTS[0]
    assert found[first] == shell.json("report", first, *then)
    head = shell.run("report", first, "--csv").stdout.splitlines()[0].split(",")
    assert {"positions", "position"} & set(head), first
    told = shell.run("report", first)
    assert f"as of position: {position}" in told.stdout.splitlines(), told.stderr
    asked = shell.json("report", "separation-of-duties", "--rule", "two-approvers", "--levels", "3")
    assert (asked["rules"], asked["levels"]) == (["two-approvers"], 3)
