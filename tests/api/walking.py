"""Steps of the manuals over REST, so that tests can say how far a story has come."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.protocol import SealedContent, seal_context
from bridge.sealing import open_sealed
from tests.adapters.x509.certificates import cn, key_pem, san
from tests.api.desk import Desk

API = "/api/v1"
SETTINGS = {"transport": "local", "root": "/srv/certferry", "reload_profile": "nginx"}
ENDPOINT = "127.0.0.1:8443"
PROVIDER = {
    "provider": "acme",
    "name": "Corporate CA",
    "settings": {"directory_url": "https://acme.example.org/directory"},
}
SSH = {
    "transport": "ssh",
    "root": "/srv/x",
    "reload_profile": "nginx",
    "host": "web-1.example.org",
    "username": "certferry",
    "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ",
}
"""Settings of a target system that is reached by SSH."""

POLICY = {"name": "Web servers", "rules": [{"name": "short-lived", "severity": "soft", "maximum_validity_days": 398}]}
APPROVALS = {"name": "Production", "levels": 3, "certificate_tags": ["production"]}
REPORTS_BY_MAIL = {
    "name": "Pushes of the day",
    "report": "push-validation",
    "filter": {"outcome": ["failed"]},
    "window": "last_day",
    "timing": {"frequency": "daily", "at": "06:30", "time_zone": "Europe/Berlin"},
    "formats": ["csv"],
}
"""A report schedule, but for its recipients."""
CHANNEL = {
    "kind": "mail",
    "name": "On call",
    "settings": {
        "host": "127.0.0.1",
        "port": 9,
        "security": "none",
        "from_address": "c@example.org",
        "to": ["o@example.org"],
    },
}
Json = dict[str, Any]


class Issued(msgspec.Struct, frozen=True):
    """A certificate with its key, as an operator has them."""

    certificate_pem: str
    private_key_pem: str
    fingerprint: str


def issued(common_name: str = "www.example.org", days: int = 200) -> Issued:
    """A fresh self-signed server certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(cn(common_name))
        .issuer_name(cn(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(san(common_name), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return Issued(pem, key_pem(key), certificate.fingerprint(hashes.SHA256()).hex())


class Agent:
    """A bridge by its protocol: enrolled with keys of its own, speaking through the bridge listener's application."""

    def __init__(self, desk: Desk, name: str = "dmz-1") -> None:
        self.desk = desk
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.hpke = X25519PrivateKey.generate()
        self.id = UUID(int=0)
        self.client = desk.bridge_client(None)

    def enrolment(self, token: str) -> Json:
        """The body of an enrolment."""
        csr = x509.CertificateSigningRequestBuilder().subject_name(cn("ignored")).sign(self.key, hashes.SHA256())
        hpke = self.hpke.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {
            "token": token,
            "csr_pem": csr.public_bytes(Encoding.PEM).decode(),
            "hpke_public_key": base64.b64encode(hpke).decode(),
            "version": "1.0",
            "kinds": ["nginx", "files"],
        }

    async def enrol(self) -> "Agent":
        """Get in with a one-time token, be approved, then say that one is alive."""
        made = await self.desk.as_("operator").post(f"{API}/bridges", json={"name": self.name})
        assert made.status_code == 201, made.text
        answer = await self.call("enrol", self.enrolment(made.json()["enrolment_token"]))
        assert answer.status_code == 200, answer.text
        self.id = UUID(answer.json()["bridge_id"])
        self.become(answer.json()["certificate_pem"])
        await self.approved()
        await self.heartbeat()
        await self.desk.settled()
        return self

    async def approved(self) -> Json:
        """A second person lets it in."""
        answer = await self.desk.as_("approver").post(f"{API}/bridges/{self.id}/approve")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def become(self, certificate_pem: str) -> None:
        """Speak with this client certificate from now on."""
        der = x509.load_pem_x509_certificate(certificate_pem.encode()).public_bytes(Encoding.DER)
        self.client = self.desk.bridge_client(der)

    async def call(self, name: str, body: Any) -> httpx.Response:
        return await self.client.post(f"/bridge/v1/{name}", json=body)

    async def heartbeat(self) -> Json:
        answer = await self.call("heartbeat", {"version": "1.0"})
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def lease(self, wait_seconds: float = 30, kind: str = "deployment") -> Json:
        """The next assignment of a kind; others are answered on the way."""
        while True:
            answer = await self.call("lease", {"capacity": 1, "wait_seconds": wait_seconds})
            assert answer.status_code == 200, answer.text
            for assignment in answer.json()["assignments"]:
                if assignment["kind"] == kind:
                    found: Json = assignment
                    return found
                await self.discovered(assignment)

    def unsealed(self, assignment: Json) -> SealedContent:
        """What was sealed to this bridge."""
        chain = assignment["certificate"]["fullchain_pem"] if assignment.get("certificate") else None
        context = seal_context(self.id, UUID(assignment["assignment_id"]), assignment["fence"], chain)
        return open_sealed(assignment["sealed"], self.hpke, context)

    async def succeed(self, assignment: Json, **different: Any) -> Json:
        """Report that it was written."""
        body = {
            "assignment_id": assignment["assignment_id"],
            "fence": assignment["fence"],
            "outcome": "success",
            "message": "installed and reloaded",
            "written": True,
            "read_back_fingerprint_sha256": assignment["certificate"]["fingerprint_sha256"],
        } | different
        answer = await self.call("result", body)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def discovered(self, assignment: Json, *found: Json) -> Json:
        """Answer a discovery."""
        body = {
            "assignment_id": assignment["assignment_id"],
            "fence": assignment["fence"],
            "healthy": True,
            "message": "read",
            "found": found,
        }
        answer = await self.call("discovery", body)
        assert answer.status_code == 200, answer.text
        said: Json = answer.json()
        return said


class Story:
    """One certificate on one target system behind one bridge, and what has become of it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.issued = issued()
        self.agent = Agent(desk)
        self.certificate_id = ""
        self.target_system_id = ""
        self.connector_id = ""
        self.work_order_id = ""
        self.request_id = ""

    async def post(self, who: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Json:
        """A command that goes as expected."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.desk.as_(who).post(f"{API}/{path}", json=body, headers=sent)
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    async def get(self, path: str, who: str = "auditor", **query: Any) -> Json:
        """A question that is answered."""
        answer = await self.desk.as_(who).get(f"{API}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def imported(self) -> "Story":
        body = {"certificate_pem": self.issued.certificate_pem, "private_key_pem": self.issued.private_key_pem}
        self.certificate_id = (await self.post("operator", "certificates", body, 201))["id"]
        return self

    async def with_target(self, **different: Any) -> "Story":
        await self.agent.enrol()
        body = {"name": "web-1", "kind": "nginx", "bridge_id": str(self.agent.id), "settings": SETTINGS} | different
        self.target_system_id = (await self.post("operator", "target-systems", body, 201))["id"]
        return self

    async def with_connector(self, *endpoints: str) -> "Story":
        body = {"target_system_id": self.target_system_id, "endpoints": endpoints}
        made = await self.post("operator", f"certificates/{self.certificate_id}/connectors", body, 201)
        self.connector_id = made["id"]
        return self

    async def ready(self, *endpoints: str) -> "Story":
        """A connector that can be pushed to."""
        return await (await (await self.imported()).with_target()).with_connector(*(endpoints or (ENDPOINT,)))

    async def pushed(self, who: str = "requester") -> "Story":
        made = await self.post(who, f"certificates/{self.certificate_id}/push", {"comment": "renewal"}, 202)
        self.request_id, self.work_order_id = made["request_id"], made["work_orders"][0]["id"]
        return self

    async def approved(self, who: str = "approver") -> "Story":
        await self.post(who, f"work-orders/{self.work_order_id}/approve", {"comment": "looks right"})
        return self

    async def implemented(self, who: str = "implementer") -> "Story":
        await self.post(who, f"work-orders/{self.work_order_id}/implement", {})
        return self

    async def implementing(self) -> "Story":
        """Pushed, approved, implemented: the bridge's turn."""
        return await (await (await self.pushed()).approved()).implemented()

    def standing(self, **different: Any) -> Json:
        """A standing approval to propose: renewals of this certificate on this target system, for a month."""
        return {
            "name": "Web shop, every renewal",
            "names": ["example.org"],
            "issuers": ["Certferry Local PKI"],
            "key_algorithms": ["ec-256", "rsa-2048"],
            "target_system_ids": [self.target_system_id],
            "expires_at": f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
        } | different

    async def work_order(self) -> Json:
        return await self.get(f"work-orders/{self.work_order_id}")

    async def connector(self) -> Json:
        return await self.get(f"connectors/{self.connector_id}")
