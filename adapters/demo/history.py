"""A short living history, made by people over REST: what the topology, the work orders and the report show at first.

Every step has an Idempotency-Key, so a first start that was interrupted is simply carried on.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from adapters.demo.first_certificates import expired
from adapters.demo.place import Place
from adapters.demo.rest import Json, Rest
from adapters.demo.web_servers import SITES, WebServers

# Common name -> days it is valid: green, blue, yellow, orange.
_OTHERS = {"mail.example.com": 365, "vpn.example.com": 60, "wiki.example.com": 20, "build.example.com": 5}
_TARGETS = {
    "shop": "Web shop",
    "intranet": "Intranet",
    "gateway": "API gateway",
    "news": "News site",
    "legacy": "Legacy proxy",
    "try": "Your turn",
}
_ENDED = ("completed", "failed", "superseded")


class History:
    """The walk of the demo's people."""

    def __init__(self, rest: Rest, place: Place, web_servers: WebServers, bridge_id: str) -> None:
        self._rest = rest
        self._place = place
        self._web_servers = web_servers
        self._bridge_id = bridge_id

    async def make(self) -> None:
        """All of it, from the first target system to the first verified push."""
        targets = {site: await self._target(site) for site in SITES}
        main, *_ = await asyncio.gather(
            self._certificate("www.example.com", 300),
            *(self._certificate(name, days) for name, days in _OTHERS.items()),
            self._import_expired(),
        )
        connectors = {site: await self._connector(main, site, targets[site]) for site in SITES if site != "try"}
        orders = await self._push(main, connectors)
        approved = ("shop", "gateway", "news", "legacy")
        await asyncio.gather(*(self._approve(orders[site]) for site in approved))
        await self._plan(orders["news"])
        # One nginx reads the files of both, and only the shop's reload loads anything: it comes last.
        for site in ("legacy", "shop"):
            await self._implement(orders[site])
            await self._ended(orders[site])

    async def _target(self, site: str) -> str:
        root = str(self._place.sites / site)
        profile = "legacy-proxy" if site == "legacy" else "web"
        body = {
            "name": _TARGETS[site],
            "kind": self._web_servers.kind,
            "bridge_id": self._bridge_id,
            "settings": {"transport": "local", "root": root, "reload_profile": profile},
            "endpoints": [self._web_servers.endpoints[site]],
            "tags": ["demo"],
        }
        return str((await self._rest.post("operator", "/target-systems", body, key=f"target-{site}"))["id"])

    async def _certificate(self, name: str, days: int) -> str:
        names = [name, *SITES.values()] if name.startswith("www.") else [name]
        body = {"mode": "automated", "common_name": name, "subject_alternative_names": names, "validity_days": days}
        order = await self._rest.post("requester", "/orders", body, key=f"order-{name}")
        done = await self._rest.until(
            f"the order of {name}",
            lambda: self._rest.get("requester", f"/orders/{order['id']}"),
            lambda found: found["status"] in ("complete", "failed"),
        )
        return str(done["certificate_id"])

    async def _import_expired(self) -> str:
        kept = self._place.nginx / "old.example.com.pem"
        if not kept.exists():
            kept.write_text(expired("old.example.com"))
        body = {"certificate_pem": kept.read_text(), "tags": ["demo"]}
        return str((await self._rest.post("operator", "/certificates", body, key="import-old"))["id"])

    async def _connector(self, certificate_id: str, site: str, target_id: str) -> str:
        path = f"/certificates/{certificate_id}/connectors"
        body = {"target_system_id": target_id, "server_name": SITES[site]}
        return str((await self._rest.post("operator", path, body, key=f"connector-{site}"))["id"])

    async def _push(self, certificate_id: str, connectors: Mapping[str, str]) -> dict[str, str]:
        """One push request for all connectors; the work order of each site."""
        body = {"connector_ids": list(connectors.values()), "comment": "New certificate for all our sites"}
        pushed = await self._rest.post("requester", f"/certificates/{certificate_id}/push", body, key="push")
        by_connector = {order["connector_id"]: str(order["id"]) for order in pushed["work_orders"]}
        return {site: by_connector[connector] for site, connector in connectors.items()}

    async def _approve(self, order_id: str) -> Json:
        body = {"manual_implementation": True, "comment": "Checked against the change plan"}
        return await self._rest.post("approver", f"/work-orders/{order_id}/approve", body, key=f"approve-{order_id}")

    async def _implement(self, order_id: str) -> Json:
        path, body = f"/work-orders/{order_id}/implement", {"manual_implementation": True}
        return await self._rest.post("implementer", path, body, key=f"implement-{order_id}")

    async def _plan(self, order_id: str) -> Json:
        """In the night after next, at two; once."""
        order = await self._rest.get("requester", f"/work-orders/{order_id}")
        if order["status"] != "review_in_progress":
            return order
        night = (datetime.now(UTC) + timedelta(days=2)).replace(hour=2, minute=0, second=0, microsecond=0)
        body = {"manual_implementation": False, "scheduled_at": night.isoformat(), "comment": "Maintenance window"}
        return await self._rest.post("implementer", f"/work-orders/{order_id}/implement", body)

    async def _ended(self, order_id: str) -> Json:
        return await self._rest.until(
            "the push to end",
            lambda: self._rest.get("requester", f"/work-orders/{order_id}"),
            lambda found: found["status"] in _ENDED,
        )
