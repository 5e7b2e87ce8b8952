"""A target system on another host, over a real OpenSSH server: the host key is checked, the login key stays sealed."""

import asyncssh
import pytest

from tests.acceptance.story import Story
from tests.support.sshd import Sshd, running_sshd

pytestmark = pytest.mark.needs("ssh", "sshd", "nginx", "sftp-server")


def _registered(story: Story, sshd: Sshd, **changes: object) -> Story:
    """The site's directory, reached over SSH."""
    story.ordered()
    story.site = story.demo.new_site(story.name)
    settings = {**sshd.settings(story.site.root, "web"), **changes}
    body = {
        "name": story.name,
        "kind": "nginx",
        "bridge_id": story.demo.ready["bridge_id"],
        "settings": settings,
        "secrets": {"ssh_private_key": sshd.user_key},
    }
    target = story.as_("operator").post("/target-systems", body, status=201)
    assert target["secrets_set"] == ["ssh_private_key"]
    assert sshd.user_key.splitlines()[1] not in str(target)
    story.target_id = target["id"]
    return story.connected()


def test_over_ssh(story: Story) -> None:
    """Uploaded, tested, reloaded, read back; served."""
    with running_sshd() as sshd:
        _registered(story, sshd).pushed().approved().implemented().ended("completed")
        story.demo.until(lambda: story.served == story.fingerprint, "nginx to serve the pushed certificate")


def test_another_host_key(story: Story) -> None:
    """A host that is not the one that was registered gets nothing."""
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with running_sshd() as sshd:
        before = _registered(story, sshd, host_key=other).served
        story.pushed().approved().implemented().ended("failed")
        assert "host key" in story.connector["error"]["message"].lower()
        assert story.served == before


def test_nobody_listens(story: Story) -> None:
    """The host is down: target_unreachable, and Retry works when it is up again."""
    with running_sshd() as sshd:
        _registered(story, sshd)
        sshd.stop()
        story.pushed().approved().implemented().ended("failed")
        assert story.connector["error"]["cause"] == "target_unreachable"
        sshd.start()
        story.retried().ended("completed")
        story.demo.until(lambda: story.served == story.fingerprint, "nginx to serve the pushed certificate")
