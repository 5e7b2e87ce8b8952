"""Whoever is disabled may do nothing any more, at once; what ended stays ended when they come back."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from domain.role_grant import Role
from tests.api.desk import Desk, Person, in_one_task, only_read_models, open_desk
from tests.api.walking import API, Story
from tests.support.postgres import PostgresServer, database

pytestmark = pytest.mark.asyncio(loop_scope="module")
GOOD = "correct horse battery"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service for all tests here: each has people of its own."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            yield opened


async def invitation(desk: Desk, person: Person) -> str:
    """The code of one more invitation."""
    made = await desk.as_("admin").post(f"{API}/principals/{person.id}/invitations", json={})
    assert made.status_code == 201, made.text
    return str(made.json()["invitation"])


async def accept(desk: Desk, code: str) -> httpx.Response:
    """Somebody sets a password by an invitation."""
    form = {"invitation": code, "password": GOOD, "again": GOOD}
    return await desk.client().post("/invitation", data=form)


async def sign_in(desk: Desk, name: str) -> httpx.AsyncClient:
    """A fresh browser of somebody with a password; signed in, or not."""
    client = desk.client()
    await client.post("/login/password", data={"name": name, "password": GOOD})
    return client


async def status(client: httpx.AsyncClient) -> int:
    """200 for whoever is known."""
    return (await client.get(f"{API}/me")).status_code


async def change(desk: Desk, person: Person, step: str, who: str = "admin", **body: Any) -> httpx.Response:
    """Disable or enable somebody."""
    return await desk.as_(who).post(f"{API}/principals/{person.id}/{step}", json=body)


async def test_everything_that_lets_them_in_ends_at_once_and_for_good(desk: Desk) -> None:
    """Token, session and invitation; the password alone works again. Who, when and why is told to those who ask."""
    ada = await desk.employ("ada", (Role.OPERATOR,))
    assert (await accept(desk, await invitation(desk, ada))).status_code == 303
    browser, token = await sign_in(desk, "ada"), desk.client({"Authorization": f"Bearer {ada.token}"})
    waiting = await invitation(desk, ada)
    assert (await status(browser), await status(token)) == (200, 200)

    answer = await change(desk, ada, "disable", reason="Left <today>.")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["disabled"], shown["disabled_reason"]) == (True, "Left <today>.")
    assert shown["disabled_at"] is not None
    assert (await status(browser), await status(token), await status(await sign_in(desk, "ada"))) == (401, 401, 401)
    assert (await accept(desk, waiting)).status_code != 303

    story, position = Story(desk), int(answer.headers["Event-Position"])
    held = await story.get("tokens", principal_id=str(ada.id), min_position=position)
    assert [True] == [each["revoked_at"] is not None for each in held["items"]]
    told = await story.get("audit-events", subject=str(ada.id), min_position=position)
    kinds = {each["type"] for each in told["items"] if each["position"] > 0}
    assert {"principal.disabled", "token.revoked", "session.ended", "invitation.revoked"} <= kinds

    answer = await change(desk, ada, "enable", reason="Is back.")
    assert (answer.json()["disabled"], answer.json()["roles"]) == (False, ["operator"])
    assert (await status(browser), await status(token)) == (401, 401)
    assert (await accept(desk, waiting)).status_code != 303
    assert 200 == await status(await sign_in(desk, "ada"))


async def test_who_is_not_disabled(desk: Desk) -> None:
    """Nobody by themselves, nor an unknown person; of two administrators one stays; a repeat changes nothing."""
    admin = desk.people["admin"]
    refused = await change(desk, admin, "disable")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/invalid-transition")
    assert (await change(desk, Person(UUID(int=7), ""), "disable")).status_code == 404

    other = desk.people["second"] = await desk.employ("second", (Role.ADMIN,))
    await desk.settled()
    assert (await change(desk, other, "disable")).status_code == 200
    again = await change(desk, other, "disable", reason="once more")
    assert (again.status_code, again.json()["disabled_reason"]) == (200, None)
    await desk.settled()
    gone = await desk.as_("admin").delete(
        f"{API}/principals/{admin.id}/grants/admin", headers={"If-Match": await etag(desk, admin)}
    )
    assert (gone.status_code, "last administrator" in gone.json()["detail"]) == (409, True)


async def etag(desk: Desk, person: Person) -> str:
    """The version of somebody."""
    return str((await desk.as_("admin").get(f"{API}/principals/{person.id}")).headers["ETag"])


async def test_everybody_revokes_their_own_tokens_and_no_others(desk: Desk) -> None:
    """With a reason that the history keeps; an administrator revokes any."""
    ben, eve = await desk.employ("ben", ()), await desk.employ("eve", (Role.OPERATOR,))
    more, of_eve = await desk.token(ben.id), eve.token_id
    as_ben, reason = desk.client({"Authorization": f"Bearer {ben.token}"}), {"reason": "Laptop was stolen."}
    foreign = await as_ben.post(f"{API}/tokens/{of_eve}/revoke", json=reason)
    assert (foreign.status_code, foreign.json()["type"]) == (403, "/problems/forbidden")
    assert 200 == await status(desk.client({"Authorization": f"Bearer {eve.token}"}))
    own = await as_ben.post(f"{API}/tokens/{more.split('_')[1]}/revoke", json=reason)
    assert (own.status_code, own.json()["revoked_reason"]) == (200, "Laptop was stolen."), own.text
    assert 401 == await status(desk.client({"Authorization": f"Bearer {more}"}))
    assert (await desk.as_("admin").post(f"{API}/tokens/{of_eve}/revoke", json={})).status_code == 200
    assert 401 == await status(desk.client({"Authorization": f"Bearer {eve.token}"}))
