"""People sign in with a password they set by an invitation; sessions end when they should, everywhere."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
import pytest_asyncio

from api import sessions
from domain.role_grant import Role
from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.api.walking import Story
from tests.support.postgres import PostgresServer, database

pytestmark = pytest.mark.asyncio(loop_scope="module")
API = "/api/v1"
GOOD, BETTER = "correct horse battery", "staple of another kind"
WRONG = "do not belong together"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service for all tests here: each has people of its own."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            yield opened


async def invite(desk: Desk, name: str) -> str:
    """The code of an invitation for somebody, who is made where nobody is called that yet."""
    if name not in desk.people:
        desk.people[name] = await desk.employ(name, (Role.OPERATOR, Role.APPROVER))
    made = await desk.as_("admin").post(f"{API}/principals/{desk.people[name].id}/invitations", json={})
    assert made.status_code == 201, made.text
    assert made.headers["Cache-Control"] == "no-store"
    body = made.json()
    assert body["url"] == f"http://certferry.test/invitation#{body['invitation']}"
    return str(body["invitation"])


async def with_password(desk: Desk, name: str, password: str = GOOD) -> httpx.AsyncClient:
    """A browser of somebody who has just set a password."""
    client = desk.client()
    form = {"invitation": await invite(desk, name), "password": password, "again": password}
    answer = await client.post("/invitation", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/"), answer.text
    return client


async def enter(desk: Desk, name: str, password: str, **form: str) -> httpx.Response:
    """The answer to a name and a password, in a fresh browser."""
    return await desk.client().post("/login/password", data={"name": name, "password": password, **form})


async def csrf(client: httpx.AsyncClient) -> str:
    """The token of this browser's forms."""
    page = await client.get("/account")
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text
    return found[1]


async def told(desk: Desk, name: str, kind: str) -> list[dict[str, Any]]:
    """The data of all events of a kind about somebody, oldest first."""
    found = await Story(desk).get("audit-events", type=kind, subject=str(desk.people[name].id))
    return [each["data"] for each in found["items"]]


async def test_an_invited_person_sets_a_password_and_signs_in_with_it(desk: Desk) -> None:
    """Invitation, password, session: each an event, none with a secret; the name counts in any case."""
    client = await with_password(desk, "ada")
    me = (await client.get(f"{API}/me")).json()
    assert (me["name"], me["credential"].partition(":")[0]) == ("ada", "session")
    assert me["roles"] == ["approver", "operator"]
    answer = await enter(desk, " ADA ", GOOD, next="/orders?status=failed")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orders?status=failed")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    proofs = [each["proof"] for each in await told(desk, "ada", "session.opened")]
    assert proofs == ["invitation", "password"]
    everything = (await desk.as_("auditor").get(f"{API}/audit-events", params={"limit": "200"})).text
    assert GOOD not in everything
    assert "argon2" not in everything


async def test_an_invitation_is_used_once_and_a_newer_one_takes_its_place(desk: Desk) -> None:
    """The same sentence for a used, an outdated, a wrong and a malformed one; 401, and counted as a failure."""
    old, new = await invite(desk, "bea"), await invite(desk, "bea")
    form = {"password": GOOD, "again": GOOD}
    assert (await desk.client().post("/invitation", data={**form, "invitation": new})).status_code == 303
    said: set[str] = set()
    before = desk.services.knocks.total
    other_person = new.replace(desk.people["bea"].id.hex, desk.people["admin"].id.hex)
    for wrong in (new, old, other_person, "cfi_nonsense", new + "x"):
        answer = await desk.client().post("/invitation", data={**form, "invitation": wrong})
        assert answer.status_code == 401
        said.add(answer.text)
    assert len(said) == 1
    assert desk.services.knocks.total == before + 5


async def test_a_weak_password_is_refused_and_the_invitation_kept(desk: Desk) -> None:
    """The form comes back with the sentence; nothing was set."""
    code = await invite(desk, "dora")
    for password, again, sentence in (
        ("short", "short", "at least 12 characters"),
        (GOOD, BETTER, "differ"),
        ("dora dora dora dora", "dora dora dora dora", "your name"),
    ):
        answer = await desk.client().post(
            "/invitation", data={"invitation": code, "password": password, "again": again}
        )
        assert answer.status_code == 422
        assert sentence in answer.text
        assert password not in answer.text
    good = await desk.client().post("/invitation", data={"invitation": code, "password": GOOD, "again": GOOD})
    assert good.status_code == 303


async def test_wrong_passwords_and_unknown_names_are_answered_alike(desk: Desk) -> None:
    """Nobody learns who is here: a name without a password, one that nobody has, a wrong password."""
    await with_password(desk, "emil")
    desk.people["fred"] = await desk.employ("fred", ())
    pages: set[str] = set()
    for name, password in (("emil", BETTER), ("fred", GOOD), ("who", GOOD), ("emil", ""), ("emil", "x" * 5000)):
        answer = await enter(desk, name, password)
        assert (answer.status_code, WRONG in answer.text) == (401, True)
        assert "Set-Cookie" not in answer.headers
        assert not password or password not in answer.text
        pages.add(answer.text.replace(f'value="{name}"', ""))
    assert len(pages) == 1


async def test_guessing_one_name_is_soon_answered_by_wait(desk: Desk) -> None:
    """429 with Retry-After, also for the right password, also for a name that nobody has; others are let in."""
    await with_password(desk, "gina")
    await with_password(desk, "hugo")
    for name in ("gina", "whoever"):
        statuses = [(await enter(desk, name, "wrong password")).status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]
    limited = await enter(desk, "gina", GOOD)
    assert (limited.status_code, int(limited.headers["Retry-After"]) > 0) == (429, True)
    assert (await enter(desk, "hugo", GOOD)).status_code == 303


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
@pytest.mark.parametrize("path", ["/login/password", "/login", "/invitation"])
async def test_no_other_site_signs_anybody_in(desk: Desk, path: str, headers: dict[str, str]) -> None:
    """Login forgery: the forms count only on our own pages (OWASP, login CSRF)."""
    code = await invite(desk, "ivan")
    form = {"name": "ivan", "password": GOOD, "again": GOOD, "invitation": code, "token": desk.people["ivan"].token}
    answer = await desk.client().post(path, data=form, headers=headers)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "x"]
)
async def test_signing_in_leads_nowhere_else(desk: Desk, wanted: str) -> None:
    """An address of another site is forgotten."""
    await with_password(desk, "jane")
    answer = await enter(desk, "jane", GOOD, next=wanted)
    assert urlsplit(answer.headers["Location"]).netloc == ""
    assert answer.headers["Location"] == "/"


async def test_a_changed_password_ends_all_other_sessions(desk: Desk) -> None:
    """The one that changes it stays; the old password is worth nothing."""
    first, second = await with_password(desk, "kira"), desk.client()
    await second.post("/login/password", data={"name": "kira", "password": GOOD})
    await desk.settled()
    form = {"csrf_token": await csrf(first), "current": "not this one", "password": BETTER, "again": BETTER}
    refused = await first.post("/account/password", data=form)
    assert (refused.status_code, "not your password" in refused.text) == (422, True)
    assert (await second.get(f"{API}/me")).status_code == 200
    changed = await first.post("/account/password", data={**form, "current": GOOD})
    assert (changed.status_code, changed.headers["Location"]) == (303, "/account?said=password")
    assert (await first.get(f"{API}/me")).status_code == 200
    assert (await second.get(f"{API}/me")).status_code == 401
    assert (await enter(desk, "kira", GOOD)).status_code == 401
    assert (await enter(desk, "kira", BETTER)).status_code == 303
    assert [each["reason"] for each in await told(desk, "kira", "session.ended")] == ["password_changed"]


async def test_the_account_page_tells_where_one_is_signed_in_and_ends_it(desk: Desk) -> None:
    """One session by one button, all others by another; nobody ends somebody else's."""
    here, there = await with_password(desk, "lena"), desk.client()
    stranger = await with_password(desk, "mona")
    await there.post("/login", data={"token": desk.people["lena"].token})
    await desk.settled()
    page = (await here.get("/account")).text
    assert "API token" in page
    assert "192.0.2.7" in page
    [other] = re.findall(r"/account/sessions/([0-9a-f-]{36})/end", page)
    denied = await stranger.post(f"/account/sessions/{other}/end", data={"csrf_token": await csrf(stranger)})
    assert denied.status_code == 404
    assert (await there.get(f"{API}/me")).status_code == 200
    ended = await here.post(f"/account/sessions/{other}/end", data={"csrf_token": await csrf(here)})
    assert ended.status_code == 303
    assert (await there.get(f"{API}/me")).status_code == 401
    third = desk.client()
    await third.post("/login/password", data={"name": "lena", "password": GOOD})
    await here.post("/account/sessions/end", data={"csrf_token": await csrf(here)})
    assert (await third.get(f"{API}/me")).status_code == 401
    assert (await here.get(f"{API}/me")).status_code == 200
    assert (await stranger.get(f"{API}/me")).status_code == 200


async def test_a_form_without_the_sessions_token_does_nothing(desk: Desk) -> None:
    """Every form that changes something has it."""
    client = await with_password(desk, "nora")
    for path in ("/account/password", "/account/sessions/end", "/logout"):
        assert (await client.post(path, data={"csrf_token": "0" * 64})).status_code == 403
    assert (await client.get(f"{API}/me")).status_code == 200


async def test_over_https_the_cookie_is_for_this_host_alone(desk: Desk) -> None:
    """`__Host-` and Secure; one without the prefix, which another host could have set, is not looked at."""
    await with_password(desk, "olga")
    transport = httpx.ASGITransport(desk.app, raise_app_exceptions=False)  # type: ignore[arg-type] # as httpx wants it
    client = httpx.AsyncClient(transport=transport, base_url="https://certferry.test")
    answer = await client.post("/login/password", data={"name": "olga", "password": GOOD})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-certferry_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert (await client.get(f"{API}/me")).status_code == 200
    value = client.cookies["__Host-certferry_session"]
    bare = httpx.AsyncClient(transport=transport, base_url="https://certferry.test")
    assert (await bare.get(f"{API}/me", headers={"Cookie": f"certferry_session={value}"})).status_code == 401


async def test_a_session_ends_when_nothing_is_done_with_it(desk: Desk) -> None:
    """Idle, it ends; looking at pages keeps it, and never beyond its end; what pages fetch by themselves does not."""
    client, settings, now = await with_password(desk, "paul"), desk.services.settings, desk.services.now()
    session = sessions.read(client.cookies[sessions.COOKIE], settings.session_key, now)
    assert session is not None
    assert session.idle_at - now <= timedelta(seconds=settings.idle_seconds)
    assert sessions.read(sessions.write(session, b"k"), b"k", session.idle_at) is None

    async def renewed(idle_in: int, **headers: str) -> sessions.Session | None:
        worn = msgspec.structs.replace(session, idle_at=desk.services.now() + timedelta(seconds=idle_in))
        value = sessions.write(worn, settings.session_key)
        answer = await desk.client().get("/account", headers={"Cookie": f"{sessions.COOKIE}={value}", **headers})
        assert answer.status_code in (200, 303)
        given = answer.cookies.get(sessions.COOKIE)
        return sessions.read(given, settings.session_key, desk.services.now()) if given else None

    kept = await renewed(60, Accept="text/html")
    assert kept is not None
    assert session.idle_at <= kept.idle_at <= kept.expires_at == session.expires_at
    assert await renewed(60, **{"Accept": "text/html", "HX-Request": "true"}) is None
    assert await renewed(settings.idle_seconds - 5, Accept="text/html") is None
    assert await renewed(-1, Accept="text/html") is None


async def test_erased_and_disabled_people_are_out_at_once(desk: Desk) -> None:
    """Session, password and invitation end with the person."""
    client, code = await with_password(desk, "quin"), await invite(desk, "quin")
    url = f"{API}/principals/{desk.people['quin'].id}"
    gone = await desk.as_("admin").post(f"{url}/erase", json={"reason": "no_longer_necessary"})
    assert gone.status_code == 200, gone.text
    assert (await client.get(f"{API}/me")).status_code == 401
    assert (await enter(desk, "quin", GOOD)).status_code == 401
    used = await desk.client().post("/invitation", data={"invitation": code, "password": GOOD, "again": GOOD})
    assert used.status_code == 401
    assert (await desk.as_("admin").post(f"{url}/invitations", json={})).status_code == 409


async def test_sessions_outlive_a_restart(desk: Desk) -> None:
    """A directory that begins anew knows who is signed in, and who signed out."""
    client, gone = await with_password(desk, "rita"), desk.client()
    await gone.post("/login/password", data={"name": "rita", "password": GOOD})
    cookie = gone.cookies[sessions.COOKIE]
    await gone.post("/logout", data={"csrf_token": await csrf(gone)})
    await desk.settled()
    fresh = type(desk.services.directory)()
    await fresh.load(desk.services.views.principals, await desk.head(), desk.services.now())
    key, now = desk.services.settings.session_key, desk.services.now()
    alive, over = (sessions.read(each, key, now) for each in (client.cookies[sessions.COOKIE], cookie))
    assert alive is not None
    assert over is not None
    assert fresh.of_session(alive.id, now) is not None
    assert fresh.of_session(over.id, now) is None
