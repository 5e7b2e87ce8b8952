"""Certificate Orders through ACME: the service shows the CA what it looks for; failed orders raise alerts."""

from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.support.demo import Demo, Json
from tests.support.pebble import Pebble, running_pebble


@pytest.fixture(scope="module")
def ca(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """A CA for which every name leads to the demo's service."""
    port = urlsplit(demo.ready["base_url"]).port
    with running_pebble(tmp_path_factory.mktemp("pebble"), http_port=port, nonce_reject=15) as found:
        yield found


@pytest.fixture(scope="module")
def provider(demo: Demo, ca: Pebble) -> Json:
    """The CA, registered."""
    settings = {
        "directory_url": ca.directory_url,
        "ca_certificates_pem": ca.trusted_pem,
        "terms_of_service_agreed": True,
    }
    body = {"provider": "acme", "name": "Pebble", "settings": settings}
    found: Json = demo.person("operator").post("/providers", body, status=201)
    return found


def _order(demo: Demo, provider: Json, name: str) -> str:
    body = {"mode": "automated", "provider": "acme", "provider_id": provider["id"], "common_name": name}
    order = demo.person("requester").post("/orders", body, status=202)
    assert ("pending", "acme", "ACME") == (order["status"], order["order_type"], order["order_type_label"])
    return str(order["id"])


def _is(demo: Demo, order_id: str, status: str) -> Json | None:
    found: Json = demo.person("auditor").get(f"/orders/{order_id}")
    return found if found["status"] == status else None


def _alerts(demo: Demo, order_id: str) -> list[Json]:
    items: list[Json] = demo.person("auditor").get("/alerts", limit=200)["items"]
    return [alert for alert in items if alert["subject_id"] == order_id]


def test_an_order_completes_also_when_the_worker_is_killed(demo: Demo, ca: Pebble, provider: Json) -> None:
    """The service itself shows the challenge; the certificate is in the inventory, once, with the provider's name."""
    before = len(ca.issued())
    orders = [_order(demo, provider, f"shop{number}.example.org") for number in range(3)]
    demo.kill("worker")
    for number, order_id in enumerate(orders):
        order = demo.until(partial(_is, demo, order_id, "complete"), "the order to be complete")
        certificate = demo.person("auditor").get(f"/certificates/{order['certificate_id']}")
        assert [f"shop{number}.example.org"] == certificate["subject_alternative_names"]
        expected = ("acme", "managed", True)
        assert expected == (certificate["provider"], certificate["source"], certificate["has_private_key"])
        assert order["duration_seconds"] > 0
        assert order["elapsed_seconds"] is None
    assert 3 == len(ca.issued()) - before


def test_a_failed_order_keeps_the_cas_words_and_can_be_resubmitted(demo: Demo, ca: Pebble, provider: Json) -> None:
    """A name that cannot be resolved: error, parameters and alert; mended, the same order completes."""
    name = "lost.example.org"
    ca.names("set-servfail", host=name)
    order_id = _order(demo, provider, name)
    order = demo.until(partial(_is, demo, order_id, "failed"), "the order to fail")
    assert f"The CA did not issue: {name}: " in order["error"]
    assert name == order["parameters"]["common_name"]
    [alert] = demo.until(partial(_alerts, demo, order_id), "the alert")
    assert order["error"] in alert["message"]
    ca.names("clear-servfail", host=name)
    demo.person("requester").post(f"/orders/{order_id}/resubmit", status=202)
    demo.until(partial(_is, demo, order_id, "complete"), "the order to be complete")
    assert demo.until(lambda: _alerts(demo, order_id)[0]["status"] == "resolved", "the alert to be resolved")


def test_a_revocation_reaches_the_ca(demo: Demo, ca: Pebble, provider: Json) -> None:
    """Revoked here at once; the CA is told by the worker, and what it said stands on the certificate."""
    order_id = _order(demo, provider, "gone.example.org")
    order = demo.until(partial(_is, demo, order_id, "complete"), "the order to be complete")
    path = f"/certificates/{order['certificate_id']}"
    shown = demo.person("operator").post(f"{path}/revocation-requests", status=201)
    body = {
        "revocation_request_id": shown["id"],
        "confirmation_code": shown["confirmation_code"],
        "reason": "keyCompromise",
    }
    assert "revoked" == demo.person("operator").post(f"{path}/revoke", body)["status"]

    def told() -> Json | None:
        found: Json = demo.person("auditor").get(path)
        notice: Json | None = found["revocation_notice"]
        return notice if notice is not None and notice["state"] == "informed" else None

    demo.until(told, "the CA to be told")
    serial = demo.person("auditor").get(path)["serial_number"]
    assert ("Revoked", 1) == tuple(ca.status(serial)[name] for name in ("Status", "Reason"))
