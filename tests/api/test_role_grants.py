"""Four eyes on the roles approver and implementer, over REST: proposed by one person, approved by another."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from domain.role_grant import Role
from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.api.walking import API
from tests.support.postgres import PostgresServer, database

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service for all tests here: each has people of its own."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            yield opened


class Candidate:
    """Somebody new, who is to hold a role."""

    def __init__(self, desk: Desk, principal: Json, token: str) -> None:
        self.desk, self.id, self.grants = desk, principal["id"], principal["grants"]
        self.client = desk.client({"Authorization": f"Bearer {token}"})

    async def propose(self, role: str, who: str = "admin") -> str:
        """The id of the grant that waits."""
        answer = await self.desk.as_(who).post(f"{API}/principals/{self.id}/grants", json={"role": role})
        assert answer.status_code == 202, answer.text
        grant = str(next(each["id"] for each in answer.json()["grants"] if each["status"] == "proposed"))
        assert answer.headers["Location"].endswith(f"/role-grants/{grant}")
        return grant

    async def decide(
        self, step: str, grant: str, who: str | httpx.AsyncClient = "approver", **headers: str
    ) -> httpx.Response:
        """Approve or reject."""
        client = self.desk.as_(who) if isinstance(who, str) else who
        url = f"{API}/principals/{self.id}/grants/{grant}/{step}"
        return await client.post(url, json={} if step == "reject" else None, headers=headers)

    async def revoke(self, role: str) -> httpx.Response:
        """An administrator takes a role."""
        return await revoke(self.desk, self.id, role)

    async def roles(self) -> set[str]:
        """What they may do, asked with their own token."""
        return set((await self.client.get(f"{API}/me")).json()["roles"])


async def revoke(desk: Desk, principal_id: object, role: str) -> httpx.Response:
    """An administrator takes somebody's role."""
    url = f"{API}/principals/{principal_id}"
    await desk.settled()
    version = (await desk.as_("admin").get(url)).headers["ETag"]
    return await desk.as_("admin").delete(f"{url}/grants/{role}", headers={"If-Match": version})


async def candidate(desk: Desk, name: str, roles: tuple[str, ...] = ()) -> Candidate:
    """Somebody an administrator has made, with a token."""
    admin = desk.as_("admin")
    made = await admin.post(f"{API}/principals", json={"name": name, "roles": list(roles)})
    assert made.status_code == 201, made.text
    token = await admin.post(f"{API}/tokens", json={"principal_id": made.json()["id"], "name": "t"})
    return Candidate(desk, made.json(), token.json()["token"])


async def test_two_people_make_an_approver(desk: Desk) -> None:
    """Proposed, not held; approved by somebody else, held from the next request on. Both are told of, with instants."""
    rita = await candidate(desk, "rita")
    grant = await rita.propose("approver")
    assert await rita.roles() == set()

    answer = await rita.decide("approve", grant)
    assert answer.status_code == 200, answer.text
    assert await rita.roles() == {"approver"}
    told = answer.json()
    people = {name: str(desk.people[name].id) for name in ("admin", "approver")}
    assert (told["status"], told["role"], told["principal_id"]) == ("approved", "approver", rita.id)
    assert (told["proposed_by"]["id"], told["approved_by"]["id"]) == (people["admin"], people["approver"])
    await desk.settled()
    shown = await desk.as_("auditor").get(f"{API}/role-grants/{grant}")
    assert told == shown.json()
    events = await desk.as_("auditor").get(f"{API}/audit-events", params={"subject": grant})
    assert ["role.proposed", "role.granted"] == [each["type"] for each in events.json()["items"]]


async def test_a_new_principal_waits_for_these_roles(desk: Desk) -> None:
    """Of the roles it is made with, those that take two people wait; the list tells approvers of them."""
    made = await candidate(desk, "manifold", ("requester", "approver", "implementer"))
    assert await made.roles() == {"requester"}
    assert {each["role"]: each["status"] for each in made.grants} == {"approver": "proposed", "implementer": "proposed"}
    await desk.settled()
    narrow = {"status": "proposed", "principal_id": made.id}
    found = (await desk.as_("approver").get(f"{API}/role-grants", params=narrow)).json()["items"]
    assert {each["id"] for each in made.grants} == {each["id"] for each in found}
    for each in found:
        assert (await made.decide("approve", each["id"])).status_code == 200
    assert await made.roles() == {"requester", "approver", "implementer"}
    await desk.settled()
    assert (await desk.as_("approver").get(f"{API}/role-grants", params=narrow)).json()["items"] == []


async def test_nobody_is_the_second_person_of_their_own_wish(desk: Desk) -> None:
    """Not with the same token, not with another one, not as approver as well, not for oneself. Refusals are kept."""
    boss = await desk.employ("boss", (Role.ADMIN, Role.APPROVER))
    first = desk.client({"Authorization": f"Bearer {boss.token}"})
    second = desk.client({"Authorization": f"Bearer {await desk.token(boss.id)}"})
    target = await candidate(desk, "target", ("operator",))
    answer = await first.post(f"{API}/principals/{target.id}/grants", json={"role": "implementer"})
    grant = answer.json()["grants"][0]["id"]
    for client in (first, second):
        refused = await target.decide("approve", grant, client)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/approval-not-allowed")
    own = await desk.as_("admin").post(f"{API}/principals/{boss.id}/grants", json={"role": "implementer"})
    mine = next(each["id"] for each in own.json()["grants"])
    refused = await first.post(f"{API}/principals/{boss.id}/grants/{mine}/approve")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/approval-not-allowed")
    assert "for you" in refused.json()["detail"]
    assert await target.roles() == {"operator"}
    told = await desk.as_("auditor").get(
        f"{API}/audit-events", params={"type": "command.refused", "subject": target.id}
    )
    assert {"approval-not-allowed"} == {each["data"]["code"] for each in told.json()["items"]}
    assert (await target.decide("approve", grant, "operator")).status_code == 403


async def test_no_ends_it(desk: Desk) -> None:
    """Rejected with a reason, taken back with the role, or gone with the principal: it cannot be approved any more."""
    nora = await candidate(desk, "nora")
    grant = await nora.propose("approver")
    url = f"{API}/principals/{nora.id}/grants/{grant}/reject"
    answer = await desk.as_("approver").post(url, json={"reason": "Not yet."})
    assert (answer.status_code, answer.json()["status"], answer.json()["reason"]) == (200, "rejected", "Not yet.")
    late = await nora.decide("approve", grant)
    assert (late.status_code, late.json()["current_status"]) == (409, "rejected")

    again = await nora.propose("approver")
    back = await nora.revoke("approver")
    assert (back.status_code, [each["status"] for each in back.json()["grants"]]) == (200, ["rejected", "rejected"])
    assert (await nora.decide("approve", again)).status_code == 409

    third = await nora.propose("implementer")
    assert (await desk.as_("admin").post(f"{API}/principals/{nora.id}/disable", json={})).status_code == 200
    assert (await nora.decide("approve", third)).status_code == 409


async def test_whoever_proposed_it_must_still_be_an_administrator(desk: Desk) -> None:
    """A wish of somebody who lost the right is void."""
    interim = await desk.employ("interim", (Role.ADMIN,))
    otto = await candidate(desk, "otto")
    wish = desk.client({"Authorization": f"Bearer {interim.token}"})
    answer = await wish.post(f"{API}/principals/{otto.id}/grants", json={"role": "approver"})
    gone = await revoke(desk, interim.id, "admin")
    assert gone.status_code == 200, gone.text
    void = await otto.decide("approve", answer.json()["grants"][0]["id"])
    assert (void.status_code, void.json()["type"]) == (409, "/problems/approval-void")
    assert await otto.roles() == set()


async def test_a_stale_or_strange_approval(desk: Desk) -> None:
    """If-Match of an older principal, grants of others or of nobody."""
    sven, tina = await candidate(desk, "sven"), await candidate(desk, "tina")
    grant = await sven.propose("approver")
    stale = await sven.decide("approve", grant, **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert (await tina.decide("approve", grant)).status_code == 404
    assert (await tina.decide("approve", tina.id)).status_code == 404
    assert (await desk.as_("auditor").get(f"{API}/role-grants/{tina.id}")).status_code == 404
    strange = await desk.as_("auditor").get(f"{API}/role-grants", params={"status": "pending"})
    assert (strange.status_code, strange.json()["errors"][0]["pointer"]) == (422, "status")
    assert (await sven.decide("approve", grant, **{"If-Match": '"2"'})).status_code == 200
