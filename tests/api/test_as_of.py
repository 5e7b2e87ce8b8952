"""The past over REST: the same bytes for the same position for ever, seen by the clock of then."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from adapters.bootstrap import Core
from application.alerting import raise_alert
from application.codec import decode
from application.house import Context
from application.verifying import Result
from domain.alert import AlertKind
from domain.connector_events import HandshakeEvidence, ValidationState
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.lines import HISTORY
from projections.rebuild import rebuild
from projections.runner import Runner
from tests.api.acme_desk import one_of_each
from tests.api.desk import SYSTEM, Desk, in_one_task, open_desk
from tests.api.test_refusals import refused
from tests.api.test_security import handlers
from tests.api.walking import API, APPROVALS, CHANNEL, POLICY, PROVIDER, REPORTS_BY_MAIL, Story, issued
from tests.support.postgres import Pg

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
FORMS = {
    "certificates/{certificate_id}/topology": (JSON, "image/svg+xml"),
    "certificates/{certificate_id}/download": ("*/*",),
    "orders/{order_id}/certificate": ("*/*",),
    "reports/push-validation": (JSON, CSV, "text/html"),
    "certificates": (JSON, NDJSON, CSV),
    "audit-events": (JSON, NDJSON, CSV),
    "work-orders": (JSON, NDJSON),
    "bridges": (JSON, NDJSON),
}
_PROOFS = ("audit/key", "audit/checkpoint", "audit/tile", "audit/consistency", "audit/verifications", "proof")
SEALED = (*_PROOFS, "audit/export", "evidence")
"""What proves the ledger is its own past: sizes and positions are in its addresses."""
NO_READ_MODEL = {
    "audit/diff",
    "me",
    "orders/{order_id}/csr",
    "target-kinds",
    "verification-runs/{run_id}/results",
    "notification-channels/{notification_channel_id}/deliveries",
    "notification-channels/{notification_channel_id}/deliveries/{delivery_id}",
    "webhooks/{webhook_id}/deliveries",
    "webhooks/{webhook_id}/deliveries/{delivery_id}",
}
REPLACEMENT = {"filter": {"q": "www"}, "reason": "Its CA was told of."}
ADMINS = {"tokens", "webhooks", "legal-holds", "issuance-policies", "expiry-alert-rules", "notification-channels"}
ADMINS |= {"approval-policies", "standing-approvals", "report-schedules"}
Said = tuple[int, str, bytes]


class Walk:
    """A push, step by step. Now and then everything there is to ask is asked as of the position reached."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.story = Story(desk)
        self.ids: dict[str, str] = {"position": "1", "principal_id": str(desk.people["lead"].id)}
        self.seen: dict[int, dict[tuple[str, str], Said]] = {}

    async def begin(self) -> None:
        """One of everything, and a push that was asked for."""
        story, house = await self.story.ready(), self.desk.core.house
        order = {"mode": "automated", "subject_alternative_names": ["a.example.org"]}
        discovery = {"target_system_id": story.target_system_id}
        context = Context(actor=SYSTEM, at=house.clock(), command_id=uuid4())
        alert = (await raise_alert(house, context, AlertKind.PUSH_FAILED, "one", "Look here.")).result.id
        self.ids |= {
            "order_id": (await story.post("requester", "orders", order, 202))["id"],
            "discovery_id": (await story.post("operator", "discoveries", discovery, 202))["id"],
            "run_id": (await story.post("operator", "verification-runs", {}, 202))["id"],
            "token_id": (await story.get("tokens"))["items"][0]["id"],
            "webhook_id": (await story.post("admin", "webhooks", {"url": "http://127.0.0.1:9/"}, 201))["id"],
            "alert_id": str(alert),
            "provider_id": (await story.post("operator", "providers", PROVIDER, 201))["id"],
            "issuance_policy_id": (await story.post("admin", "issuance-policies", POLICY, 201))["id"],
            "approval_policy_id": (await story.post("admin", "approval-policies", APPROVALS, 201))["id"],
            "standing_approval_id": (await story.post("admin", "standing-approvals", story.standing(), 201))["id"],
            "expiry_alert_rule_id": (await story.post("admin", "expiry-alert-rules", {"name": "All"}, 201))["id"],
            "notification_channel_id": (await story.post("admin", "notification-channels", CHANNEL, 201))["id"],
            "report_schedule_id": (await story.post("auditor", "report-schedules", await self.by_mail(), 201))["id"],
            "legal_hold_id": (await story.post("admin", "legal-holds", {"reason": "case 4711"}, 201))["id"],
            "replacement_id": (await story.post("requester", "replacements", REPLACEMENT, 202))["id"],
        }
        grants = f"principals/{self.desk.people['operator'].id}/grants"
        self.ids["grant_id"] = (await story.post("admin", grants, {"role": "implementer"}, 202))["grants"][0]["id"]
        send = f"report-schedules/{self.ids['report_schedule_id']}/send"
        self.ids["report_delivery_id"] = (await story.post("auditor", send, status=202))["id"]
        self.ids |= await one_of_each(self.desk)
        await story.pushed()
        parts = ("certificate_id", "connector_id", "target_system_id", "request_id", "work_order_id")
        self.ids |= {name: getattr(story, name) for name in parts} | {"bridge_id": str(story.agent.id)}

    async def by_mail(self) -> Mapping[str, object]:
        """A report schedule."""
        channel = CHANNEL | {"name": "For reports"}
        made = await self.story.post("admin", "notification-channels", channel, 201)
        return REPORTS_BY_MAIL | {"mail_channel_id": made["id"]}

    async def go_on(self) -> None:
        """Until it is deployed."""
        story = await (await self.story.approved()).implemented()
        await self.look()
        await story.agent.succeed(await story.agent.lease())

    async def end(self) -> None:
        """Everything is changed or taken away."""
        await self.story.post("operator", f"alerts/{self.ids['alert_id']}/resolve", {})
        await self.change("PATCH", "certificates", "certificate_id", {"owner": "somebody else", "tags": ["late"]})
        await self.change("DELETE", "connectors", "connector_id")
        await self.change("PATCH", "target-systems", "target_system_id", {"name": "renamed"})
        await self.change("DELETE", "target-systems", "target_system_id")
        await self.change("DELETE", "bridges", "bridge_id")
        await self.change("DELETE", "tokens", "token_id")
        await self.change("DELETE", "webhooks", "webhook_id")
        await self.change("DELETE", "legal-holds", "legal_hold_id")
        await self.change("PATCH", "issuance-policies", "issuance_policy_id", {"name": "Stricter"})
        await self.change("DELETE", "issuance-policies", "issuance_policy_id")
        await self.change("PATCH", "approval-policies", "approval_policy_id", {"levels": 4})
        await self.change("DELETE", "approval-policies", "approval_policy_id")
        await self.change("DELETE", "standing-approvals", "standing_approval_id")
        await self.change("PATCH", "expiry-alert-rules", "expiry_alert_rule_id", {"thresholds": [7]})
        await self.change("DELETE", "expiry-alert-rules", "expiry_alert_rule_id")
        await self.change("DELETE", "acme-eab-keys", "eab_key_id")
        await self.change("DELETE", "acme-accounts", "account_id")
        await self.change("PATCH", "notification-channels", "notification_channel_id", {"enabled": False})
        await self.change("DELETE", "notification-channels", "notification_channel_id")
        await self.change("PATCH", "report-schedules", "report_schedule_id", {"filter": {}})
        await self.change("DELETE", "report-schedules", "report_schedule_id")
        await self.change("PATCH", "providers", "provider_id", {"name": "Our CA"})
        await self.change("DELETE", "providers", "provider_id")
        await self.story.post("admin", f"principals/{self.ids['principal_id']}/grants", {"role": "auditor"})
        grant = f"principals/{self.desk.people['operator'].id}/grants/{self.ids['grant_id']}"
        await self.story.post("approver", f"{grant}/approve")

    async def change(self, method: str, what: str, name: str, body: Any = None) -> None:
        client, path = (
            self.desk.as_("admin" if what in ADMINS else "operator"),
            f"{API}/{what}/{self.ids[name]}",
        )
        version = (await self.desk.as_("auditor").get(path)).headers["ETag"]
        answer = await client.request(method, path, json=body, headers={"If-Match": version})
        assert answer.status_code in {200, 204}, answer.text

    async def look(self) -> None:
        """Remember every answer as of now."""
        position = await self.desk.head()
        self.seen[position] = await self.ask(position)

    async def ask(self, position: int) -> dict[tuple[str, str], Said]:
        """Every answer as of a position: of every address that reads."""
        found: dict[tuple[str, str], Said] = {}
        for template in addresses(self.desk):
            who = "operator" if template.endswith(("download", "alerts", "/certificate")) else "auditor"
            for form in FORMS.get(template, (JSON,)):
                path, query = f"{API}/{template}".format(**self.ids), {"as_of_position": position}
                answer = await self.desk.as_(who).get(path, params=query, headers={"Accept": form})
                found[template, form] = said(answer, position)
        return found


def addresses(desk: Desk) -> list[str]:
    """Everything that answers from read models."""
    paths = {path.removeprefix(f"{API}/") for method, path, _ in handlers(desk) if method == "GET" and API in path}
    return sorted(path for path in paths - NO_READ_MODEL if not any(part in path for part in SEALED))


def said(answer: httpx.Response, position: int) -> Said:
    """What is compared; and what every answer from the past says of itself."""
    assert answer.status_code in {200, 404}, answer.text
    assert answer.headers["As-Of-Position"] == str(position)
    assert "ETag" not in answer.headers
    return answer.status_code, answer.headers["Memento-Datetime"], answer.content


async def test_the_same_bytes_for_ever(working_desk: Desk) -> None:
    """As of a position every address answers what it did, whatever has happened since, and after all was rebuilt."""
    desk, dsn = working_desk, working_desk.core.settings.dsn
    walk = Walk(desk)
    await walk.begin()
    await walk.look()
    await walk.go_on()
    await walk.look()
    await walk.end()
    await rebuild(dsn, ALL_PROJECTIONS, decode)
    await rebuild(dsn, HISTORIES, decode, line=HISTORY)
    for position, answers in walk.seen.items():
        again = await walk.ask(position)
        assert answers.keys() == again.keys()
        for asked, before in answers.items():
            assert before == again[asked], (position, asked)
    there = {asked for answers in walk.seen.values() for asked, (status, *_) in answers.items() if status == 200}
    assert {template for template, _ in there} == set(addresses(desk))


async def test_an_instant_is_the_last_position_by_then(desk: Desk) -> None:
    """The answer names the position it is of; asked with that, it is the same. The next page keeps the moment."""
    story = await (await Story(desk).ready()).pushed()
    between = datetime.now(UTC)
    position = await desk.head()
    await story.approved()
    client = desk.as_("auditor")
    for path in (f"work-orders/{story.work_order_id}", "work-orders", "audit-events?limit=2"):
        url = f"{API}/{path}{'&' if '?' in path else '?'}"
        by_instant = await client.get(f"{url}as_of={between.isoformat().replace('+00:00', 'Z')}")
        assert by_instant.headers["As-Of-Position"] == str(position)
        moment = parsedate_to_datetime(by_instant.headers["Memento-Datetime"])
        assert moment == between.replace(microsecond=0)
        assert by_instant.content == (await client.get(f"{url}as_of_position={position}")).content
    link = by_instant.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    assert (await client.get(link)).headers["As-Of-Position"] == str(position)
    assert (await story.work_order())["status"] == "review_in_progress"
    assert (await story.get(f"work-orders/{story.work_order_id}", as_of_position=position))["approvals"] == []


async def test_before_it_was_made_a_thing_was_not_there(desk: Desk) -> None:
    """404 and empty lists, and the moment is named all the same."""
    before = await desk.head()
    story = await Story(desk).imported()
    answer = await desk.as_("auditor").get(f"{API}/certificates/{story.certificate_id}?as_of_position={before}")
    refused(answer, 404, "not-found")
    assert answer.headers["As-Of-Position"] == str(before)
    assert (await story.get("certificates", as_of_position=before))["items"] == []
    assert (await story.get("certificates", as_of_position=0))["items"] == []
    assert (await story.get("certificates", as_of="2001-01-01T00:00:00Z"))["items"] == []


async def test_colours_days_and_statuses_follow_the_clock_of_then(pg: Pg, desk: Desk) -> None:
    """A certificate that expires in 20 days was green, then blue: by `as_of`, or by when the position was recorded."""
    story = Story(desk)
    story.issued = issued(days=20)
    await story.imported()
    position, path, now = await desk.head(), f"certificates/{story.certificate_id}", datetime.now(UTC)
    _record_earlier(pg, position, days=400)

    async def at(**moment: Any) -> tuple[str, str, int]:
        body = await story.get(path, **moment)
        listed = (await story.get("certificates", colour=body["colour"], status=body["status"], **moment))["items"]
        topology = await story.get(f"{path}/topology", **moment)
        assert [body["colour"]] == [item["colour"] for item in listed] == [topology["certificate"]["colour"]]
        return body["status"], body["colour"], body["days_until_expiry"]

    def before(days: int) -> str:
        return (now - timedelta(days=days)).isoformat()

    assert await at(as_of_position=position) == ("not_yet_valid", "green", 419)
    assert await at(as_of=before(100)) == ("not_yet_valid", "green", 119)
    assert await at(as_of=before(60)) == ("not_yet_valid", "blue", 79)
    assert await at() == ("active", "yellow", 19)
    report = await story.get("reports/push-validation", as_of_position=position)
    assert report["to"] < before(399)


def _record_earlier(pg: Pg, until: int, *, days: int) -> None:
    """As if everything so far had been recorded so many days ago (only a superuser can do that)."""
    with psycopg.connect(pg.superuser_dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE ledger.events SET recorded_at = recorded_at - %s WHERE notification_id <= %s",
            [timedelta(days=days), until],
        )


async def test_nothing_can_be_done_in_the_past(desk: Desk) -> None:
    """No actions, no version to decide on, and nothing that is no history."""
    story = await (await Story(desk).ready()).pushed()
    position = await desk.head()
    places: dict[str, list[Any]] = {
        f"certificates/{story.certificate_id}": [],
        f"work-orders/{story.work_order_id}": [],
        f"connectors/{story.connector_id}": ["work_order"],
        f"push-requests/{story.request_id}": ["work_orders", 0],
        "work-orders": ["items", 0],
        f"certificates/{story.certificate_id}/topology": ["connectors", 0, "work_order"],
    }
    for path, place in places.items():
        now, then = [await story.get(path, "lead", **moment) for moment in ({}, {"as_of_position": position})]
        for step in place:
            now, then = now[step], then[step]
        assert (True, []) == (bool(now["available_actions"]), then["available_actions"]), path
    bridge, house = f"bridges/{story.agent.id}", desk.core.house
    await desk.app.state.last_seen.refresh(house.presence, house.clock)
    assert (await story.get(bridge))["last_seen_at"] is not None
    assert (await story.get(bridge, as_of_position=position))["last_seen_at"] is None
    assert (await story.get("bridges", as_of_position=position))["items"][0]["last_seen_at"] is None


async def test_how_far_a_run_is_is_no_history(desk: Desk) -> None:
    """While a run goes on, it and its page tell how many results there are; with a moment they do not."""
    story = await Story(desk).ready()
    run = (await story.post("operator", "verification-runs", {}, 202))["id"]
    one = Result(
        connector_id=UUID(int=1),
        endpoint="10.0.0.1:443",
        server_name=None,
        state=ValidationState.MATCHED,
        expected_fingerprint_sha256="ab" * 32,
        evidence=HandshakeEvidence(vantage="control-plane"),
        checked_at=desk.core.house.clock(),
    )
    for expected in (0, 2):
        await desk.core.results.keep(UUID(run), [one] * expected)
        shown = await story.get(f"verification-runs/{run}")
        assert ("running", expected) == (shown["status"], shown["looked_at"])
        assert expected == (await story.get("verification-runs"))["items"][0]["looked_at"]
        page = (await desk.as_("auditor").get("/verification")).text
        assert f"under way: {expected} looked at" in page
    then = await story.get(f"verification-runs/{run}", as_of_position=await desk.past())
    assert ("running", None) == (then["status"], then["looked_at"])


async def test_what_waited_for_somebody_then(desk: Desk) -> None:
    """`waiting_for=me` is answered with the roles that the person held then, not with those of now."""
    story = await (await Story(desk).ready()).pushed()
    position, lead = await desk.head(), desk.people["lead"]
    version = (await desk.as_("auditor").get(f"{API}/principals/{lead.id}")).headers["ETag"]
    taken = await desk.as_("admin").delete(f"{API}/principals/{lead.id}/grants/approver", headers={"If-Match": version})
    assert taken.status_code == 200

    async def waiting(**moment: Any) -> list[str]:
        return [item["id"] for item in (await story.get("work-orders", "lead", waiting_for="me", **moment))["items"]]

    assert await waiting() == []
    assert await waiting(as_of_position=position) == [story.work_order_id]
    assert await waiting(as_of_position=1) == []


async def test_reading_the_past_happens_now(desk: Desk) -> None:
    """Whoever looks at a certificate as it was looks at it today: the event says so."""
    story = await Story(desk).imported()
    began = datetime.now(UTC)
    await story.get(f"certificates/{story.certificate_id}", as_of_position=await desk.past())
    await desk.app.state.read_recorder.finish()
    await desk.settled()
    [event] = (await story.get("audit-events", type="certificate.view.accessed"))["items"]
    assert datetime.fromisoformat(event["data"]["meta"]["at"]) >= began


@pytest.mark.parametrize(
    ("moment", "parameter"),
    [
        ({"as_of": "2126-01-01T00:00:00Z"}, "as_of"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"as_of": "2026-01-01T00:00:00"}, "as_of"),
        ({"as_of_position": 1_000_000}, "as_of_position"),
        ({"as_of_position": 1, "as_of": "2026-01-01T00:00:00Z"}, "as_of_position"),
    ],
)
async def test_a_moment_that_is_none(desk: Desk, moment: dict[str, Any], parameter: str) -> None:
    """Still to come, unreadable, beyond the end, or two at once: 422 says which parameter and why."""
    problem = refused(await desk.as_("auditor").get(f"{API}/certificates", params=moment), 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == [parameter]


async def test_what_answers_about_the_present_alone(desk: Desk) -> None:
    """Streams, and what is kept for a time beside the ledger, refuse a moment and say so."""
    story = await Story(desk).ready()
    run = (await story.post("operator", "verification-runs", {}, 202))["id"]
    position = await desk.head()
    for path, accept in (
        (f"verification-runs/{run}/results", "application/json"),
        ("audit-events", "text/event-stream"),
        ("audit/checkpoint", "text/plain"),
        ("audit-events/1/proof", "text/plain"),
        ("audit/export?from_position=1&to_position=2", "application/zip"),
    ):
        asked = f"{API}/{path}{'&' if '?' in path else '?'}as_of_position={position}"
        answer = await desk.as_("auditor").get(asked, headers={"Accept": accept})
        assert "as_of" in refused(answer, 422, "validation-failed")["detail"]


async def test_a_history_that_is_behind_is_waited_for(pg: Pg, tmp_path: Path) -> None:
    """Then 503 with Retry-After; the present answers meanwhile."""

    async def only_the_present(core: Core) -> None:
        await Runner(core.settings.dsn, decode, ALL_PROJECTIONS).run()

    async with in_one_task(open_desk(pg, tmp_path, work=only_the_present, read_wait=0.3)) as desk:
        answer = await desk.as_("auditor").get(f"{API}/certificates?as_of_position=1")
        refused(answer, 503, "unavailable")
        assert answer.headers["Retry-After"]
        assert (await desk.as_("auditor").get(f"{API}/certificates")).status_code == 200
