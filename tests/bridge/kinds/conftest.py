"""Every kind of target as a real server, on this host and behind a real OpenSSH server."""

from collections.abc import Iterator

import pytest

from tests.bridge.deploying import AUTHORITY, Deployer, config_for
from tests.bridge.kinds.servers import SERVERS
from tests.bridge.kinds.targets import Target
from tests.support.services.base import Server, running
from tests.support.sshd import Sshd


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: server.__name__)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Started once for all tests of a file; a test begins by pushing what it wants to be there."""
    with running(request.param, AUTHORITY.server()) as started:
        yield started


@pytest.fixture(params=["local", "ssh"])
def target(request: pytest.FixtureRequest, server: Server, sshd: Sshd) -> Target:
    config = config_for(server.root, (), ())
    local = {"transport": "local", "root": str(server.root), "reload_profile": "web"}
    over_ssh = sshd.settings(server.root, "web")
    secrets = {"ssh_private_key": sshd.user_key} if request.param == "ssh" else {}
    deployer = Deployer(
        local if request.param == "local" else over_ssh, config, secrets | server.secrets, kind=server.kind
    )
    return Target(server, deployer).with_profile(server.profile())
