"""Worker processes that deliver: killed in the middle, and several at once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import typed_settings as ts

from adapters.bootstrap import Core, open_core
from adapters.settings import Database, Settings
from application.house import Context
from application.ports import Append, Change
from application.webhooks import create_webhook
from domain.access import CertificateViewed
from domain.entity import Actor, ActorKind
from domain.webhook import Subscription
from tests.support.postgres import Pg
from tests.support.receiver import Receiver, receiving

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with the master key, which all processes of a service share."""
    return tmp_path_factory.mktemp("data")


@asynccontextmanager
async def working(pg: Pg, data: Path) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """`certferry work` as a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CERTFERRY_")}
    ours = {
        "CERTFERRY_DATA": str(data),
        "CERTFERRY_DATABASE__DSN": pg.app_dsn,
        "CERTFERRY_WEBHOOKS__ALLOW": "127.0.0.1",
    }
    command = [sys.executable, "-P", "-c", "from api.cli import main; main()", "work"]
    environment = kept | ours | {"PYTHONPATH": str(ROOT)}
    process = await asyncio.to_thread(subprocess.Popen, command, env=environment, cwd=data, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def service(pg: Pg, data: Path) -> AsyncIterator[Core]:
    """What makes webhooks and events; it delivers nothing."""
    async with open_core(Settings(data=data, database=Database(dsn=ts.SecretStr(pg.app_dsn)))) as core:
        yield core


def _context(core: Core) -> Context:
    return Context(actor=Actor(ActorKind.SYSTEM, "test"), at=core.house.clock(), command_id=uuid4())


async def hooked(core: Core, receiver: Receiver) -> None:
    """A webhook that wants views."""
    wanted = Subscription(url=receiver.url, types=("certificate.view.*",))
    await create_webhook(core.house, _context(core), wanted)


async def viewed(core: Core, times: int) -> int:
    """So many views; the last position."""
    meta = _context(core).meta
    changes = tuple(
        Change(stream_id=uuid4(), expected_version=None, events=(CertificateViewed(meta=meta, certificate_id=uuid4()),))
        for _ in range(times)
    )
    append = Append(command_id=uuid4(), body_sha256=b"\0" * 32, changes=changes)
    return (await core.house.log.append(append)).last_position


async def test_kill_9_in_the_middle_of_a_delivery(pg: Pg, data: Path) -> None:
    """What was under way is sent again by the next worker, under the same id, before what comes after it."""
    async with service(pg, data) as core, receiving() as receiver:
        async with working(pg, data) as victim:
            await hooked(core, receiver)
            await viewed(core, 1)
            await receiver.next()
            receiver.hold.clear()
            last = await viewed(core, 2)
            under_way = await receiver.next()
            os.kill(victim.pid, signal.SIGKILL)
        receiver.hold.set()
        async with working(pg, data):
            again, following = await receiver.take(2)
    assert (again.id, again.body) == (under_way.id, under_way.body)
    assert again.headers["webhook-timestamp"] >= under_way.headers["webhook-timestamp"]
    assert [int(message.event["id"]) for message in (again, following)] == [last - 1, last]


async def test_a_failing_delivery_goes_on_failing_after_a_restart(pg: Pg, data: Path) -> None:
    """The next attempt is when the receiver said, whichever worker makes it; nothing behind it is sent meanwhile."""
    async with service(pg, data) as core, receiving() as receiver:
        receiver.answers = [(503, {"retry-after": "7200"})]
        async with working(pg, data):
            await hooked(core, receiver)
            await viewed(core, 2)
            message = await receiver.next()
            async with asyncio.timeout(60):
                while (delivery := await core.deliveries.get(UUID(message.id))) is None:
                    await asyncio.sleep(0.02)
        async with working(pg, data), receiving() as other:
            await hooked(core, other)
            await viewed(core, 1)
            await other.next()
        assert len(receiver.messages) == 1
        assert await core.deliveries.get(delivery.id) == delivery
        assert delivery.next_attempt_at is not None
        assert delivery.next_attempt_at > datetime.now(UTC)


async def test_two_workers_send_each_event_once(pg: Pg, data: Path) -> None:
    """One of them delivers; when it is stopped, the other one goes on."""
    async with service(pg, data) as core, receiving() as receiver, working(pg, data) as first:
        await hooked(core, receiver)
        await viewed(core, 5)
        messages = await receiver.take(5)
        async with working(pg, data):
            await viewed(core, 20)
            messages += await receiver.take(20)
            first.terminate()
            assert await asyncio.to_thread(first.wait, 60) == 0
            await viewed(core, 5)
            messages += await receiver.take(5)
    seen = [int(message.event["id"]) for message in messages]
    assert seen == sorted(set(seen))
    assert len(seen) == 30
