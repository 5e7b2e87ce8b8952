"""The same nginx as a target on this host and as one behind a real OpenSSH server."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.bridge.deploying import Deployer
from tests.support.sshd import Sshd


@pytest.fixture
def over_ssh(local: Deployer, sshd: Sshd, root: Path) -> Deployer:
    return replace(local, settings=sshd.settings(root, "web"), secrets={"ssh_private_key": sshd.user_key})


@pytest.fixture(params=["local", "ssh"])
def target(request: pytest.FixtureRequest) -> Deployer:
    """The same promises hold on both ways to a target."""
    deployer: Deployer = request.getfixturevalue({"local": "local", "ssh": "over_ssh"}[request.param])
    return deployer
