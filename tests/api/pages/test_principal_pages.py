"""Pages of people, programs and tokens: what is told of them, who may change what, secrets shown once."""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from domain.role_grant import Role
from tests.api.desk import Desk, Person, in_one_task, only_read_models, open_desk
from tests.api.pages.test_alerts import BROWSER, browser_of, fields
from tests.api.pages.test_bridge_page import answered
from tests.api.pages.test_editors import opened, sent
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import sheet
from tests.api.walking import API, Story
from tests.support.postgres import PostgresServer, database

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = re.compile(r"cf_[0-9a-f]{32}_[A-Za-z0-9_-]{20,}")
INVITATION = re.compile(r"http://certferry\.test/invitation#(cfi_[0-9a-f]{32}_[A-Za-z0-9_-]{20,})")
GOOD = "correct horse battery"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service for all tests here: each has people of its own."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            yield opened


async def me(desk: Desk, token: str) -> httpx.Response:
    return await desk.client({"Authorization": f"Bearer {token}"}).get(f"{API}/me")


async def test_a_token_is_made_and_shown_once(desk: Desk) -> None:
    """Its text is in one answer and nowhere else: not in the list, an address or an event. It works, and no wider."""
    async with browser_of(desk, "admin") as browser:
        form = await opened(browser, "/tokens/new", f"?principal_id={desk.people['lead'].id}")
        assert ["lead"] == form.fields["owner"]
        again = await sent(browser, form, 422, owner="nobody at all", name="ci", days="400")
        assert again is not None
        values = form.fields | {"name": "ci <1>", "roles": ["approver"], "days": "7"}
        answer = await browser.post("/tokens/new", data=values, headers=BROWSER)
    assert (200, "no-store") == (answer.status_code, answer.headers["Cache-Control"])
    [token] = set(SECRET.findall(answer.text))
    assert f'data-copy="{token}"' in answer.text
    assert "ci &lt;1&gt;" in answer.text
    assert ["approver"] == (await me(desk, token)).json()["roles"]
    await desk.settled()
    secret = token.split("_", 2)[2]
    assert secret not in await html(desk, "/tokens", "admin")
    events = await desk.as_("auditor").get(f"{API}/audit-events", params={"subject": str(UUID(token.split("_")[1]))})
    assert "token.created" in events.text
    assert secret not in events.text
    [row] = [row for row in await sheet(desk, "/tokens") if row["Name"] == "ci <1>"]
    assert ("lead", "approver", "Active") == (row["Owner"], row["Roles"], row["State"])
    assert row["Last used (UTC)"] != ""
    for who in ("auditor", "lead"):
        assert 403 == (await desk.as_(who).get("/tokens/new", headers=BROWSER)).status_code


async def test_a_token_is_revoked_with_a_reason(desk: Desk) -> None:
    """After a question; by an administrator, or by its owner; the reason is told, and the address holds the filter."""
    ben = desk.people["ben"] = await desk.employ("ben", ())
    tokens = [await desk.token(ben.id), await desk.token(ben.id)]
    urls = [f"/tokens/{UUID(token.split('_')[1])}/revoke" for token in tokens]
    await desk.settled()
    async with browser_of(desk, "ben") as browser:
        assert "cannot be undone" in await answered(browser, urls[0], comment="Lost\r\nit <there>")
    assert 401 == (await me(desk, tokens[0])).status_code
    async with browser_of(desk, "admin") as browser:
        await answered(browser, urls[1])
    assert 401 == (await me(desk, tokens[1])).status_code
    for who in ("operator", "auditor"):
        assert 403 == (await desk.as_(who).get(urls[0], headers=BROWSER)).status_code
        async with browser_of(desk, who) as browser:
            assert 403 == (await browser.post(urls[0], headers=BROWSER)).status_code
    await desk.settled()
    revoked = await html(desk, f"/tokens?principal_id={ben.id}&status=revoked", "auditor")
    assert "it &lt;there&gt;" in revoked
    assert 2 == len(await sheet(desk, f"/tokens?principal_id={ben.id}&status=revoked"))
    assert [] == await sheet(desk, f"/tokens?principal_id={ben.id}&status=expired")


async def test_everybody_sees_their_own_tokens(desk: Desk) -> None:
    """Whatever the address asks for; an auditor sees all and revokes none; nobody is no role and has a page, too."""
    await desk.settled()
    for who in ("requester", "nobody"):
        rows = await sheet(desk, f"/tokens?principal_id={desk.people['admin'].id}", who)
        assert {who} == {row["Owner"] for row in rows}
        page = await html(desk, "/tokens", who)
        assert "/people/" not in page
        assert "New token" not in page
    page = await html(desk, "/tokens", "auditor")
    assert f"/people/{desk.people['admin'].id}" in page
    own = desk.people["auditor"].token_id
    assert [str(own)] == re.findall(r'href="/tokens/([0-9a-f-]+)/revoke"', page)
    assert "/revoke" not in await html(desk, f"/tokens?as_of_position={await desk.past()}", "admin")
    assert "/tokens?principal_id=" in await html(desk, "/account", "nobody")


async def test_a_person_is_made_invited_and_changed(desk: Desk) -> None:
    """From the form to the first sign-in; the link is shown once; the form of roles knows its version."""
    async with browser_of(desk, "admin") as browser:
        form = await opened(browser, "/people/new")
        await sent(browser, form, 422, name=" ", roles=["operator"])
        await sent(browser, form, name="Cleo <C>", roles=["operator"], sort="user")
        await sent(browser, form, 409, name="Cleo <C>")
        await desk.settled()
        [row] = await sheet(desk, "/people?q=cleo", "admin")
        assert ("Person", "operator", "Active") == (row["Kind"], row["Roles"], row["State"])
        [path] = re.findall(r'href="(/people/[0-9a-f-]{36})"', await html(desk, "/people?q=cleo", "admin"))
        page = await html(desk, path, "admin")
        assert "Cleo &lt;C&gt;" in page
        assert "Signed in nowhere" in page

        shown = (await browser.get(path, headers=BROWSER)).text
        answer = await browser.post(f"{path}/invitation", data=fields(shown), headers=BROWSER)
        [code] = set(INVITATION.findall(answer.text))
        await desk.settled()
        page = await html(desk, path, "admin")
        assert "waits until" in page
        assert code not in page
        given = {"invitation": code, "password": GOOD, "again": GOOD}
        assert 303 == (await desk.client().post("/invitation", data=given)).status_code

        stale = form = await opened(browser, f"{path}/edit")
        assert (["operator"], "name" in form.fields) == (form.fields["roles"], False)
        await sent(browser, form, roles=["requester", "auditor"])
        await sent(browser, stale, 412, roles=["admin"])
    await desk.settled()
    page = await html(desk, path, "auditor")
    assert "auditor, requester" in page
    assert "invitation" in page  # with which the session was opened
    assert f"/audit-log?actor={path.rpartition('/')[2]}" in page
    assert f"{path}/edit" not in page


async def test_somebody_is_disabled_and_enabled(desk: Desk) -> None:
    """With a reason that is shown in the list; not oneself; there is nothing to be done in the past."""
    dora: Person = await desk.employ("dora", (Role.OPERATOR,))
    path = f"/people/{dora.id}"
    await desk.settled()
    async with browser_of(desk, "admin") as browser:
        assert "every token is revoked" in await answered(browser, f"{path}/disable", comment="Left.")
        assert 401 == (await me(desk, dora.token)).status_code
        page = await html(desk, path, "admin")
        assert "Left." in page
        assert f"{path}/enable" in page
        assert f"{path}/invitation" not in page
        [row] = [row for row in await sheet(desk, "/people?disabled=true", "admin") if row["Name"] == "dora"]
        assert ("Disabled", "operator") == (row["State"], row["Roles"])
        disabled_at = await desk.head()
        await answered(browser, f"{path}/enable")
        assert "Active" in await html(desk, path, "admin")
        own = f"/people/{desk.people['admin'].id}"
        assert "another administrator does" in await html(desk, own, "admin")
        await answered(browser, f"{own}/disable", 409)
    then = await html(desk, f"{path}?as_of_position={disabled_at}", "auditor")
    assert "Left." in then
    assert f"{path}/enable" not in then


async def test_who_sees_people(desk: Desk) -> None:
    """Administrators and auditors; the tab is theirs alone; who is not there is not found."""
    for who, status in (("admin", 200), ("auditor", 200), ("operator", 403), ("nobody", 403)):
        page = await html(desk, "/people", who, status=status)
        assert ('aria-current="page">People</a>' in page) is (status == 200)
        await html(desk, f"/people/{desk.people['lead'].id}", who, status=status)
    await html(desk, f"/people/{uuid4()}", "auditor", status=404)
    for step in ("disable", "enable", "invitation", "edit"):
        async with browser_of(desk, "auditor") as browser:
            answer = await browser.post(f"/people/{desk.people['lead'].id}/{step}", headers=BROWSER)
        assert 403 == answer.status_code


async def test_last_use_outlives_the_process(desk: Desk) -> None:
    """What one process noted is written down, and another one shows it."""
    token_id = desk.people["operator"].token_id
    await Story(desk).get("certificates", who="operator")
    kept = desk.core.house.token_uses
    await desk.services.token_uses.tell(kept)
    first = (await kept.last_used([token_id, uuid4()]))[token_id]
    await kept.used({token_id: first.replace(year=2020)})
    assert {token_id: first} == await kept.last_used([token_id])
