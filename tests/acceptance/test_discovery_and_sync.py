"""Manual "Pushing a Server Certificate", the note: Sync and Out of Sync, discovery after discovery, real nginx."""

from pathlib import Path

from tests.acceptance.story import Story
from tests.support.demo import Json
from tests.support.paper import certificate


def discovered(story: Story, **body: object) -> Json:
    """A discovery that was asked for, completed; of the story's target system where nothing else is said."""
    wanted = body or {"target_system_id": story.target_id}
    asked = story.as_("operator").post("/discoveries", wanted, status=202)

    def completed() -> Json | None:
        found: Json = story.as_("auditor").get(f"/discoveries/{asked['id']}")
        return found if found["status"] == "completed" else None

    run: Json = story.demo.until(completed, "the discovery to be completed")
    return run


def sync_becomes(story: Story, state: str, reason: str | None = None) -> None:
    """The connector's sync state, once the read models show it."""
    wanted = {"state": state, "reason": reason, "pending": False}
    story.demo.until(lambda: story.connector["sync"] == wanted, f"sync to be {state} ({reason})")


def pushed(story: Story) -> Story:
    story.pushed().approved().implemented().ended("completed")
    return story


def place(story: Story) -> Path:
    assert story.site is not None
    return story.site.root / "current" / "fullchain.pem"


def test_the_pushed_certificate_is_in_sync_after_the_next_discovery(story: Story) -> None:
    """The machine is healthy, and discovery returns the pushed certificate: Sync."""
    story.ready_to_push()
    assert story.connector["sync"] == {"state": "unknown", "reason": None, "pending": False}
    pushed(story)
    sync_becomes(story, "in_sync")
    [event] = story.events("connector.sync.changed")
    assert event["actor"]["kind"] == "bridge"


def test_the_old_certificate_goes_out_of_sync_when_a_new_one_is_pushed(story: Story) -> None:
    """A new certificate is pushed while the old one still exists in the inventory: Out of Sync for the old one."""
    pushed(story.ready_to_push())
    sync_becomes(story, "in_sync")
    new = Story(story.demo, f"{story.name} new")
    new.site, new.target_id = story.site, story.target_id
    pushed(new.ordered().connected())
    sync_becomes(new, "in_sync")
    sync_becomes(story, "out_of_sync", "superseded_on_device")
    assert story.connector["deployment_status"] == "deployed"
    story.demo.until(lambda: new.served == new.fingerprint, "nginx to serve the new certificate")
    pushed_again = story.as_("requester").post(f"/connectors/{story.connector_id}/deploy", {}, status=202)
    assert pushed_again["refused"] == []
    sync_becomes(story, "in_sync")
    sync_becomes(new, "out_of_sync", "superseded_on_device")


def test_what_was_removed_on_the_device_is_not_returned(story: Story) -> None:
    """Somebody removed the files: Out of Sync, and Mid Purple where it was a profile; Deploy puts them back."""
    pushed(story.ready_to_push())
    sync_becomes(story, "in_sync")
    (place(story).parent).unlink()
    run = discovered(story)
    assert (run["healthy"], run["found"]) == (True, [])
    sync_becomes(story, "out_of_sync", "not_returned")
    story.as_("requester").post(f"/connectors/{story.connector_id}/deploy", {}, status=202)
    sync_becomes(story, "in_sync")


def test_a_machine_that_is_not_healthy_is_out_of_sync(story: Story) -> None:
    """What it holds cannot be read: Out of Sync, whatever it holds; once it is mended, Sync again."""
    pushed(story.ready_to_push())
    sync_becomes(story, "in_sync")
    kept = place(story).read_bytes()
    place(story).unlink()
    place(story).mkdir()
    assert discovered(story)["healthy"] is False
    sync_becomes(story, "out_of_sync", "connector_unhealthy")
    place(story).rmdir()
    place(story).write_bytes(kept)
    assert discovered(story)["healthy"] is True
    sync_becomes(story, "in_sync")


def test_an_unknown_certificate_on_the_target_enters_the_inventory(story: Story) -> None:
    """Put there by hand: it is listed beside the managed ones, with source discovered and no key."""
    pushed(story.ready_to_push())
    found = certificate(4_711)
    by_hand = place(story).parents[1] / "by-hand"
    (by_hand / "releases" / "1").mkdir(parents=True)
    (by_hand / "releases" / "1" / "fullchain.pem").write_text(found.pem)
    (by_hand / "current").symlink_to("releases/1")
    run = discovered(story)
    assert {each["profile"] for each in run["found"]} == {None, "by-hand"}
    [new] = [each["fingerprint_sha256"] for each in run["found"] if each["profile"] == "by-hand"]

    def listed() -> Json | None:
        items = story.as_("auditor").get("/certificates", source="discovered", limit=200)["items"]
        return next((each for each in items if each["fingerprint_sha256"] == new), None)

    shown = story.demo.until(listed, "the certificate to be listed")
    assert (shown["source"], shown["has_private_key"]) == ("discovered", False)


def test_a_network_is_looked_at_from_here_and_from_a_bridge(story: Story) -> None:
    """Live TLS: what nginx serves at its address is found by both; nothing outside of the allow-list is asked for."""
    pushed(story.ready_to_push())
    assert story.site is not None
    address, _, port = story.site.endpoint.rpartition(":")
    for bridge in ({}, {"bridge_id": story.demo.ready["bridge_id"]}):
        run = discovered(story, ranges=[f"{address}/32"], ports=[int(port)], **bridge)
        assert (run["healthy"], [each["place"] for each in run["found"]]) == (True, [story.site.endpoint])
    refused = story.as_("operator").ask("/discoveries", {"ranges": ["169.254.169.254"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/ranges/0")
