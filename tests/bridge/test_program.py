"""`certferry-bridge` as a program: run, stop, run again, try a target, and what it writes to its log."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.config import Config, ReloadProfile
from bridge.protocol import LEASE_PATH, Outcome, ResultRequest
from tests.bridge.conftest import Listening
from tests.bridge.control_plane import ControlPlane, problem
from tests.bridge.deploying import AUTHORITY, Deployer, toml_of
from tests.bridge.listening import listening as listen
from tests.bridge.test_agent import deployment, quick
from tests.support.nginx import Nginx
from tests.support.sshd import Sshd

PROGRAM = (sys.executable, "-c", "from bridge.cli import main; main()")


class Program:
    """A running bridge."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask_to_stop(self) -> tuple[int, list[dict[str, object]]]:
        """SIGTERM; (exit status, its log)."""
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> tuple[int, list[dict[str, object]]]:
        _, errors = await self._process.communicate()
        status = self._process.returncode
        assert status is not None
        return status, [json.loads(line) for line in errors.decode().splitlines()]


@asynccontextmanager
async def running_program(directory: Path, config: Config) -> AsyncIterator[Program]:
    (directory / "bridge.toml").write_text(toml_of(quick(config)))
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "run", "--state", str(directory), stderr=asyncio.subprocess.PIPE
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run_program(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@pytest.fixture
def over_ssh(local: Deployer, sshd: Sshd, root: Path) -> Deployer:
    return replace(local, settings=sshd.settings(root, "web"), secrets={"ssh_private_key": sshd.user_key})


async def test_a_push_over_ssh_by_the_program(
    control_plane: ControlPlane, enrolled: Path, over_ssh: Deployer, nginx: Nginx
) -> None:
    """Started like a service, it installs, is asked to stop, and ends with status 0. Its log holds no secret."""
    new = AUTHORITY.server()
    async with running_program(enrolled, over_ssh.config) as program:
        report = await control_plane.decided(control_plane.offer(*deployment(over_ssh, new)))
        status, log = await program.ask_to_stop()
    assert isinstance(report, ResultRequest)
    assert (Outcome.SUCCESS, 0) == (report.outcome, status)
    assert ["running", "started", "reported", "stopped"] == [line["event"] for line in log]
    text = json.dumps(log)
    for secret in (new.key_pem, over_ssh.secrets["ssh_private_key"]):
        assert secret.splitlines()[1] not in text
    nginx.wait_until_serves(new.fingerprint)


async def test_asked_to_stop_in_the_middle_it_finishes(control_plane: ControlPlane, enrolled: Path, root: Path) -> None:
    """SIGTERM while a reload runs: that push is finished and reported, no new one is begun."""
    slow = ReloadProfile(reload=("sleep", "1"))
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    target = Deployer(settings, Config(roots=(str(root),), profiles={"web": slow}), kind="files")
    offer = control_plane.offer(*deployment(target, AUTHORITY.server()))
    async with running_program(enrolled, target.config) as program:
        await control_plane.wait(lambda: "reload" in offer.steps)
        status, _ = await program.ask_to_stop()
    assert 0 == status
    assert offer.decided is not None
    assert Outcome.SUCCESS is getattr(offer.decided, "outcome", None)


async def test_the_control_plane_goes_away_and_comes_back(
    listening: Listening, enrolled: Path, root: Path, tmp_path: Path
) -> None:
    """The bridge waits through a restart of the control plane, and takes the next work."""
    ca_file = tmp_path / "bridge-ca.pem"
    control_plane = listening.control_plane
    certificate = control_plane.ca.server("listener").write(tmp_path, "second")
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    target = Deployer(settings, Config(roots=(str(root),), profiles={"web": ReloadProfile()}), kind="files")
    with contextlib.ExitStack() as first:
        port = first.enter_context(listen(control_plane, certificate, ca_file))
        _point_to(enrolled, port)
        async with running_program(enrolled, target.config) as program:
            await control_plane.decided(control_plane.offer(*deployment(target, AUTHORITY.server())))
            first.close()
            with listen(control_plane, certificate, ca_file, port):
                report = await control_plane.decided(control_plane.offer(*deployment(target, AUTHORITY.server())))
                status, _ = await program.ask_to_stop()
    assert isinstance(report, ResultRequest)
    assert (Outcome.SUCCESS, 0) == (report.outcome, status)


def _point_to(directory: Path, port: int) -> None:
    path = directory / "bridge.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "url": f"https://127.0.0.1:{port}"}))


async def test_a_bridge_that_is_not_trusted_waits(control_plane: ControlPlane, enrolled: Path, root: Path) -> None:
    """403 is no reason to end: the bridge asks again, and works when it is trusted again."""
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    target = Deployer(settings, Config(roots=(str(root),), profiles={"web": ReloadProfile()}), kind="files")
    with control_plane.interfering(LEASE_PATH, *[problem(403, "quarantined")] * 3):
        async with running_program(enrolled, target.config) as program:
            report = await control_plane.decided(control_plane.offer(*deployment(target, AUTHORITY.server())))
            status, log = await program.ask_to_stop()
    assert (Outcome.SUCCESS, 0) == (getattr(report, "outcome", None), status)
    assert 3 == sum("quarantined" in str(line.get("error")) for line in log)


async def test_a_second_one_is_refused(control_plane: ControlPlane, enrolled: Path) -> None:
    """Two bridges with one state directory: the second ends with status 2 and a sentence."""
    async with running_program(enrolled, Config()):
        await control_plane.wait(lambda: bool(control_plane.heartbeats))
        status, _, errors = await run_program("run", "--state", str(enrolled))
    assert (2, True) == (status, "Another certferry-bridge" in errors)


async def test_a_wrong_configuration_is_refused(enrolled: Path, tmp_path: Path) -> None:
    """Status 2, and the key that is wrong."""
    (tmp_path / "bridge.toml").write_text("rots = []\n")
    status, _, errors = await run_program("run", "--state", str(enrolled), "--config", str(tmp_path / "bridge.toml"))
    assert (2, True, False) == (status, "unknown field `rots`" in errors, "Traceback" in errors)


@pytest.mark.parametrize("transport", ["local", "ssh"])
async def test_trying_a_target_without_a_control_plane(
    request: pytest.FixtureRequest, nginx: Nginx, root: Path, sshd: Sshd, tmp_path: Path, transport: str
) -> None:
    """`certferry-bridge test` reaches, writes, tests and reads back, and tells each step as JSON."""
    target: Deployer = request.getfixturevalue("local" if transport == "local" else "over_ssh")
    key = tmp_path / "user_key"
    key.write_text(sshd.user_key)
    settings = ", ".join(f"{name} = {json.dumps(value)}" for name, value in target.settings.items())
    file = tmp_path / "bridge.toml"
    file.write_text(
        f"{toml_of(target.config)}\n[targets.web]\nkind = 'nginx'\nsettings = {{ {settings} }}\n"
        f"ssh_private_key_file = {json.dumps(str(key))}\n"
    )
    status, output, errors = await run_program("test", "--config", str(file), "--json")
    assert 0 == status, errors + output
    tried = json.loads(output)["targets"]["web"]
    assert ["connect", "look", "write", "test", "read_back"] == [step["name"] for step in tried["steps"]]
    nginx.break_configuration()
    status, output, _ = await run_program("test", "--config", str(file))
    assert (1, True) == (status, "no_such_directive" in output)


async def test_trying_what_is_not_configured(tmp_path: Path) -> None:
    """A target that the file does not have is named; so is a file without any."""
    file = tmp_path / "bridge.toml"
    file.write_text("")
    status, _, errors = await run_program("test", "--config", str(file), "--target", "web")
    assert (2, True) == (status, "[targets.web]" in errors)
    status, _, errors = await run_program("test", "--config", str(file))
    assert (2, True) == (status, "no [targets.NAME]" in errors)
