"""Exactly one read statement per get or list: counted at the driver, for every address that reads."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.bootstrap import Core
from api.cli.working import work
from tests.adapters.sealing.ledgers import as_sealer, only, seal
from tests.api.acme_desk import one_of_each
from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.api.test_security import handlers
from tests.api.walking import API, APPROVALS, CHANNEL, POLICY, PROVIDER, REPORTS_BY_MAIL, Story
from tests.support.postgres import Pg

_counted: ContextVar[list[str] | None] = ContextVar("counted", default=None)
REPORTS = f"{API}/reports/"
"""Over history, from several kinds of records up to one position: more than one statement each, but not many."""
NO_STATEMENT = {"/me", "/target-kinds"}
# Which tiles and leaves are asked for follows from the latest checkpoint; which certificate, from the order.
TWO_STATEMENTS = {
    "/audit-events/{position}/proof",
    "/audit/consistency",
    "/audit/tile/{level}/{name}",
    "/audit/tile/entries/{name}",
    "/orders/{order_id}/certificate",
}
QUERIES = {"/audit/consistency": {"from": "1"}}


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Counts the statements of what runs inside of it, in whatever task it ends up; others are not counted."""
    for kind in (psycopg.AsyncCursor, psycopg.AsyncServerCursor):
        execute = kind.execute

        def counted(self: Any, query: Any, *rest: Any, execute: Any = execute, **options: Any) -> Any:
            found = _counted.get()
            if found is not None and (text := str(query, "utf-8") if isinstance(query, bytes) else str(query)).strip():
                found.append(text)
            return execute(self, query, *rest, **options)

        monkeypatch.setattr(kind, "execute", counted)

    @contextmanager
    def count() -> Iterator[list[str]]:
        token = _counted.set([])
        try:
            found = _counted.get()
            assert found is not None
            yield found
        finally:
            _counted.reset(token)

    return count


FROM_THE_LEDGER = {
    "/audit/diff",
    "/audit/export",
    "/work-orders/{work_order_id}/evidence",
    "/orders/{order_id}/csr",
    "/orders/{order_id}/certificate",
}
"""Worked out of the ledger's own events, as many as there are in between."""


async def proposed(story: Story) -> str:
    """A role that waits."""
    grants = f"principals/{story.desk.people['operator'].id}/grants"
    made = await story.post("admin", grants, {"role": "implementer"}, 202)
    return str(made["grants"][0]["id"])


class Shift:
    """The whole worker until the shift ends; from then on the read models alone."""

    def __init__(self) -> None:
        self._over, self._left = asyncio.Event(), asyncio.Event()

    async def work(self, core: Core) -> None:
        """What the service's worker does."""
        working = asyncio.create_task(work(core))
        try:
            await self._over.wait()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        self._left.set()
        await only_read_models(core)

    async def end(self) -> None:
        """Return when no automation loads anything any more, which would share statements with what is counted."""
        self._over.set()
        await self._left.wait()


@pytest.fixture
def shift() -> Shift:
    """When the worker of `shift_desk` leaves."""
    return Shift()


@pytest.fixture
async def shift_desk(shift: Shift, pg: Pg, tmp_path: Path) -> AsyncIterator[Desk]:
    """The service, with its worker for a while."""
    async with in_one_task(open_desk(pg, tmp_path, work=shift.work)) as opened:
        yield opened


async def test_every_get_and_every_list_is_one_statement(
    shift: Shift, shift_desk: Desk, counting: Any, pg: Pg, tmp_path: Path
) -> None:
    """The read models answer with one statement, however much there is to tell; what is in memory with none."""
    story = await (await Story(shift_desk).ready()).implementing()
    await story.agent.succeed(await story.agent.lease())
    run = await story.post("operator", "verification-runs", {}, 202)
    discovery = await story.post("operator", "discoveries", {"target_system_id": story.target_system_id}, 202)
    order = await story.post(
        "requester", "orders", {"mode": "automated", "subject_alternative_names": ["a.example.org"]}, 202
    )
    verification = await story.post("auditor", "audit/verifications", {}, 202)
    seal(pg, tmp_path / "keys")
    with as_sealer(pg) as connection:
        size = only(connection, "SELECT size FROM ledger.checkpoints")
        connection.execute("SELECT ledger.stamp(1, 'stamp')")
    while (await story.get(f"verification-runs/{run['id']}"))["status"] != "completed":  # before, it lists nothing
        await asyncio.sleep(0.1)
    webhook = await story.post("admin", "webhooks", {"url": "http://127.0.0.1:9/"}, 201)
    delivery = await story.post("admin", f"webhooks/{webhook['id']}/test", status=202)
    channel = await story.post("admin", "notification-channels", CHANNEL, 201)
    tried = await story.post("admin", f"notification-channels/{channel['id']}/test", status=202)
    while not (await story.get(f"notification-channels/{channel['id']}/deliveries"))["items"]:
        await asyncio.sleep(0.1)  # the worker notes it
    by_mail = REPORTS_BY_MAIL | {"mail_channel_id": channel["id"]}
    schedule = await story.post("auditor", "report-schedules", by_mail, 201)
    sent = await story.post("auditor", f"report-schedules/{schedule['id']}/send", status=202)
    ids = {
        "report_schedule_id": schedule["id"],
        "report_delivery_id": sent["id"],
        "notification_channel_id": channel["id"],
        "webhook_id": webhook["id"],
        "provider_id": (await story.post("operator", "providers", PROVIDER, 201))["id"],
        "issuance_policy_id": (await story.post("admin", "issuance-policies", POLICY, 201))["id"],
        "approval_policy_id": (await story.post("admin", "approval-policies", APPROVALS, 201))["id"],
        "standing_approval_id": (await story.post("admin", "standing-approvals", story.standing(), 201))["id"],
        "expiry_alert_rule_id": (await story.post("admin", "expiry-alert-rules", {"name": "All"}, 201))["id"],
        "legal_hold_id": (await story.post("admin", "legal-holds", {"reason": "case 4711"}, 201))["id"],
        "delivery_id": delivery["id"],
        "certificate_id": story.certificate_id,
        "connector_id": story.connector_id,
        "request_id": story.request_id,
        "work_order_id": story.work_order_id,
        "order_id": order["id"],
        "target_system_id": story.target_system_id,
        "bridge_id": str(story.agent.id),
        "discovery_id": discovery["id"],
        "run_id": run["id"],
        "principal_id": str(shift_desk.people["lead"].id),
        "token_id": (await story.get("tokens"))["items"][0]["id"],
        "position": "1",
        "size": str(size),
        "level": "0",
        "name": "000.p/1",
        "verification_id": verification["id"],
    }
    wish = {"filter": {"certificate_id": [story.certificate_id]}, "reason": "Once more."}
    ids["replacement_id"] = (await story.post("requester", "replacements", wish, 202))["id"]
    while (await story.get(f"replacements/{ids['replacement_id']}"))["status"] != "completed":
        await asyncio.sleep(0.05)
    ids |= await one_of_each(shift_desk) | {"grant_id": await proposed(story)}
    while not (await story.get(f"verification-runs/{run['id']}/results"))["items"]:
        await asyncio.sleep(0.05)  # as long as there are none, it is also asked whether there is such a run
    while (await story.get(f"orders/{order['id']}"))["status"] != "complete":
        await asyncio.sleep(0.05)
    await shift.end()
    asked = {path for method, path, _ in handlers(shift_desk) if method == "GET" and path.startswith(API)}
    wrong: dict[str, list[str]] = {}
    for template in sorted(asked - {f"{API}/alerts/{{alert_id}}"} - {API + path for path in FROM_THE_LEDGER}):
        path = template.format(**ids)
        who = "operator" if path.endswith(("download", "/alerts", "/certificate")) else "auditor"
        if "notification-channels" in path:
            path = path.replace(delivery["id"], tried["id"])
        await shift_desk.settled()
        with counting() as statements:
            answer = await shift_desk.as_(who).get(path, params=QUERIES.get(template.removeprefix(API)))
        assert answer.status_code == 200, (path, answer.text)
        name = template.removeprefix(API)
        if template.startswith(REPORTS) and not template.endswith("push-validation"):
            told = [text for text in statements if "history_positions" not in text]  # not the waiting for records
            assert 1 <= len(told) <= 4, (path, told)
        elif len(statements) != (0 if name in NO_STATEMENT else 2 if name in TWO_STATEMENTS else 1):
            wrong[template] = statements
    assert wrong == {}


async def test_certificates_and_orders_are_read_with_one_statement(desk: Desk, counting: Any) -> None:
    """Their lists as pages, and an order in its dialog, though it goes to a target system."""
    story = await (await Story(desk).imported()).with_target()
    wanted = [{"target_system_id": story.target_system_id}]
    wish = {"mode": "automated", "common_name": "a.example.org", "connectors": wanted}
    order = await story.post("requester", "orders", wish, 202)
    await desk.settled()
    for path in ("/certificates", "/orders", f"/orders/{order['id']}"):
        with counting() as statements:
            answer = await desk.as_("requester").get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        assert len(statements) == 1, (path, statements)


async def test_the_count_can_fail(desk: Desk, counting: Any) -> None:
    """Two reads are counted as two."""
    with counting() as statements:
        await desk.as_("auditor").get(f"{API}/certificates")
        await desk.as_("auditor").get(f"{API}/bridges")
    assert len(statements) == 2
