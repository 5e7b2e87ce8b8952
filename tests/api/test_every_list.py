"""What the contract says of lists holds for every list: whole as NDJSON and CSV, 404 below what is not there."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest_asyncio

from tests.api.acme_desk import one_of_each
from tests.api.desk import Desk
from tests.api.walking import API, CHANNEL, REPORTS_BY_MAIL, Story

NOBODY = UUID(int=0)
# Questions between two moments, named in one of two ways, and to a ledger that is sealed.
NEED_MORE = {f"{API}/audit/{name}" for name in ("diff", "key", "checkpoint", "consistency")}
LISTS = (
    "acme-accounts",
    "acme-eab-keys",
    "acme-orders",
    "alerts",
    "approval-policies",
    "audit-events",
    "bridges",
    "certificates",
    "certificates/{certificate_id}/connectors",
    "certificates/{certificate_id}/events",
    "connectors",
    "discoveries",
    "endpoint-history",
    "expiry-alert-rules",
    "issuance-policies",
    "notification-channels",
    "orders",
    "principals",
    "replacements",
    "report-schedules",
    "role-grants",
    "standing-approvals",
    "target-systems",
    "tokens",
    "verification-runs",
    "webhooks",
    "work-orders",
)


@pytest_asyncio.fixture
async def story(desk: Desk) -> AsyncIterator[Story]:
    """Something in (nearly) every list."""
    told = await (await Story(desk).ready()).pushed()
    await told.post("operator", "discoveries", {"target_system_id": told.target_system_id}, 202)
    await told.post("operator", "verification-runs", {}, 202)
    wish = {"filter": {"q": "www"}, "reason": "Once more."}
    await told.post("requester", "replacements", wish, 202)
    channel = await told.post("admin", "notification-channels", CHANNEL, 201)
    await told.post("auditor", "report-schedules", REPORTS_BY_MAIL | {"mail_channel_id": channel["id"]}, 201)
    await one_of_each(desk)
    await desk.settled()
    yield told


async def test_every_list_can_be_taken_away_whole(desk: Desk, story: Story) -> None:
    """All items as lines and as a table, however small a page was asked for, in the order of the pages."""
    client = desk.as_("auditor")
    for path in LISTS:
        url = f"{API}/{path.format(certificate_id=story.certificate_id)}"
        items = (await client.get(url, params={"limit": 200})).json()["items"]

        lines = await client.get(url, params={"limit": 1}, headers={"Accept": "application/x-ndjson"})
        assert lines.headers["content-type"] == "application/x-ndjson", path
        # Reading the history is history: later answers may tell more.
        assert [json.loads(line) for line in lines.text.splitlines()][: len(items)] == items, path

        table = await client.get(url, params={"limit": 1}, headers={"Accept": "text/csv"})
        assert table.headers["content-type"] == "text/csv; charset=utf-8", path
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert len(rows) == len(items) or path.endswith("events"), path
        if items:
            assert set(rows[0]) == set(items[0]), path

        assert (await client.get(url, headers={"Accept": "application/pdf"})).status_code == 406, path


async def test_a_list_below_something_that_is_not_there(desk: Desk) -> None:
    """404, not an empty list: nobody takes a typing error for "there are none"."""
    for path in (f"certificates/{NOBODY}/connectors", f"certificates/{NOBODY}/events"):
        answer = await desk.as_("auditor").get(f"{API}/{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
        assert str(NOBODY) in answer.json()["detail"]
    answer = await desk.as_("auditor").get(f"{API}/verification-runs/{NOBODY}/results")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def plain(verbs: dict[str, Any]) -> bool:
    """A question that needs no parameter."""
    return "get" in verbs and not any(parameter.get("required") for parameter in verbs["get"]["parameters"])


async def test_no_question_ignores_a_parameter(desk: Desk) -> None:
    """Every GET refuses what it does not understand, and understands `min_position`."""
    described = (await desk.as_(None).get("/openapi.json")).json()["paths"]
    paths = [path for path, verbs in described.items() if path.startswith(API) and "{" not in path and plain(verbs)]
    assert len(paths) > 10
    for path in paths:
        for who in ("auditor", "admin"):
            strange = await desk.as_(who).get(path, params={"strange": "1"})
            if strange.status_code == 403:
                continue
            assert (strange.status_code, strange.json()["errors"][0]["pointer"]) == (422, "strange"), path
            understood = await desk.as_(who).get(path, params={"min_position": 1})
            assert understood.status_code == 200 or path in NEED_MORE, path
