"""What people do with one certificate and one web server, step by step, over REST."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from tests.support.demo import Demo, Json, Person, Site, served


def attempted(request: pytest.FixtureRequest) -> str:
    """The name of the test; another one for a second attempt (docs/adr/0018): names of target systems stay taken."""
    attempt = getattr(request.node, "execution_count", 1)
    return request.node.name if attempt == 1 else f"{request.node.name}-{attempt}"


class Story:
    """Steps in the manual's words; each returns the story, so that they read as one sentence."""

    def __init__(self, demo: Demo, test: str) -> None:
        self.demo = demo
        self.name = (
            f"{re.sub('[^a-z0-9]+', '-', test.lower()).strip('-')[:30]}-{hashlib.sha256(test.encode()).hexdigest()[:6]}"
        )
        self.site: Site | None = None
        self.certificate_id = ""
        self.target_id = ""
        self.connector_id = ""
        self.request_id = ""
        self.work_order_id = ""

    def as_(self, name: str) -> Person:
        """One of the people."""
        return self.demo.person(name)

    @property
    def host(self) -> str:
        """The name that the site is asked for."""
        return f"{self.name}.example.com"

    # ------------------------------------------------------------------ what is there before

    def ordered(self, days: int = 200) -> Self:
        """A certificate from Local PKI, its key made by the service."""
        order = self.as_("requester").post(
            "/orders", {"mode": "automated", "common_name": self.host, "validity_days": days}, status=202
        )
        assert order["status"] in ("pending", "processing", "complete")
        done = self.demo.until(
            lambda: self._ended(f"/orders/{order['id']}", "complete", "failed"), "the order to be processed"
        )
        assert done["status"] == "complete", done
        self.certificate_id = done["certificate_id"]
        return self

    def with_a_web_server(self, **settings: Any) -> Self:
        """A virtual host of the demo's nginx, registered as a target system behind the demo's bridge."""
        self.site = self.demo.new_site(self.name)
        return self.registered({"transport": "local", "root": str(self.site.root), "reload_profile": "web", **settings})

    def registered(self, settings: Json) -> Self:
        """A target system with these settings."""
        body = {"name": self.name, "kind": "nginx", "bridge_id": self.demo.ready["bridge_id"], "settings": settings}
        self.target_id = self.as_("operator").post("/target-systems", body, status=201)["id"]
        return self

    def connected(self) -> Self:
        """The certificate is associated with the target system; its IP:port is what will be verified."""
        assert self.site is not None
        body = {"target_system_id": self.target_id, "endpoints": [self.site.endpoint], "server_name": self.host}
        path = f"/certificates/{self.certificate_id}/connectors"
        connector = self.as_("operator").post(path, body, status=201)
        assert connector["deployment_status"] == "not_deployed"
        self.connector_id = connector["id"]
        return self

    def ready_to_push(self) -> Self:
        """Certificate, web server, connector."""
        return self.ordered().with_a_web_server().connected()

    # ------------------------------------------------------------------ the push

    def pushed(self, who: str = "requester") -> Self:
        """Push to Device: a request id, a work order id, and nothing is installed yet."""
        pushed = self.as_(who).post(f"/certificates/{self.certificate_id}/push", {"comment": "please"}, status=202)
        assert pushed["refused"] == []
        self.request_id = pushed["request_id"]
        self.work_order_id = pushed["work_orders"][0]["id"]
        return self

    def approved(self, who: str = "approver") -> Self:
        """Approve, with Manual Implementation on."""
        self.as_(who).post(f"/work-orders/{self.work_order_id}/approve", {"manual_implementation": True}, status=200)
        return self

    def implemented(self, who: str = "implementer") -> Self:
        """Implement, with Manual Implementation on: now."""
        path = f"/work-orders/{self.work_order_id}/implement"
        self.as_(who).post(path, {"manual_implementation": True}, status=200)
        return self

    def planned(self, seconds: float) -> datetime:
        """Implement, with Manual Implementation off: at a set time."""
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        body = {"manual_implementation": False, "scheduled_at": at.isoformat()}
        self.as_("implementer").post(f"/work-orders/{self.work_order_id}/implement", body, status=200)
        return at

    def retried(self) -> Self:
        """Retry a failed push."""
        self.as_("implementer").post(f"/work-orders/{self.work_order_id}/retry", {"comment": "mended"}, status=200)
        return self

    def ended(self, status: str) -> Json:
        """Wait until the work order has ended; it must have ended so."""
        found: Json = self.demo.until(
            lambda: self._ended(f"/work-orders/{self.work_order_id}", "completed", "failed", "superseded"),
            "the push to end",
        )
        assert found["status"] == status, found
        return found

    # ------------------------------------------------------------------ what can be seen

    @property
    def work_order(self) -> Json:
        found: Json = self.as_("auditor").get(f"/work-orders/{self.work_order_id}")
        return found

    @property
    def connector(self) -> Json:
        found: Json = self.as_("auditor").get(f"/connectors/{self.connector_id}")
        return found

    @property
    def fingerprint(self) -> str:
        return str(self.as_("auditor").get(f"/certificates/{self.certificate_id}")["fingerprint_sha256"])

    @property
    def served(self) -> str:
        """What `openssl s_client` is shown, as a fingerprint."""
        assert self.site is not None
        return served(self.site.endpoint, self.host)

    def events(self, topics: str = "*", subject: str = "") -> list[Json]:
        """What the audit log tells of the connector (or of another subject)."""
        query = {"type": topics, "subject": subject or self.connector_id, "limit": 200}
        found: list[Json] = self.as_("auditor").get("/audit-events", **query)["items"]
        return found

    def topology(self) -> Json:
        found: Json = self.as_("auditor").get(f"/certificates/{self.certificate_id}/topology")
        return found

    def _ended(self, path: str, *ends: str) -> Json | None:
        found: Json = self.as_("auditor").get(path)
        return found if found["status"] in ends else None
