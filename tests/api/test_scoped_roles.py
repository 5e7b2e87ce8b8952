"""Roles within scopes, over REST and pages: what they reach is done, and nothing else, by whichever way."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from api.security import permission_of
from application.granting import change_role
from domain.role_grant import Role
from domain.role_scope import RoleScope, scope_of
from tests.api.desk import Desk, Person, in_one_task, only_read_models, open_desk
from tests.api.pages.test_alerts import BROWSER
from tests.api.test_refusals import refused
from tests.api.test_role_grants import candidate
from tests.api.test_security import NOTHING, handlers
from tests.api.walking import API, SETTINGS, Story
from tests.support.postgres import PostgresServer, database

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
OUTSIDE = "outside-scope"
TEAM_A = scope_of(["team-a"], ())
SCOPED_ROLES = (Role.REQUESTER, Role.APPROVER, Role.IMPLEMENTER, Role.OPERATOR)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service for all tests here: each has people of its own, and certificates."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            yield opened


class Somebody:
    """A person with roles within scopes, by their token and in a browser."""

    def __init__(self, desk: Desk, person: Person) -> None:
        self.desk, self.id, self.person = desk, person.id, person
        self.client = desk.client({"Authorization": f"Bearer {person.token}"})

    async def holds(self, role: Role, scope: RoleScope | None) -> "Somebody":
        """One more role, by the hand of the host."""
        house = self.desk.core.house
        done = await change_role(house, self.desk._context(), self.id, role, held=True, scope=scope)
        assert await self.desk.services.directory.reached(done.position, 30)
        return self

    async def browser(self) -> "Browser":
        """Signed in at the pages."""
        client = self.desk.client()
        assert (await client.post("/login", data={"token": self.person.token, "next": "/"})).status_code == 303
        page = (await client.get("/account", headers=BROWSER)).text
        [csrf] = set(re.findall(r'name="csrf_token" value="([^"]+)"', page))
        return Browser(client, csrf)


class Browser:
    """A session, with the token that its forms carry."""

    def __init__(self, client: httpx.AsyncClient, csrf: str) -> None:
        self.client, self.csrf = client, csrf

    async def send(self, path: str, **written: str) -> httpx.Response:
        """A form of a page."""
        return await self.client.post(path, data={"csrf_token": self.csrf} | written, headers=BROWSER)


async def somebody(desk: Desk, name: str, *roles: Role, scope: RoleScope | None = TEAM_A) -> Somebody:
    found = Somebody(desk, await desk.employ(name, ()))
    for role in roles:
        await found.holds(role, scope)
    return found


async def tagged(desk: Desk, tag: str, name: str) -> Story:
    """A certificate and a target system that bear a tag, associated, with a push that waits for approval."""
    story = Story(desk)
    story.agent.name = f"bridge-{name}"
    await (await story.imported()).with_target(name=f"web-{name}", tags=[f"dc-{tag}"])
    await retag(desk, story.certificate_id, [tag])
    await story.with_connector()
    return await story.pushed()


async def retag(desk: Desk, certificate_id: str, tags: list[str], who: httpx.AsyncClient | None = None) -> Any:
    """Another set of tags, by an operator for everything or by whoever else."""
    await desk.settled()
    url = f"{API}/certificates/{certificate_id}"
    version = (await desk.as_("operator").get(url)).headers["ETag"]
    answer = await (who or desk.as_("operator")).patch(url, json={"tags": tags}, headers={"If-Match": version})
    assert who is not None or answer.status_code == 200, answer.text
    return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours(desk: Desk) -> Story:
    """What team A has."""
    return await tagged(desk, "team-a", "a")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theirs(desk: Desk) -> Story:
    """What team B has."""
    return await tagged(desk, "team-b", "b")


async def test_two_people_make_an_approver_for_a_team(desk: Desk) -> None:
    """The proposal names the scope, and gives nothing; approved, it is held within it, and shown everywhere."""
    rita = await candidate(desk, "rita of a")
    url, scope = f"{API}/principals/{rita.id}", {"certificate_tags": ["team-a", "team-a"], "target_tags": []}
    made = await desk.as_("admin").post(f"{url}/grants", json={"role": "approver", "scope": scope})
    assert made.status_code == 202, made.text
    [grant] = made.json()["grants"]
    shown = {"certificate_tags": ["team-a"], "target_tags": []}
    assert (grant["scope"], grant["status"], made.json()["scoped_roles"]) == (shown, "proposed", [])
    assert made.headers["Location"].endswith(grant["id"])
    assert (await rita.decide("approve", grant["id"])).status_code == 200
    me = (await rita.client.get(f"{API}/me")).json()
    assert (me["roles"], me["scoped_roles"]) == ([], [{"role": "approver", "scope": shown}])
    await desk.settled()
    [listed] = (await desk.as_("auditor").get(f"{API}/role-grants", params={"principal_id": rita.id})).json()["items"]
    assert (listed["scope"], listed["status"]) == (shown, "approved")
    assert (await rita.client.get(f"{API}/certificates")).status_code == 200
    refused(await rita.client.post(f"{API}/standing-approvals", json={}), 403, OUTSIDE)

    version = (await desk.as_("admin").get(url)).headers["ETag"]
    where = f"{url}/grants/approver?certificate_tag=team-b"
    same = await desk.as_("admin").delete(where, headers={"If-Match": version})
    assert len(same.json()["scoped_roles"]) == 1, "another scope is not this one"
    gone = await desk.as_("admin").delete(where.replace("team-b", "team-a"), headers={"If-Match": version})
    assert (gone.status_code, gone.json()["scoped_roles"]) == (200, [])
    assert (await rita.client.get(f"{API}/certificates")).status_code == 403


async def test_which_scopes_are_refused(desk: Desk) -> None:
    """None for auditor and admin; no empty one; tags as certificates have them."""
    body: Json
    nobody = f"{API}/principals/{desk.people['nobody'].id}/grants"
    for body in (
        {"role": "auditor", "scope": {"certificate_tags": ["team-a"]}},
        {"role": "approver", "scope": {}},
        {"role": "approver", "scope": {"certificate_tags": [" team-a"]}},
        {"role": "approver", "scope": {"tags": ["team-a"]}},
    ):
        problem = refused(await desk.as_("admin").post(nobody, json=body), 422, "validation-failed")
        assert problem["errors"][0]["pointer"].startswith("/scope"), problem


async def test_an_approver_for_a_team_approves_what_the_team_pushes(desk: Desk, ours: Story, theirs: Story) -> None:
    """And nothing else; by every way. What waits for them is what they could approve."""
    anna = await somebody(desk, "anna", Role.APPROVER)
    refused(await anna.client.post(f"{API}/work-orders/{theirs.work_order_id}/approve", json={}), 403, OUTSIDE)
    again = desk.client({"Authorization": f"Bearer {await desk.token(anna.id, (Role.APPROVER,))}"})
    refused(await again.post(f"{API}/work-orders/{theirs.work_order_id}/reject", json={}), 403, OUTSIDE)
    other = desk.client({"Authorization": f"Bearer {await desk.token(anna.id, (Role.REQUESTER,))}"})
    refused(await other.post(f"{API}/work-orders/{ours.work_order_id}/approve", json={}), 403, "forbidden")
    browser = await anna.browser()
    answer = await browser.send(f"/work-orders/{theirs.work_order_id}/approve", manual_implementation="on")
    assert (answer.status_code, "outside the scope of your role approver" in answer.text) == (403, True)

    await desk.settled()
    waits = (await anna.client.get(f"{API}/work-orders", params={"waiting_for": "me"})).json()["items"]
    assert [each["id"] for each in waits] == [ours.work_order_id]
    shown = (await anna.client.get(f"{API}/work-orders/{theirs.work_order_id}")).json()["available_actions"]
    assert {each["action"]: each["code"] for each in shown} == {
        "approve": OUTSIDE,
        "reject": OUTSIDE,
        "cancel": "forbidden",
    }
    page = (await browser.client.get(f"/work-orders/{theirs.work_order_id}", headers=BROWSER)).text
    assert "outside the scope of your role approver" in page
    told = await theirs.get("audit-events", type="work_order.push.refused", subject=theirs.work_order_id)
    assert {OUTSIDE} == {each["data"]["code"] for each in told["items"]}

    mine = (await anna.client.get(f"{API}/work-orders/{ours.work_order_id}")).json()["available_actions"]
    assert {"approve": True, "reject": True, "cancel": False} == {each["action"]: each["allowed"] for each in mine}
    approved = await anna.client.post(f"{API}/work-orders/{ours.work_order_id}/approve", json={})
    assert (approved.status_code, approved.json()["status"]) == (200, "review_in_progress"), approved.text
    actions = {each["action"]: each["code"] for each in approved.json()["available_actions"]}
    assert actions["reject"] is None


async def test_tags_of_the_moment_decide(desk: Desk, theirs: Story) -> None:
    """What bears the tag now is reached now; when the tag is gone, the role no longer counts."""
    ivo = await somebody(desk, "ivo", Role.APPROVER, scope=scope_of(["late"], ["dc-team-b"]))
    url = f"{API}/work-orders/{theirs.work_order_id}/approve"
    refused(await ivo.client.post(url, json={}), 403, OUTSIDE)
    await retag(desk, theirs.certificate_id, ["team-b", "late"])
    dialog = {"manual_implementation": True, "scheduled_at": "2030-01-01T00:00:00Z"}
    refused(await ivo.client.post(url, json=dialog), 422, "validation-failed")
    await retag(desk, theirs.certificate_id, ["team-b"])
    refused(await ivo.client.post(url, json=dialog), 403, OUTSIDE)


async def test_nobody_tags_into_their_scope_nor_out_of_it(desk: Desk, ours: Story, theirs: Story) -> None:
    """Certificates and target systems; other tags of what is reached may change, and a target may not lose its own."""
    olga = await somebody(desk, "olga", Role.OPERATOR)
    await olga.holds(Role.OPERATOR, scope_of((), ["dc-team-a"]))
    for story, tags in ((theirs, ["team-b", "team-a"]), (ours, ["team-b"]), (ours, [])):
        refused(await retag(desk, story.certificate_id, tags, olga.client), 403, OUTSIDE)
    assert (await retag(desk, ours.certificate_id, ["team-a", "web"], olga.client)).status_code == 200
    await desk.settled()
    for story, tags, status in ((ours, ["dc-team-a", "x"], 200), (ours, ["x"], 403), (theirs, ["dc-team-a"], 403)):
        url = f"{API}/target-systems/{story.target_system_id}"
        version = (await desk.as_("operator").get(url)).headers["ETag"]
        answer = await olga.client.patch(url, json={"tags": tags}, headers={"If-Match": version})
        assert answer.status_code == status, answer.text


async def test_deploy_to_all_leaves_out_what_is_not_reached(desk: Desk) -> None:
    """Each connector by itself; the rest says so. With none left, nothing is pushed."""
    story = Story(desk)
    story.agent.name = "bridge-both"
    await (await story.imported()).with_target(name="web-c", tags=["dc-c"])
    await retag(desk, story.certificate_id, ["team-c"])
    near = (await story.with_connector()).connector_id
    other = {"name": "web-d", "kind": "nginx", "bridge_id": str(story.agent.id), "settings": SETTINGS, "tags": ["dc-d"]}
    story.target_system_id = (await story.post("operator", "target-systems", other, 201))["id"]
    far = (await story.with_connector()).connector_id
    await desk.settled()
    paul = await somebody(desk, "paul", Role.REQUESTER, scope=scope_of(["team-c"], ["dc-c"]))
    seen = (await paul.client.get(f"{API}/certificates/{story.certificate_id}")).json()["available_actions"]
    assert {"push": None, "renew": OUTSIDE} == {
        each["action"]: each["code"] for each in seen if each["action"] in ("push", "renew")
    }
    refused(await paul.client.post(f"{API}/connectors/{far}/deploy", json={}), 403, OUTSIDE)
    answer = await paul.client.post(f"{API}/certificates/{story.certificate_id}/deploy", json={})
    assert answer.status_code == 202, answer.text
    assert [near] == [each["connector_id"] for each in answer.json()["work_orders"]]
    [left_out] = answer.json()["refused"]
    assert (left_out["connector_id"], left_out["problem"]["type"]) == (far, f"/problems/{OUTSIDE}")
    # Two scopes add up; neither counts for what only both together would reach.
    await paul.holds(Role.REQUESTER, scope_of(["team-x"], ["dc-d"]))
    refused(await paul.client.post(f"{API}/connectors/{far}/deploy", json={}), 403, OUTSIDE)
    await paul.holds(Role.REQUESTER, scope_of((), ["dc-d"]))
    assert (await paul.client.post(f"{API}/connectors/{far}/deploy", json={})).status_code == 202


async def test_the_level_of_a_policy_sees_the_roles_that_count(desk: Desk, theirs: Story) -> None:
    """An approver for everything who is an operator for another team is none where a policy asks for an operator."""
    policy = {"name": "Level", "levels": 2, "level_roles": [["operator"], []], "certificate_tags": ["guarded"]}
    await Story(desk).post("admin", "approval-policies", policy, 201)
    await desk.as_("approver").post(f"{API}/work-orders/{theirs.work_order_id}/reject", json={})
    await retag(desk, theirs.certificate_id, ["team-b", "guarded"])
    await theirs.pushed()
    dora = await somebody(desk, "dora", Role.APPROVER, scope=None)
    await dora.holds(Role.OPERATOR, TEAM_A)
    url = f"{API}/work-orders/{theirs.work_order_id}/approve"
    refused(await dora.client.post(url, json={}), 403, "forbidden")
    await dora.holds(Role.OPERATOR, scope_of(["guarded"], ()))
    assert (await dora.client.post(url, json={})).status_code == 200


# ---------------------------------------------------------------- every route

CERTIFICATE, CONNECTOR = "certificates/{certificate}", "connectors/{connector}"
SOON = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
STEPS: dict[str, Json] = {step: {} for step in ("approve", "reject", "implement", "retry", "cancel")} | {
    "reschedule": {"scheduled_at": SOON}
}
CODE = {"revocation_request_id": NOTHING, "confirmation_code": "123456"}
NARROWED: Mapping[str, tuple[str, Json | None]] = {
    "PATCH certificates/{id}": (CERTIFICATE, {"tags": []}),
    "GET certificates/{id}/download": (f"{CERTIFICATE}/download", None),
    "POST certificates/{id}/pfx-exports": (f"{CERTIFICATE}/pfx-exports", None),
    "POST certificates/{id}/pfx-exports/{id}/download": (
        f"{CERTIFICATE}/pfx-exports/{NOTHING}/download",
        {"password": "x" * 27},
    ),
    "POST certificates/{id}/connectors": (f"{CERTIFICATE}/connectors", {"target_system_id": "{target}"}),
    "POST certificates/{id}/renew": (f"{CERTIFICATE}/renew", {}),
    "POST certificates/{id}/revocation-requests": (f"{CERTIFICATE}/revocation-requests", None),
    "POST certificates/{id}/revoke": (f"{CERTIFICATE}/revoke", CODE),
    "POST certificates/{id}/revocation-notice/retry": (f"{CERTIFICATE}/revocation-notice/retry", {}),
    "POST certificates/{id}/revocation-notice/told": (f"{CERTIFICATE}/revocation-notice/told", {}),
    "POST certificates/{id}/push": (f"{CERTIFICATE}/push", {}),
    "POST certificates/{id}/deploy": (f"{CERTIFICATE}/deploy", {}),
    "PATCH connectors/{id}": (CONNECTOR, {"verification": {"grace_seconds": 5}}),
    "DELETE connectors/{id}": (CONNECTOR, None),
    "POST connectors/{id}/deploy": (f"{CONNECTOR}/deploy", {}),
    "PATCH target-systems/{id}": ("target-systems/{target}", {"tags": []}),
    "DELETE target-systems/{id}": ("target-systems/{target}", None),
    "POST target-systems/{id}/test": ("target-systems/{target}/test", {}),
    "POST discoveries": ("discoveries", {"target_system_id": "{target}"}),
} | {f"POST work-orders/{{id}}/{step}": (f"work-orders/{{order}}/{step}", body) for step, body in STEPS.items()}
"""Every command that a role within a scope may reach, and how it is asked for."""

FORMS: Mapping[str, tuple[str, dict[str, str]]] = {
    "POST /certificates/{id}/push": (f"/{CERTIFICATE}/push", {"connector_ids": "{connector}"}),
    "POST /certificates/{id}/pfx": (f"/{CERTIFICATE}/pfx", {}),
    "POST /certificates/{id}/pfx/{id}": (f"/{CERTIFICATE}/pfx/{NOTHING}", {"password": "x"}),
    "POST /certificates/{id}/renew": (f"/{CERTIFICATE}/renew", {"key": "new"}),
    "POST /certificates/{id}/revocation-requests": (f"/{CERTIFICATE}/revocation-requests", {}),
    "POST /certificates/{id}/revoke": (f"/{CERTIFICATE}/revoke", CODE),
    "POST /certificates/{id}/revocation-notice/retry": (f"/{CERTIFICATE}/revocation-notice/retry", {}),
    "POST /certificates/{id}/revocation-notice/told": (f"/{CERTIFICATE}/revocation-notice/told", {}),
    "POST /connectors/{id}/verification": (f"/{CONNECTOR}/verification", {"grace_seconds": "5"}),
} | {
    f"POST /work-orders/{{id}}/{step}": (f"/work-orders/{{order}}/{step}", {"scheduled_at": SOON.rstrip("Z")})
    for step in STEPS
}
"""The same of the pages."""


def narrowing(desk: Desk, *, pages: bool) -> set[str]:
    """The routes whose use cases ask what a role within a scope reaches; of pages those that change something."""
    found = set[str]()
    for method, path, handler in handlers(desk):
        access = permission_of(handler)
        if access is not None and access.narrows and access.page == pages and (method != "GET" or not pages):
            plain = re.sub(r"{[a-z_]+}", "{id}", path.removeprefix("" if pages else f"{API}/"))
            found.add(f"{method} {plain}")
    return found - {route for route in found if route.startswith(("HEAD", "OPTIONS"))}


def of(story: Story, text: str) -> str:
    """With the ids of what a story is about."""
    return (
        text.replace("{certificate}", story.certificate_id)
        .replace("{connector}", story.connector_id)
        .replace("{target}", story.target_system_id)
        .replace("{order}", story.work_order_id)
    )


async def test_no_command_reaches_outside_a_scope(desk: Desk, theirs: Story) -> None:
    """Every route that is said to look at scopes does: over REST and by the forms of the pages. Nothing changes."""
    assert set(NARROWED) == narrowing(desk, pages=False)
    assert set(FORMS) == narrowing(desk, pages=True)
    mallory = await somebody(desk, "mallory", *SCOPED_ROLES)
    browser = await mallory.browser()
    before = await desk.core.house.log.load([UUID(id_) for id_ in (theirs.certificate_id, theirs.connector_id)])
    wrong: list[str] = []
    for route, (path, body) in NARROWED.items():
        method = route.split(" ")[0]
        sent = body and {name: of(theirs, value) if isinstance(value, str) else value for name, value in body.items()}
        stale = {"If-Match": '"1"'} if method in ("PATCH", "DELETE") else {}
        answer = await mallory.client.request(method, f"{API}/{of(theirs, path)}", json=sent, headers=stale)
        if answer.status_code != 403 or answer.json()["type"] != f"/problems/{OUTSIDE}":
            wrong.append(f"{route}: {answer.status_code} {answer.text}")
    for route, (path, written) in FORMS.items():
        answer = await browser.send(of(theirs, path), **{name: of(theirs, text) for name, text in written.items()})
        if answer.status_code != 403 or "outside the scope" not in answer.text:
            wrong.append(f"{route} (page): {answer.status_code}")
    assert wrong == []
    assert before == await desk.core.house.log.load([UUID(i) for i in (theirs.certificate_id, theirs.connector_id)])


async def test_where_no_use_case_looks_a_scope_does_not_count(desk: Desk) -> None:
    """Whoever holds roles within scopes alone, and tries every other address: read what all may read, no more."""
    eve = await somebody(desk, "eve", *SCOPED_ROLES)
    parts = {"position": "1", "role": "auditor", "size": "1", "level": "0", "name": "000"}
    wrong: list[str] = []
    for method, template, handler in handlers(desk):
        access = permission_of(handler)
        if not template.startswith(f"{API}/") or access is None or access.public or access.roles is None:
            continue
        path = re.sub(r"{([a-z_]+)}", lambda found: parts.get(found[1], NOTHING), template)
        answer = await eve.client.request(method, path, headers={"If-Match": '"1"'})
        allowed = access.narrows or access.reads
        code = answer.json().get("type") if answer.status_code == 403 else None
        expected = OUTSIDE if access.roles.intersection(SCOPED_ROLES) else "forbidden"
        if code != (None if allowed else f"/problems/{expected}"):
            wrong.append(f"{method} {path}: {answer.status_code} {code}")
    assert wrong == []
    refused(await eve.client.post(f"{API}/discoveries", json={"ranges": ["127.0.0.0/28"]}), 403, OUTSIDE)
