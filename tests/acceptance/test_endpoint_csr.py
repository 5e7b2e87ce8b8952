"""Endpoint CSR: the key is made on the target system, the certificate comes to it, and is served with it."""

import pytest

from tests.acceptance.story import Story
from tests.support.demo import Json
from tests.support.sshd import running_sshd


def _ordered(story: Story) -> Story:
    """Ordered for the site; complete, with a connector that the order asked for."""
    assert story.site is not None
    wanted = {"target_system_id": story.target_id, "endpoints": [story.site.endpoint], "server_name": story.host}
    body = {"mode": "endpoint_csr", "common_name": story.host, "connectors": [wanted]}
    order = story.as_("requester").post("/orders", body, status=202)

    def ended() -> Json | None:
        found: Json = story.as_("auditor").get(f"/orders/{order['id']}")
        return found if found["status"] in ("complete", "failed") else None

    done = story.demo.until(ended, "the order to end")
    assert done["status"] == "complete", done
    story.certificate_id = done["certificate_id"]
    path = f"/certificates/{story.certificate_id}/connectors"
    [connector] = story.demo.until(lambda: story.as_("auditor").get(path)["items"], "the connector to be added")
    story.connector_id = connector["id"]
    return story


def _pushed_and_served(story: Story) -> None:
    assert story.as_("auditor").get(f"/certificates/{story.certificate_id}")["has_private_key"] is False
    story.pushed().approved().implemented().ended("completed")
    story.demo.until(lambda: story.served == story.fingerprint, "nginx to serve the pushed certificate")


def test_on_this_host(story: Story) -> None:
    """Order, key and request at the bridge, certificate, connector, push with approvals; a TLS client sees it."""
    story.with_a_web_server()
    _pushed_and_served(_ordered(story))
    assert story.site is not None
    [key] = (story.site.root / ".keys").iterdir()
    assert key.read_bytes() == (story.site.root / "current/privkey.pem").read_bytes()


@pytest.mark.needs("ssh", "sshd", "nginx", "sftp-server")
def test_on_another_host(story: Story) -> None:
    """The same over a real OpenSSH server."""
    with running_sshd() as sshd:
        story.site = story.demo.new_site(story.name)
        body = {
            "name": story.name,
            "kind": "nginx",
            "bridge_id": story.demo.ready["bridge_id"],
            "settings": sshd.settings(story.site.root, "web"),
            "secrets": {"ssh_private_key": sshd.user_key},
        }
        story.target_id = story.as_("operator").post("/target-systems", body, status=201)["id"]
        _pushed_and_served(_ordered(story))
