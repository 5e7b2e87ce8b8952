"""Certificate Orders through an External CA that is on line: a real cfssl."""

from pathlib import Path

from tests.support.cfssl import running_cfssl
from tests.support.demo import Demo, Json


def test_orders_for_each_usage_complete(demo: Demo, tmp_path: Path) -> None:
    """The worker asks the CA once for each; the certificates are in the inventory with their chain and key."""
    with running_cfssl(tmp_path / "cfssl") as ca:
        settings = {
            "kind": "cfssl",
            "url": ca.url,
            "profiles": {"server": "server", "client": "client"},
            "ca_certificates_pem": ca.trusted_pem,
        }
        body = {"provider": "external_ca", "name": "Company CA", "settings": settings, "secrets": {"auth_key": ca.key}}
        provider = demo.person("operator").post("/providers", body, status=201)
        assert ca.key not in str(demo.person("auditor").get(f"/providers/{provider['id']}"))
        for usage in ("server", "client"):
            wish = {"mode": "automated", "provider": "external_ca", "provider_id": provider["id"], "usage": usage}
            order = demo.person("requester").post("/orders", wish | {"common_name": f"{usage}.example.org"}, status=202)

            def ended(order_id: str = order["id"]) -> Json | None:
                found: Json = demo.person("auditor").get(f"/orders/{order_id}")
                return found if found["status"] in ("complete", "failed") else None

            done = demo.until(ended, "the order to end")
            assert ("complete", "External CA") == (done["status"], done["order_type_label"]), done
            certificate = demo.person("auditor").get(f"/certificates/{done['certificate_id']}")
            assert (usage, "external_ca", True) == tuple(
                certificate[name] for name in ("usage", "provider", "has_private_key")
            )
        assert 2 == len(ca.issued())
