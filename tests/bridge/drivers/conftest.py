"""An nginx that serves a first certificate, as a target on this host and as one behind a real OpenSSH server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bridge.deploying import AUTHORITY, Deployer, config_for
from tests.bridge.pki import Issued
from tests.support.nginx import Nginx, Site, lay_out, running_nginx
from tests.support.sshd import Sshd, running_sshd


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    with running_sshd() as server:
        yield server


@pytest.fixture
def first() -> Issued:
    """What the target serves before anything is pushed."""
    return AUTHORITY.server()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "tls"
    path.mkdir()
    return path


@pytest.fixture
def nginx(tmp_path: Path, root: Path, first: Issued) -> Iterator[Nginx]:
    lay_out(root, first.fullchain_pem, first.key_pem)
    with running_nginx(tmp_path / "nginx", Site(root)) as server:
        yield server


@pytest.fixture
def local(nginx: Nginx, root: Path) -> Deployer:
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    return Deployer(settings, config_for(root, nginx.test_argv, nginx.reload_argv))


@pytest.fixture
def over_ssh(local: Deployer, sshd: Sshd, root: Path) -> Deployer:
    return replace(local, settings=sshd.settings(root, "web"), secrets={"ssh_private_key": sshd.user_key})


@pytest.fixture(params=["local", "ssh"])
def target(request: pytest.FixtureRequest) -> Deployer:
    """The same promises hold on both ways to a target."""
    deployer: Deployer = request.getfixturevalue({"local": "local", "ssh": "over_ssh"}[request.param])
    return deployer
