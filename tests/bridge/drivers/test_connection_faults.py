"""What can happen to an SSH connection: each cause by its own fault, and a matching pair at every point of a cut."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import msgspec
import pytest

from bridge.drivers.connecting import Hosts
from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer, config_for, load_pair
from tests.bridge.drivers.cutting import CuttingProxy, cutting_proxy
from tests.bridge.pki import Issued
from tests.support.nginx import Nginx
from tests.support.sshd import Sshd, running_sshd


@pytest.fixture
def own_sshd() -> Iterator[Sshd]:
    """A server that a test may freeze."""
    with running_sshd() as server:
        yield server


def files_over(sshd: Sshd, root: Path) -> Deployer:
    """A target over SSH without a service."""
    secrets = {"ssh_private_key": sshd.user_key}
    return Deployer(sshd.settings(root, "web"), config_for(root, (), ()), secrets, kind="files")


def impatient(target: Deployer, **changes: object) -> Deployer:
    ssh = msgspec.structs.replace(target.config.ssh, attempts=1, **changes)
    return target.with_config(ssh=ssh)


async def test_another_host_key(sshd: Sshd, root: Path) -> None:
    """A server with another key than the settings name gets no login and no byte: target_unreachable."""
    target = files_over(sshd, root)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    failure = await replace(target, settings={**target.settings, "host_key": other}).fail(AUTHORITY.server())
    assert (FailureCause.TARGET_UNREACHABLE, False) == (failure.cause, failure.written)
    assert "another SSH host key" in failure.message


async def test_a_host_key_of_another_kind(sshd: Sshd, root: Path) -> None:
    """The settings name an ECDSA key, the server has an Ed25519 one: refused as well."""
    target = files_over(sshd, root)
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode().strip()
    failure = await replace(target, settings={**target.settings, "host_key": other}).fail(AUTHORITY.server())
    assert (FailureCause.TARGET_UNREACHABLE, False) == (failure.cause, failure.written)


async def test_a_user_key_that_the_server_does_not_know(sshd: Sshd, root: Path) -> None:
    """permission_denied, and no word of the key in the message."""
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    failure = await replace(files_over(sshd, root), secrets={"ssh_private_key": key}).fail(AUTHORITY.server())
    assert (FailureCause.PERMISSION_DENIED, False) == (failure.cause, failure.written)


@pytest.mark.parametrize("secrets", [{}, {"ssh_private_key": "canary-Ie5ahb0o"}])
async def test_a_user_key_that_is_none(sshd: Sshd, root: Path, secrets: dict[str, str]) -> None:
    """Missing or unreadable: permission_denied, and what was given instead of a key is never repeated."""
    failure = await replace(files_over(sshd, root), secrets=secrets).fail(AUTHORITY.server())
    assert FailureCause.PERMISSION_DENIED is failure.cause
    assert "ssh_private_key" in failure.message
    assert "canary" not in failure.message


async def test_nobody_listens(sshd: Sshd, root: Path) -> None:
    """A closed port: target_unreachable."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can have it meanwhile
        target = files_over(sshd, root)
        closed = replace(target, settings={**target.settings, "port": taken.getsockname()[1]})
        failure = await closed.fail(AUTHORITY.server())
    assert (FailureCause.TARGET_UNREACHABLE, False) == (failure.cause, failure.written)


async def test_an_unknown_name(sshd: Sshd, root: Path) -> None:
    """A host name that does not resolve: target_unreachable."""
    target = files_over(sshd, root)
    failure = await replace(target, settings={**target.settings, "host": "no-such-host.invalid"}).fail(
        AUTHORITY.server()
    )
    assert (FailureCause.TARGET_UNREACHABLE, False) == (failure.cause, failure.written)


async def test_a_frozen_server(own_sshd: Sshd, root: Path) -> None:
    """Connections are accepted and never answered: the bridge gives up, and works again after the thaw."""
    target = impatient(files_over(own_sshd, root), connect_timeout_seconds=0.5)
    with own_sshd.frozen():
        failure = await target.fail(AUTHORITY.server())
    assert (FailureCause.TARGET_UNREACHABLE, False) == (failure.cause, failure.written)
    await files_over(own_sshd, root).apply(AUTHORITY.server())


async def test_no_more_connections_at_once_than_a_host_takes(root: Path) -> None:
    """Twenty pieces of work at once on a server that drops the third unauthenticated connection: all are done."""
    with running_sshd(more="MaxStartups 2:100:2") as server:
        target = files_over(server, root)
        limits = msgspec.structs.replace(target.config.ssh, connections_per_host=2, attempts=1)
        target = target.with_config(ssh=limits)
        await target.apply(AUTHORITY.server())
        sharing = replace(target, open_host=Hosts(target.config))
        discovered = await asyncio.gather(*(sharing.discover() for _ in range(20)))
    assert [1] * 20 == [len(each.found) for each in discovered]


@pytest.fixture
async def proxy(sshd: Sshd) -> AsyncIterator[CuttingProxy]:
    async with cutting_proxy(sshd.port) as between:
        yield between


def through(target: Deployer, proxy: CuttingProxy) -> Deployer:
    return replace(target, settings={**target.settings, "port": proxy.port})


@pytest.mark.parametrize("tenth", range(10))
async def test_a_connection_cut_anywhere(
    over_ssh: Deployer, nginx: Nginx, proxy: CuttingProxy, first: Issued, tenth: int
) -> None:
    """Cut at any tenth of a push, the target has a matching pair, old or new, and the next attempt completes it."""
    target = impatient(through(over_ssh, proxy))
    await target.apply(AUTHORITY.server(), fence=1)
    new = AUTHORITY.server()
    proxy.budget = proxy.passed * tenth // 10
    failure = await target.fail(new, fence=2)
    assert FailureCause.TARGET_UNREACHABLE is failure.cause
    assert failure.written in {False, None}
    load_pair(target.place)
    await target.apply(new, fence=3)
    load_pair(target.place)
    nginx.wait_until_serves(new.fingerprint)


async def test_a_cut_connection_is_tried_again(over_ssh: Deployer, nginx: Nginx, proxy: CuttingProxy) -> None:
    """One lost connection is no failed push: the work goes on over a new one."""
    target = through(over_ssh, proxy)
    await target.apply(AUTHORITY.server(), fence=1)
    proxy.budget = proxy.passed // 2
    new = AUTHORITY.server()
    await target.apply(new, fence=2)
    nginx.wait_until_serves(new.fingerprint)
