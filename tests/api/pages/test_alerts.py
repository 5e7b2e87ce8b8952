"""The page of alerts: open ones with their buttons, which work."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import httpx

from application.alerting import raise_alert
from application.house import Context
from domain.alert import AlertKind
from tests.api.desk import SYSTEM, Desk

BROWSER = {"Accept": "text/html"}


async def raised(desk: Desk, cause: str = "one") -> UUID:
    house = desk.core.house
    context = Context(actor=SYSTEM, at=house.clock(), command_id=uuid4())
    done = await raise_alert(house, context, AlertKind.PUSH_FAILED, cause, f"Pushing {cause} <b>failed</b>.")
    await desk.settled()
    return done.result.id


@asynccontextmanager
async def browser_of(desk: Desk, name: str) -> AsyncIterator[httpx.AsyncClient]:
    async with desk.client() as browser:
        answer = await browser.post("/login", data={"token": desk.people[name].token, "next": "/"})
        assert answer.status_code == 303
        yield browser


def fields(page: str) -> dict[str, str]:
    """The hidden fields of a form."""
    form = page[page.index('hx-post="') :]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


async def test_an_alert_is_acknowledged_and_resolved_on_the_page(desk: Desk) -> None:
    """Its message is shown as text; after each step the list says how it stands; resolved ones are asked for."""
    alert_id = await raised(desk)
    async with browser_of(desk, "operator") as browser:
        page = (await browser.get("/alerts", headers=BROWSER)).text
        assert "Pushing one &lt;b&gt;failed&lt;/b&gt;." in page
        assert 'aria-current="page">Alerts' in page
        for step, said in (("acknowledge", "acknowledged"), ("resolve", "No open alerts.")):
            assert f'hx-get="/alerts/{alert_id}/{step}"' in page
            dialog = (await browser.get(f"/alerts/{alert_id}/{step}", headers=BROWSER)).text
            answer = await browser.post(f"/alerts/{alert_id}/{step}", data=fields(dialog) | {"comment": "mine"})
            assert (303, "/alerts") == (answer.status_code, answer.headers["Location"])
            page = (await browser.get("/alerts", headers=BROWSER)).text
            assert said in page
        assert "resolved" in (await browser.get("/alerts?every=1", headers=BROWSER)).text
    events = (await desk.as_("auditor").get("/api/v1/audit-events", params={"subject": str(alert_id)})).json()["items"]
    by = {event["type"]: event["actor"]["id"] for event in events if event["type"] != "audit.log.read"}
    operator = str(desk.people["operator"].id)
    assert {"alert.raised": "test", "alert.acknowledged": operator, "alert.resolved": operator} == by


async def test_who_may_not_act_sees_no_buttons(desk: Desk) -> None:
    """Auditors read; others have no such page, and nobody acts by guessing its address."""
    alert_id = await raised(desk)
    async with browser_of(desk, "auditor") as browser:
        page = (await browser.get("/alerts", headers=BROWSER)).text
        assert "Pushing one" in page
        assert f"/alerts/{alert_id}" not in page
        assert (await browser.get(f"/alerts/{alert_id}/resolve", headers=BROWSER)).status_code == 403
    async with browser_of(desk, "requester") as browser:
        assert (await browser.get("/alerts", headers=BROWSER)).status_code == 403
        assert 'href="/alerts"' not in (await browser.get("/certificates", headers=BROWSER)).text


async def test_a_decision_on_what_has_changed_is_refused(desk: Desk) -> None:
    """Somebody was faster: the version of the dialog is not the alert's any more."""
    alert_id = await raised(desk)
    async with browser_of(desk, "operator") as browser:
        dialog = (await browser.get(f"/alerts/{alert_id}/resolve", headers=BROWSER)).text
        await desk.as_("operator").post(f"/api/v1/alerts/{alert_id}/acknowledge", json={})
        answer = await browser.post(f"/alerts/{alert_id}/resolve", data=fields(dialog), headers=BROWSER)
        assert answer.status_code == 412


async def test_the_past_is_only_looked_at(desk: Desk) -> None:
    """As of a moment the alerts of then are shown, without buttons."""
    alert_id = await raised(desk)
    position = await desk.head()
    await desk.as_("operator").post(f"/api/v1/alerts/{alert_id}/resolve", json={})
    async with browser_of(desk, "operator") as browser:
        page = (await browser.get(f"/alerts?as_of_position={position}", headers=BROWSER)).text
        assert "Pushing one" in page
        assert f"/alerts/{alert_id}/resolve" not in page
