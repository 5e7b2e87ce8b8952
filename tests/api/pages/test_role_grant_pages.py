"""The page of proposed roles: who waits, who may say yes, and what became of it."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest
import pytest_asyncio

from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.api.pages.test_alerts import BROWSER, browser_of
from tests.api.pages.test_bridge_page import answered
from tests.api.pages.test_editors import opened, sent
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import sheet
from tests.api.walking import API
from tests.support.postgres import PostgresServer, database

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service for all tests here: each has people of its own."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            yield opened


async def test_a_role_is_proposed_on_a_form_and_approved_on_the_list(desk: Desk) -> None:
    """The form says what waits, and keeps it; an approver finds it, whoever proposed it is told why not."""
    async with browser_of(desk, "admin") as browser:
        form = await opened(browser, "/people/new")
        await sent(browser, form, name="mira <m>", sort="user", roles=["requester", "approver", "implementer"])
        await desk.settled()
        [row] = [row for row in await sheet(desk, "/people") if row["Name"] == "mira <m>"]
        assert row["Roles"] == "requester"
        waits = await sheet(desk, "/role-grants?status=proposed")
        assert {("mira <m>", role, "admin") for role in ("approver", "implementer")} == {
            (each["Name"], each["Role"], each["Proposed by"]) for each in waits
        }
        listed = (await browser.get("/role-grants", headers=BROWSER)).text
        assert "You proposed this role" in listed
        assert "mira &lt;m&gt;" in listed
        [person] = set(re.findall(r'href="(/people/[0-9a-f-]{36})"', listed))
        # Whoever changes other roles does not take back what waits.
        roles = await opened(browser, f"{person}/edit")
        assert set(roles.fields["roles"]) == {"requester", "approver", "implementer"}
        await sent(browser, roles, roles=["requester", "auditor", "approver", "implementer"])
    await desk.settled()
    assert 2 == len(await sheet(desk, "/role-grants?status=proposed"))

    assert "/role-grants" in await html(desk, "/work-orders", "approver")
    assert "/role-grants" not in await html(desk, "/work-orders", "requester")
    found = (await desk.as_("approver").get(f"{API}/role-grants", params={"status": "proposed"})).json()["items"]
    grants = {each["role"]: f"{person}/grants/{each['id']}" for each in found}
    async with browser_of(desk, "approver") as browser:
        page = (await browser.get("/role-grants?status=proposed", headers=BROWSER)).text
        assert f"{grants['approver']}/approve" in page
        assert 'data-live="role-grants"' in page
        assert 'href="/people/' not in re.sub(r'href="/people/[0-9a-f-]{36}/grants/', "", page)
        assert "approve pushes" in await answered(browser, f"{grants['approver']}/approve")
        await answered(browser, f"{grants['implementer']}/reject", comment="Not <her>")
        await answered(browser, f"{grants['approver']}/approve", 409)
    await desk.settled()
    assert {("approver", "Approved", "approver"), ("implementer", "Rejected", "approver")} == {
        (each["Role"], each["State"], each["Decided by"]) for each in await sheet(desk, "/role-grants")
    }
    assert "Not &lt;her&gt;" in await html(desk, "/role-grants?status=rejected", "auditor")
    [row] = [row for row in await sheet(desk, "/people") if row["Name"] == "mira <m>"]
    assert row["Roles"] == "approver, auditor, requester"
    assert 403 == (await desk.as_("operator").get("/role-grants", headers=BROWSER)).status_code
    past = await html(desk, f"/role-grants?as_of_position={await desk.past()}", "approver")
    assert '/approve"' not in past


async def test_the_page_of_the_person_offers_it_too(desk: Desk) -> None:
    """What waits stands among the facts, with the buttons of the second person."""
    made = await desk.as_("admin").post(f"{API}/principals", json={"name": "nils", "roles": ["implementer"]})
    await desk.settled()
    page = await html(desk, f"/people/{made.json()['id']}", "admin")
    assert "Waits for approval" in page
    assert "Approve role implementer" in page
    assert "Approve role approver" not in page


async def test_a_role_for_certain_tags_is_asked_for_on_the_form_and_taken_on_the_page(desk: Desk) -> None:
    """It waits with its scope in words, is approved by a second person, and is taken alone; what is wrong is said."""
    made = await desk.as_("admin").post(f"{API}/principals", json={"name": "omar", "roles": ["requester"]})
    person = f"/people/{made.json()['id']}"
    await desk.settled()
    wish = {"roles": ["requester"], "limited": "approver", "certificate_tags": "team-a\n\n team-b", "target_tags": ""}
    async with browser_of(desk, "admin") as browser:
        form = await opened(browser, f"{person}/edit")
        for wrong, said in (
            ({"certificate_tags": ""}, "at least one tag"),
            ({"limited": ""}, "Choose the role"),
            ({"certificate_tags": "x" * 101}, "certificate_tags"),
        ):
            again = await sent(browser, form, 422, **wish | wrong)
            assert again is not None, said
        await sent(browser, form, **wish)
    await desk.settled()
    words = "approver for certificates tagged team-a or team-b"
    [waits] = [each for each in await sheet(desk, "/role-grants?status=proposed") if each["Name"] == "omar"]
    assert waits["Role"] == words
    page = await html(desk, person, "approver", status=403)
    assert words not in page
    [approve] = re.findall(
        rf'href="({person}/grants/[0-9a-f-]{{36}}/approve)"', await html(desk, "/role-grants", "lead")
    )
    async with browser_of(desk, "lead") as browser:
        assert "approve pushes of certificates tagged team-a or team-b" in await answered(browser, approve)
    await desk.settled()
    [row] = [each for each in await sheet(desk, "/people") if each["Name"] == "omar"]
    assert row["Roles"] == f"requester, {words}"
    page = await html(desk, person, "admin")
    [take] = re.findall(rf'href="({person}/take-role\?[^"]+)"', page)
    assert f"Take role {words}" in page
    async with browser_of(desk, "admin") as browser:
        await answered(browser, unescape(take))
    await desk.settled()
    [row] = [each for each in await sheet(desk, "/people") if each["Name"] == "omar"]
    assert row["Roles"] == "requester"
