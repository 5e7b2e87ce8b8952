"""`certferry reports schedule`: made by a person, sent, looked after, without a browser."""

import asyncio
from pathlib import Path
from uuid import uuid4

import typed_settings as ts

from adapters.bootstrap import open_core
from adapters.notifying.kinds import Kinds
from adapters.settings import Database, Settings
from application.channelling import DescribeChannel, create_channel
from application.house import Context
from domain.entity import Actor, ActorKind
from domain.notification_channel import ChannelKind
from tests.api.cli.shell import Shell
from tests.projections.ledger import caught_up, in_read, running
from tests.support.postgres import Pg

SETTINGS = {"host": "127.0.0.1", "security": "none", "from_address": "a@example.org", "to": ["b@example.org"]}


async def test_a_schedule_from_the_command_line(pg: Pg, tmp_path: Path) -> None:
    """A person's token makes it theirs; a delivery has a line for each recipient; wrong use is said in a sentence."""
    shell, file = Shell(tmp_path, pg), tmp_path / "token"
    async with running(pg):
        made = await asyncio.to_thread(shell.json, "tokens", "create", "ann", "--role", "auditor")
        file.write_text(made["token"])
        channel = await mail_channel(pg, tmp_path)
        wish = ("--name", "Expiry", "--report", "expiry", "--frequency", "daily", "--at", "06:30", "--format", "csv")
        create = ("reports", "schedule", "create", *wish, "--token-file", str(file), "--mail-channel", channel)
        wrong = await asyncio.to_thread(shell.run, *create, "--filter", "not_renewed")
        assert (2, "not_renewed: write NAME=VALUE.\n") == (wrong.returncode, wrong.stderr)
        created = await asyncio.to_thread(shell.json, *create, "--mail-to", "c@example.org")
        assert (["c@example.org"], "active") == (created["mail_to"], created["status"])
        change = ("reports", "schedule", "change", created["id"], "--token-file", str(file))
        later = ("--frequency", "weekly", "--weekday", "friday", "--without", "mail-to", "--filter", "not_renewed=true")
        changed = await asyncio.to_thread(shell.json, *change, *later)
        timing = created["timing"] | {"frequency": "weekly", "weekday": "friday"}
        different = {"timing": timing, "mail_to": [], "filter": {"not_renewed": ["true"]}}
        assert created | different == changed | {"next_due_at": created["next_due_at"]}
        nothing = await asyncio.to_thread(shell.run, *change)
        assert (2, "Nothing to change was given.\n") == (nothing.returncode, nothing.stderr)
        sent = await asyncio.to_thread(shell.json, "reports", "schedule", "send", created["id"])
        ((position,),) = in_read(pg, "SELECT position FROM ledger.head")
        await caught_up(pg, position)
        [line] = await asyncio.to_thread(shell.json, "reports", "schedule", "deliveries", created["id"])
    assert (sent["delivery_id"], channel, "pending") == (line["delivery_id"], line["channel_id"], line["status"])
    removed = await asyncio.to_thread(shell.run, "reports", "schedule", "remove", created["id"])
    assert "status: removed" in removed.stdout.splitlines(), removed.stderr


async def mail_channel(pg: Pg, data: Path) -> str:
    """The command line makes none."""
    database = Database(dsn=ts.SecretStr(pg.app_dsn), owner_dsn=ts.SecretStr(pg.owner_dsn))
    async with open_core(Settings(data=data / "data", database=database)) as core:
        context = Context(actor=Actor(ActorKind.SYSTEM, "test"), at=core.house.clock(), command_id=uuid4())
        wish = DescribeChannel(kind=ChannelKind.MAIL, name="Board", settings=SETTINGS, secrets={})
        return str((await create_channel(core.house, context, Kinds(), wish)).result.id)
