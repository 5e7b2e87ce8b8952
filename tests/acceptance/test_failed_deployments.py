"""Manual "Common failure causes": what goes wrong on the way, what is kept of it, and how it goes on."""

import contextlib
from collections.abc import Iterator

from tests.acceptance.story import Story


@contextlib.contextmanager
def _broken_configuration(story: Story) -> Iterator[None]:
    """Somebody has left a mistake in nginx's configuration that has nothing to do with certificates."""
    broken = story.demo.directory / "nginx" / "conf.d" / f"{story.name}-broken.conf"
    broken.write_text("no_such_directive on;\n")
    try:
        yield
    finally:
        broken.unlink()


def test_nginx_refuses_its_configuration(story: Story) -> None:
    """Rolled back, failed, `service_reload_failed`, nginx's own words kept, the old certificate still served.

    Retry works when the configuration is mended.
    """
    story.ready_to_push()
    before = story.served
    with _broken_configuration(story):
        story.pushed().approved().implemented()
        order = story.ended("failed")
        assert order["status_label"] == "Push-Failed"
        assert story.served == before
    connector = story.connector
    assert connector["deployment_status"] == "failed"
    assert connector["error"]["cause"] == "service_reload_failed"
    assert "no_such_directive" in connector["error"]["message"]
    assert "Check the target system's service logs" in connector["error"]["resolution"]
    assert connector["error"]["written"] is False
    assert connector["colour"] == "gray"
    [failed] = story.events("certificate.deployment.failed")
    assert failed["data"]["message"] == connector["error"]["message"]
    alert = story.demo.until(lambda: _alerts(story, "push_failed"), "the alert")[0]
    assert alert["status"] == "open"

    story.retried().ended("completed")
    story.demo.until(lambda: story.served == story.fingerprint, "nginx to serve the pushed certificate")
    assert story.connector["colour"] == "green"
    story.demo.until(lambda: _alerts(story, "push_failed")[0]["status"] == "resolved", "the alert to be resolved")


def test_the_bridge_is_stopped(story: Story) -> None:
    """Nobody picks the deployment up: it fails after the dispatch deadline as bridge_disconnected. Retry works."""
    story.ready_to_push().pushed().approved()
    with story.demo.frozen("bridge"):
        story.implemented()
        story.ended("failed")
        error = story.connector["error"]
        assert error["cause"] == "bridge_disconnected"
        assert "Verify the Bridge is running" in error["resolution"]
        bridge = f"/bridges/{story.demo.ready['bridge_id']}"
        story.demo.until(lambda: story.as_("auditor").get(bridge)["status"] == "disconnected", "the bridge's silence")
    story.demo.until(lambda: story.as_("auditor").get(bridge)["status"] == "connected", "the bridge to be back")
    story.retried().ended("completed")
    story.demo.until(lambda: story.served == story.fingerprint, "nginx to serve the pushed certificate")


def test_a_directory_that_is_not_there(story: Story) -> None:
    """A push into nowhere fails; nothing is left behind."""
    story.ordered()
    story.site = story.demo.new_site(story.name)
    missing = story.site.root.with_name(f"{story.name}-missing")
    story.registered({"transport": "local", "root": str(missing), "reload_profile": "web"}).connected()
    story.pushed().approved().implemented().ended("failed")
    assert str(missing) in story.connector["error"]["message"]
    assert not missing.exists()


def test_a_directory_the_bridge_does_not_allow(story: Story) -> None:
    """What the control plane asks for is bounded by the bridge's own configuration."""
    story.ordered()
    story.site = story.demo.new_site(story.name)
    story.registered({"transport": "local", "root": "/etc", "reload_profile": "web"}).connected()
    story.pushed().approved().implemented().ended("failed")
    assert "none of the roots" in story.connector["error"]["message"]


def test_somebody_puts_another_certificate_there(story: Story) -> None:
    """After the push an administrator restores the old certificate: verification sees it, and an alert is raised."""
    story.ready_to_push()
    before = story.served
    story.pushed().approved().implemented().ended("completed")
    story.demo.until(lambda: story.connector["validation"][0]["state"] == "matched", "the first verification")
    assert story.site is not None
    (story.site.root / "next").symlink_to("by-hand")
    (story.site.root / "next").replace(story.site.root / "current")
    story.demo.reload_nginx()
    seen = story.demo.until(
        lambda: (found := story.connector["validation"][0])["state"].startswith("mismatch") and found,
        "the verification to see it",
    )
    assert seen["served_fingerprint_sha256"] == before
    story.demo.until(lambda: _alerts(story, "verification_mismatch"), "the alert")


def _alerts(story: Story, kind: str) -> list[dict[str, str]]:
    found = story.as_("auditor").get("/alerts", kind=kind, subject_id=story.connector_id)["items"]
    return [alert for alert in found if alert["subject_id"] == story.connector_id]
