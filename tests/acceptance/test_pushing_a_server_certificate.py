"""Manual "Pushing a Server Certificate": from the order to the proof, on real processes and a real nginx."""

from tests.acceptance.papers import certificate_with_key
from tests.acceptance.story import Story
from tests.support.demo import served


def test_one_certificate_pushed_with_two_approvals_verified_proven(story: Story) -> None:
    """The whole sentence: ordered, connected, pushed, approved, implemented, installed, served, verified, counted."""
    story.ready_to_push()
    assert story.site is not None
    before = story.served

    story.pushed()
    order = story.work_order
    assert (order["status"], order["status_label"]) == ("approval_pending", "Push-Approval Pending")
    assert order["request_id"] == story.request_id

    story.approved()
    assert story.work_order["status_label"] == "Push-Review In Progress"
    assert story.connector["deployment_status"] == "not_deployed"
    assert story.served == before

    story.implemented()
    assert story.ended("completed")["status_label"] == "Completed"
    assert story.connector["deployment_status"] == "deployed"

    # An independent eye: exactly the pushed leaf, with a path to Local PKI's root, for this name.
    ca = story.demo.directory / "local-pki.pem"
    story.demo.until(lambda: story.served == story.fingerprint, "nginx to serve the pushed certificate")
    endpoint = story.site.endpoint
    story.demo.until(  # others reload the same nginx meanwhile
        lambda: served(endpoint, story.host, trusted=ca) == story.fingerprint, "OpenSSL to find a path to Local PKI"
    )

    story.demo.until(lambda: story.connector["validation"][0]["state"] == "matched", "the verification job")
    story.demo.until(lambda: story.connector["sync"]["state"] == "in_sync", "the discovery after the push")
    _is_counted(story)
    _is_told(story)
    _is_shown(story)


def _is_counted(story: Story) -> None:
    """The Push Validation Report counts it as successful, and says from which positions it knows."""

    def counted() -> dict[str, object] | None:
        items = story.as_("auditor").get("/reports/push-validation")["items"]
        mine = [item for item in items if item["work_order_id"] == story.work_order_id]
        return mine[0] if mine and mine[0]["outcome"] != "pending" else None

    item = story.demo.until(counted, "the report to count the push")
    assert (item["outcome"], item["connector_id"]) == ("successful", story.connector_id)
    assert {event["position"] for event in story.events("certificate.deployment.*")} & set(item["positions"])


def _is_told(story: Story) -> None:
    """The audit log: requested, started, success, with their actors; and who requested, approved, implemented."""
    deployment = story.events("certificate.deployment.*")
    assert [event["type"].rpartition(".")[2] for event in deployment] == ["requested", "started", "success"]
    assert [event["actor"]["kind"] for event in deployment] == ["automation", "bridge", "bridge"]
    steps = story.events("work_order.push.*", story.work_order_id)
    people = {event["type"].rpartition(".")[2]: event["actor"]["id"] for event in steps}
    me = {name: story.as_(name).get("/me")["id"] for name in ("requester", "approver", "implementer")}
    assert (people["requested"], people["approved"], people["implemented"]) == tuple(me.values())
    assert deployment[0]["actor"]["on_behalf_of"] == me["implementer"]
    assert {event["correlation_id"] for event in (*deployment, *steps)} == {story.request_id}


def _is_shown(story: Story) -> None:
    """The topology: green, from the certificate over the bridge to the connector."""
    shown = story.topology()
    assert shown["certificate"]["colour"] == "green"
    assert [(c["id"], c["colour"], c["deployment_status"]) for c in shown["connectors"]] == [
        (story.connector_id, "green", "deployed")
    ]
    assert shown["connectors"][0]["work_order"]["id"] == story.work_order_id


def test_an_imported_certificate_is_pushed_with_its_key(story: Story) -> None:
    """A certificate of another CA, imported with its private key."""
    certificate, key, fingerprint = certificate_with_key(story.host)
    body = {"certificate_pem": certificate, "private_key_pem": key}
    imported = story.as_("operator").post("/certificates", body, status=201)
    assert imported["fingerprint_sha256"] == fingerprint
    assert key not in str(imported)
    story.certificate_id = imported["id"]
    story.with_a_web_server().connected().pushed().approved().implemented().ended("completed")
    story.demo.until(lambda: story.served == fingerprint, "nginx to serve it")


def test_at_a_set_time(story: Story) -> None:
    """Manual Implementation off: Push-Scheduled, and at its time the push starts by itself."""
    story.ready_to_push().pushed().approved()
    at = story.planned(seconds=2)
    order = story.work_order
    assert (order["status"], order["status_label"]) == ("scheduled", "Push-Scheduled")
    story.ended("completed")
    started = [e for e in story.events("work_order.push.*", story.work_order_id) if e["type"].endswith("implemented")]
    assert started[0]["data"]["scheduled"] is True
    assert started[0]["recorded_at"][:19] >= at.isoformat()[:19]
    assert story.connector["deployment_status"] == "deployed"


def test_what_was_deployed_unchanged_may_be_deployed_again_at_any_time(story: Story) -> None:
    """Redeploy: the same certificate on the same connector needs no new approval, and says that it had none."""
    story.ready_to_push().pushed().approved().implemented().ended("completed")
    story.pushed()
    order = story.ended("completed")
    assert order["policy"]["levels"] == 0
    success = story.events("certificate.deployment.success")
    assert success[-1]["data"]["already_in_place"] is True


def test_orders_add_the_wanted_target_systems(story: Story) -> None:
    """An order that names target systems has them as connectors once it is complete."""
    story.with_a_web_server()
    assert story.site is not None
    wanted = {"target_system_id": story.target_id, "endpoints": [story.site.endpoint], "server_name": story.host}
    body = {"mode": "automated", "common_name": story.host, "validity_days": 30, "connectors": [wanted]}
    order = story.as_("requester").post("/orders", body, status=202)

    def connectors() -> list[dict[str, object]]:
        done = story.as_("auditor").get(f"/orders/{order['id']}")
        found: list[dict[str, object]] = story.as_("auditor").get(f"/certificates/{done['certificate_id']}/connectors")[
            "items"
        ]
        return found

    [connector] = story.demo.until(connectors, "the connector to be added")
    assert connector["endpoints"] == [story.site.endpoint]
    assert connector["deployment_status"] == "not_deployed"
