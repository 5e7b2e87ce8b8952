"""A control plane that listens, a bridge enrolled with it, and targets for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge import enrolment, state
from tests.bridge.control_plane import TOKEN, ControlPlane, running_control_plane
from tests.bridge.deploying import AUTHORITY, Deployer, config_for
from tests.bridge.pki import Issued
from tests.support.nginx import Nginx, Site, lay_out, running_nginx
from tests.support.sshd import Sshd, running_sshd


@dataclass(frozen=True)
class Listening:
    """A control plane and how to reach it."""

    control_plane: ControlPlane
    url: str

    @property
    def pin(self) -> str:
        return self.control_plane.ca.root.fingerprint


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    with running_control_plane(tmp_path) as (control_plane, url):
        yield Listening(control_plane, url)


@pytest.fixture
def control_plane(listening: Listening) -> ControlPlane:
    return listening.control_plane


@pytest.fixture
def enrolled(listening: Listening, tmp_path: Path) -> Path:
    """The state directory of a bridge that enrolled with the control plane."""
    directory = state.open_state(tmp_path / "bridge")
    enrolment.enrol(directory, listening.url, TOKEN, listening.pin)
    return directory


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
    """nginx on this host."""
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    return Deployer(settings, config_for(root, nginx.test_argv, nginx.reload_argv))


@pytest.fixture(scope="package")
def sshd() -> Iterator[Sshd]:
    with running_sshd() as server:
        yield server
