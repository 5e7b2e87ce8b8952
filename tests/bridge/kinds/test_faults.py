"""Faults of files and connections, for every kind: named by their cause, and what was in use stays in use."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.kinds import FILES_KINDS
from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer, config_for, files_of, load_pair
from tests.bridge.drivers.cutting import CuttingProxy, cutting_proxy
from tests.bridge.drivers.test_file_faults import fill
from tests.bridge.unprivileged import as_ordinary_user, open_directory, small_file_system
from tests.support.sshd import Sshd

SECRETS = {"tomcat": {"keystore_password": "changeit"}}


@pytest.fixture(params=sorted(FILES_KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def proxy(sshd: Sshd) -> AsyncIterator[CuttingProxy]:
    async with cutting_proxy(sshd.port) as between:
        yield between


def on_this_host(kind: str, root: Path) -> Deployer:
    """Files alone: the faults come before any service is told."""
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    return Deployer(settings, config_for(root, (), ()), SECRETS.get(kind, {}), kind=kind)


def test_a_directory_without_write_permission(kind: str) -> None:
    """permission_denied, and nothing is written."""
    new = AUTHORITY.server()
    with open_directory() as directory:
        root = directory / "tls"
        root.mkdir(mode=0o555)

        def denied() -> tuple[str, bool | None]:
            failure = asyncio.run(on_this_host(kind, root).fail(new))
            return failure.cause, failure.written

        assert (FailureCause.PERMISSION_DENIED, False) == as_ordinary_user(denied)
        assert {} == files_of(root)


async def test_a_full_disk(kind: str, tmp_path: Path) -> None:
    """disk_full: what was written of the release is gone, the old one is in use."""
    with small_file_system(tmp_path / "small", "size=128k") as root:
        target = on_this_host(kind, root)
        await target.apply(AUTHORITY.server())
        fill(root / "rest", leave_pages=1)
        before = files_of(root)
        failure = await target.fail(AUTHORITY.server(), fence=2)
        assert (FailureCause.DISK_FULL, False) == (failure.cause, failure.written)
        assert before == files_of(root)


async def test_a_connection_lost_in_mid_upload(kind: str, root: Path, sshd: Sshd, proxy: CuttingProxy) -> None:
    """target_unreachable: a matching pair is there, old or new, and the next attempt completes the push."""
    settings = {**sshd.settings(root, "web"), "port": proxy.port}
    secrets = {"ssh_private_key": sshd.user_key} | SECRETS.get(kind, {})
    ssh = {"attempts": 1, "connect_timeout_seconds": 5}
    config = config_for(root, (), ())
    target = Deployer(settings, config, secrets, kind=kind)
    target = target.with_config(ssh=type(config.ssh)(**ssh))
    await target.apply(AUTHORITY.server(), fence=1)
    new = AUTHORITY.server()
    proxy.budget = proxy.passed * 3 // 4
    failure = await target.fail(new, fence=2)
    assert FailureCause.TARGET_UNREACHABLE is failure.cause
    load_pair(root)
    await target.apply(new, fence=3)
    load_pair(root)
    assert new.fullchain_pem == (root / "current/fullchain.pem").read_text()
