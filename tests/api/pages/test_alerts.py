"""The page of alerts: open ones with their buttons, which work."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import httpx

from application.alerting import raise_alert
from application.ca_informing import inform_ca
from application.house import Context
from domain.alert import AlertKind
from tests.adapters.x509.certificates import cn, make, san
from tests.api.desk import SYSTEM, Desk
from tests.api.pages.test_past import html
from tests.api.test_revoking import challenge, revoke
from tests.api.walking import Story

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
    position = await desk.past()
    await desk.as_("operator").post(f"/api/v1/alerts/{alert_id}/resolve", json={})
    async with browser_of(desk, "operator") as browser:
        page = (await browser.get(f"/alerts?as_of_position={position}", headers=BROWSER)).text
        assert "Pushing one" in page
        assert f"/alerts/{alert_id}/resolve" not in page


def _context(desk: Desk) -> Context:
    return Context(actor=SYSTEM, at=desk.core.house.clock(), command_id=uuid4())


async def _informed(desk: Desk, certificate_id: str) -> None:
    """What the worker does: it tries to tell the CA."""
    await inform_ca(desk.core.house, _context(desk), desk.core.issuers, UUID(certificate_id))
    await desk.settled()


async def test_a_ca_that_was_not_told(desk: Desk) -> None:
    """Its certificate's page and the alert have the two steps, for who may take them; told by hand, they are gone."""
    made = make(cn("old.example.org"), [san("old.example.org")])
    certificate = await Story(desk).post("operator", "certificates", {"certificate_pem": made.pem}, 201)
    page = f"/certificates/{certificate['id']}"
    await revoke(desk, certificate["id"], await challenge(desk, certificate["id"]))
    retry, told = (f"{page}/revocation-notice/{step}" for step in ("retry", "told"))
    assert told not in await html(desk, page, "operator")
    await _informed(desk, certificate["id"])
    kind, subject = AlertKind.CA_NOT_INFORMED, UUID(certificate["id"])
    await raise_alert(desk.core.house, _context(desk), kind, certificate["id"], "It does not know.", subject)
    await desk.settled()
    for url in (page, "/alerts"):
        assert [] == [step for step in (retry, told) if f'hx-get="{step}"' not in await html(desk, url, "operator")]
        assert told not in await html(desk, url, "auditor")
    assert "This takes the role operator." in await html(desk, page, "auditor")
    async with browser_of(desk, "operator") as browser:
        for step, said in ((retry, "It is being told again."), (told, "Somebody told it by hand.")):
            dialog = (await browser.get(step, headers=BROWSER)).text
            assert "old.example.org is revoked here." in dialog
            answer = await browser.post(step, data=fields(dialog) | {"comment": "by telephone"}, headers=BROWSER)
            assert (303, page) == (answer.status_code, answer.headers["Location"])
            await desk.settled()
            assert said in await html(desk, page, "operator")
        stale = await browser.post(told, data=fields(dialog), headers=BROWSER)
        assert stale.status_code == 412
        again = await browser.post(told, data={"csrf_token": fields(dialog)["csrf_token"]}, headers=BROWSER)
        assert again.status_code == 409
    assert told not in await html(desk, page, "operator")
    await html(desk, told, "auditor", status=403)
