"""Worker processes that export to a real rsyslog: nothing is lost, whatever is stopped or killed."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trustme
import typed_settings as ts

from adapters.bootstrap import Core, open_core
from adapters.diagnosis import diagnose
from adapters.health import Health
from adapters.settings import Database, Settings, Syslog
from adapters.syslog.configuring import syslog_watch
from application.syslog_watch import SyslogError, SyslogState
from tests.adapters.syslog.by_the_book import parse_element
from tests.adapters.webhooks.test_workers import viewed
from tests.api.cli.shell import Shell
from tests.support.postgres import Pg
from tests.support.rsyslog import Received, Rsyslog, rsyslogd


@contextmanager
def working(shell: Shell) -> Iterator["subprocess.Popen[bytes]"]:
    """`certferry work` as a process of its own; it ends well when it is told to, unless it is killed before."""
    process = shell.start("work")
    try:
        yield process
        if process.poll() is None:
            process.terminate()
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Rsyslog]:
    (directory := tmp_path / "syslog").mkdir()
    with rsyslogd(directory) as started:
        yield started


@pytest.fixture
def shell(pg: Pg, tmp_path: Path, daemon: Rsyslog) -> Shell:
    """The command line of a service that exports to rsyslog over TCP."""
    made = Shell(tmp_path, pg)
    made.environment["CERTFERRY_SYSLOG__ADDRESS"] = daemon.address("tcp")
    return made


@asynccontextmanager
async def service(pg: Pg, shell: Shell) -> AsyncIterator[Core]:
    """What makes events, and looks on."""
    syslog = Syslog(address=shell.environment["CERTFERRY_SYSLOG__ADDRESS"])
    data = Path(shell.environment["CERTFERRY_DATA"])
    async with open_core(Settings(data=data, database=Database(dsn=ts.SecretStr(pg.app_dsn)), syslog=syslog)) as core:
        yield core


async def until(core: Core, true: Callable[[SyslogState], bool]) -> SyslogState:
    """The state of the export as soon as something is true of it."""
    watch = syslog_watch(core.rows, core.settings.syslog)
    assert watch is not None
    async with asyncio.timeout(90):
        while not true(found := await watch.state()):
            await asyncio.sleep(0.05)
    return found


def positions(received: list[Received]) -> list[int]:
    return [_position(each) for each in received]


def _position(received: Received) -> int:
    return int(dict(parse_element(received.structured_data.encode())[1])["position"])


async def test_every_event_of_the_ledger_arrives_in_order(pg: Pg, shell: Shell, daemon: Rsyslog) -> None:
    """From the first one on, once, with what the ledger says of it; the position is kept, and shown."""
    async with service(pg, shell) as core:
        with working(shell):
            last = await viewed(core, 600)
            await until(core, lambda state: state.position == last)
        received = daemon.received()
        assert positions(received) == list(range(1, last + 1))
        event = await core.views.audit_trail.get(last)
        assert event is not None
        told, text = received[-1], json.loads(received[-1].text)
        assert (told.message_id, told.priority) == (event.type, "110")
        assert (text["id"], text["source"]) == (str(last), (await core.origin()).source)
        assert text["data"] == json.loads(event.payload)
        with working(shell):
            last = await viewed(core, 1)
            await until(core, lambda state: state.position == last)
        assert positions(daemon.received()) == list(range(1, last + 1))
        async with Health(core.rows, syslog_watch(core.rows, core.settings.syslog)) as health, asyncio.timeout(60):
            while "syslog_position" not in health.figures:
                await asyncio.sleep(0.05)
            assert set(Health.SYSLOG) <= set(health.names)
            assert [health.figures[name] for name in Health.SYSLOG] == [last, 0, 0]
    assert shell.json("syslog", "status") == {"head": last, "position": last, "failures": 0, "error": None}


async def test_nothing_is_lost_while_the_receiver_is_killed_and_stopped(pg: Pg, shell: Shell, daemon: Rsyslog) -> None:
    """It gets what it has not read, again and in order, as soon as it is back; meanwhile everybody can see why not."""
    async with service(pg, shell) as core:
        with working(shell):
            for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                growing = asyncio.create_task(_grown(core, 20))
                await asyncio.to_thread(daemon.stop, number)
                await growing
                await viewed(core, 1)
                await until(core, lambda state: state.failures > 0)
                [finding] = [each for each in await diagnose(core.settings) if each.name == "syslog"]
                assert (finding.well, "connection_" in finding.detail) == (False, True)
                await asyncio.to_thread(daemon.start)
                last = await viewed(core, 1)
                state = await until(core, lambda state, last=last: state.position == last)  # type: ignore[misc] # bound now
                assert (state.failures, state.error, state.waiting) == (0, None, None)
    _complete(positions(daemon.received()), last)


async def _grown(core: Core, times: int) -> None:
    for _ in range(times):
        await viewed(core, 5)


def _complete(found: list[int], last: int) -> None:
    """Every position is there; a repeat begins at an earlier one, and goes on without a gap."""
    assert sorted(set(found)) == list(range(1, last + 1))
    assert all(following <= before + 1 for before, following in itertools.pairwise(found))


async def test_nothing_is_lost_while_workers_are_killed_and_stopped(pg: Pg, shell: Shell, daemon: Rsyslog) -> None:
    """The next one goes on behind what was confirmed; one that stands by takes over."""
    async with service(pg, shell) as core:
        growing = asyncio.create_task(_grown(core, 100))
        for _ in range(2):
            with working(shell) as victim:
                before = (await until(core, lambda state: state.head > 0)).position
                await until(core, lambda state, before=before: state.position > before)  # type: ignore[misc] # bound now
                os.kill(victim.pid, signal.SIGKILL)
                victim.wait()
                last = await viewed(core, 50)
        await growing
        with working(shell) as first:
            last = await core.house.log.head()
            await until(core, lambda state: state.position == last)
            with working(shell):
                first.terminate()
                assert await asyncio.to_thread(first.wait, 60) == 0
                last = await viewed(core, 50)
                await until(core, lambda state: state.position == last)
    assert sorted(set(positions(daemon.received()))) == list(range(1, last + 1))


async def test_events_are_sent_again_from_a_position_on_and_never_skipped(
    pg: Pg, shell: Shell, daemon: Rsyslog
) -> None:
    """By the command line; a later position than the present one changes nothing."""
    async with service(pg, shell) as core:
        with working(shell):
            last = await viewed(core, 10)
            await until(core, lambda state: state.position == last)
        assert shell.json("syslog", "send-again", "--from", str(last + 5))["position"] == last
        assert shell.json("syslog", "send-again", "--from", str(last - 2))["position"] == last - 3
        before = len(daemon.received())
        with working(shell):
            last = await viewed(core, 1)
            await until(core, lambda state: state.position == last)
    assert positions(daemon.received())[before:] == list(range(last - 3, last + 1))


async def test_over_tls_and_a_certificate_that_is_not_trusted(pg: Pg, shell: Shell, tmp_path: Path) -> None:
    """Nothing is sent to somebody else, and it is told; with the right authority everything arrives."""
    authority, tls, directory = trustme.CA(), tmp_path / "tls", tmp_path / "secured"
    tls.mkdir()
    directory.mkdir()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tls / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(tls / "server.pem")
    certificate.private_key_pem.write_to_path(tls / "server.key")
    with rsyslogd(directory, tls) as secured:
        shell.environment["CERTFERRY_SYSLOG__ADDRESS"] = secured.address("tls")
        async with service(pg, shell) as core:
            last = await viewed(core, 10)
            with working(shell):
                state = await until(core, lambda state: state.failures > 0)
                assert (state.position, state.error) == (0, SyslogError.TLS_ERROR)
            shell.environment["CERTFERRY_SYSLOG__CA_FILE"] = str(tls / "ca.pem")
            with working(shell):
                await until(core, lambda state: state.position == last)
        _complete(positions(secured.received()), last)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"CERTFERRY_SYSLOG__ADDRESS": "http://logs.example.org:80"}, "syslog address"),
        ({"CERTFERRY_SYSLOG__LONGEST": "100"}, "syslog.longest"),
        ({"CERTFERRY_SYSLOG__ADDRESS": "tls://localhost:1", "CERTFERRY_SYSLOG__CA_FILE": "/nowhere"}, "settings"),
    ],
)
def test_settings_that_cannot_be_used_are_told(pg: Pg, tmp_path: Path, change: dict[str, str], said: str) -> None:
    """When the worker begins, in a sentence."""
    shell = Shell(tmp_path, pg)
    shell.environment |= {"CERTFERRY_SYSLOG__ADDRESS": "tcp://localhost:1"} | change
    done = shell.run("work")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
