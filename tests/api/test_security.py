"""Who may call what: declared by every route, denied by default, and history like everything else."""

from typing import Any, cast
from uuid import UUID

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api import sessions
from api.security import permission_of
from application.administering import create_token
from application.house import Context
from application.ports import Log, LogUnavailable
from domain.entity import Actor, ActorKind
from domain.role_grant import Role
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Agent, Story


class Away:
    """A ledger that cannot be reached."""

    async def append(self, *_: Any) -> None:
        raise LogUnavailable


NOTHING = "00000000-0000-4000-8000-000000000000"

OPEN_TO_ALL = {
    "/",
    "/static",
    "/login",
    "/login/password",
    "/login/oidc",
    "/login/oidc/callback",
    "/invitation",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/start.js",
}
EVERY_ROLE = {"requester", "approver", "implementer", "operator", "auditor", "admin", "lead"}
EVERYBODY = EVERY_ROLE | {"nobody"}
MAY: dict[str, set[str]] = {
    "POST certificates": {"operator"},
    "PATCH certificates/{id}": {"operator"},
    "GET certificates/{id}/download": {"operator"},
    "POST certificates/{id}/pfx-exports": {"operator"},
    "POST certificates/{id}/pfx-exports/{id}/download": {"operator"},
    "POST certificates/{id}/connectors": {"operator"},
    "POST certificates/{id}/renew": {"requester", "lead"},
    "POST certificates/{id}/revocation-requests": {"operator"},
    "POST certificates/{id}/revoke": {"operator"},
    "POST certificates/{id}/revocation-notice/retry": {"operator"},
    "POST certificates/{id}/revocation-notice/told": {"operator"},
    "PATCH connectors/{id}": {"operator"},
    "DELETE connectors/{id}": {"operator"},
    "POST certificates/{id}/push": {"requester", "lead"},
    "POST certificates/{id}/deploy": {"requester", "lead", "operator"},
    "POST connectors/{id}/deploy": {"requester", "lead", "operator"},
    "POST work-orders/{id}/approve": {"approver", "lead"},
    "POST work-orders/{id}/reject": {"approver", "lead"},
    "POST work-orders/{id}/implement": {"implementer", "lead"},
    "POST work-orders/{id}/reschedule": {"implementer", "lead"},
    "POST work-orders/{id}/retry": {"implementer", "lead"},
    "POST work-orders/{id}/cancel": {"requester", "lead"},
    "POST orders": {"requester", "lead"},
    "POST orders/{id}/resubmit": {"requester", "lead"},
    "GET orders/{id}/csr": {"requester", "lead", "operator"},
    "GET orders/{id}/certificate": {"requester", "lead", "operator"},
    "POST orders/{id}/certificate": {"requester", "lead", "operator"},
    "POST target-systems": {"operator"},
    "PATCH target-systems/{id}": {"operator"},
    "DELETE target-systems/{id}": {"operator"},
    "POST target-systems/{id}/test": {"operator"},
    "POST bridges": {"operator"},
    "DELETE bridges/{id}": {"operator"},
    "POST bridges/{id}/approve": {"approver", "lead", "operator", "admin"},
    "POST bridges/{id}/quarantine": {"operator"},
    "POST bridges/{id}/enrolment-tokens": {"operator"},
    "POST providers": {"operator", "admin"},
    "PATCH providers/{id}": {"operator", "admin"},
    "DELETE providers/{id}": {"operator", "admin"},
    "GET acme-eab-keys": {"operator", "admin", "auditor"},
    "GET acme-eab-keys/{id}": {"operator", "admin", "auditor"},
    "POST acme-eab-keys": {"operator", "admin"},
    "DELETE acme-eab-keys/{id}": {"operator", "admin"},
    "DELETE acme-accounts/{id}": {"operator", "admin"},
    "POST discoveries": {"operator"},
    "POST replacements": {"requester", "lead"},
    "POST replacements/preview": {"requester", "lead"},
    "POST replacements/{id}/retry": {"requester", "lead"},
    "POST replacements/{id}/cancel": {"requester", "lead"},
    "POST verification-runs": {"operator"},
    "POST alerts/{id}/acknowledge": {"operator"},
    "POST alerts/{id}/resolve": {"operator"},
    "POST reports/review": {"operator", "auditor"},
    "GET report-schedules": {"admin", "auditor"},
    "GET report-schedules/{id}": {"admin", "auditor"},
    "GET report-schedules/{id}/deliveries": {"admin", "auditor"},
    "GET report-schedules/{id}/deliveries/{id}": {"admin", "auditor"},
    "POST report-schedules": {"admin", "auditor"},
    "PATCH report-schedules/{id}": {"admin", "auditor"},
    "DELETE report-schedules/{id}": {"admin", "auditor"},
    "POST report-schedules/{id}/pause": {"admin", "auditor"},
    "POST report-schedules/{id}/resume": {"admin", "auditor"},
    "POST report-schedules/{id}/send": {"admin", "auditor"},
    "GET alerts": {"operator", "auditor"},
    "GET alerts/{id}": {"operator", "auditor"},
    "GET expiry-alert-rules": {"operator", "admin", "auditor"},
    "GET expiry-alert-rules/{id}": {"operator", "admin", "auditor"},
    "POST expiry-alert-rules": {"admin"},
    "PATCH expiry-alert-rules/{id}": {"admin"},
    "DELETE expiry-alert-rules/{id}": {"admin"},
    "GET notification-channels": {"admin", "auditor"},
    "GET notification-channels/{id}": {"admin", "auditor"},
    "GET notification-channels/{id}/deliveries": {"admin", "auditor"},
    "GET notification-channels/{id}/deliveries/{id}": {"admin", "auditor"},
    "POST notification-channels": {"admin"},
    "PATCH notification-channels/{id}": {"admin"},
    "DELETE notification-channels/{id}": {"admin"},
    "POST notification-channels/{id}/test": {"admin"},
    "GET audit/diff": {"auditor"},
    "GET audit/export": {"auditor"},
    "GET work-orders/{id}/evidence": {"auditor"},
    "GET audit-events": {"auditor"},
    "GET audit-events/1": {"auditor"},
    "GET audit-events/1/payload": {"auditor"},
    "GET audit-events/1/leaf": {"auditor"},
    "GET audit-events/1/proof": {"auditor"},
    "GET audit/key": {"auditor"},
    "GET audit/checkpoint": {"auditor"},
    "GET audit/checkpoints/1": {"auditor"},
    "GET audit/checkpoints/1/timestamp": {"auditor"},
    "GET audit/tile/0/000": {"auditor"},
    "GET audit/tile/entries/000": {"auditor"},
    "GET audit/consistency": {"auditor"},
    "POST audit/verifications": {"auditor"},
    "GET audit/verifications/{id}": {"auditor"},
    "GET principals": {"admin", "auditor"},
    "GET principals/{id}": {"admin", "auditor"},
    "POST principals": {"admin"},
    "POST principals/{id}/grants": {"admin"},
    "DELETE principals/{id}/grants/auditor": {"admin"},
    "POST principals/{id}/grants/{id}/approve": {"admin", "approver", "lead"},
    "POST principals/{id}/grants/{id}/reject": {"admin", "approver", "lead"},
    "GET role-grants": {"admin", "approver", "lead", "auditor"},
    "GET role-grants/{id}": {"admin", "approver", "lead", "auditor"},
    "POST principals/{id}/disable": {"admin"},
    "POST principals/{id}/enable": {"admin"},
    "POST principals/{id}/erase": {"admin"},
    "POST principals/{id}/invitations": {"admin"},
    "POST principals/{id}/identity/release": {"admin"},
    "GET issuance-policies": {"admin", "auditor"},
    "GET issuance-policies/{id}": {"admin", "auditor"},
    "POST issuance-policies": {"admin"},
    "PATCH issuance-policies/{id}": {"admin"},
    "DELETE issuance-policies/{id}": {"admin"},
    "POST issuance-policies/evaluate": {"requester", "lead", "auditor", "admin"},
    "POST approval-policies": {"admin"},
    "PATCH approval-policies/{id}": {"admin"},
    "DELETE approval-policies/{id}": {"admin"},
    "POST approval-policies/evaluate": {"requester", "approver", "implementer", "operator", "auditor", "admin", "lead"},
    "POST standing-approvals": {"approver", "lead", "admin"},
    "POST standing-approvals/{id}/approve": {"approver", "lead", "admin"},
    "POST standing-approvals/{id}/revoke": {"approver", "lead", "admin"},
    "DELETE standing-approvals/{id}": {"approver", "lead", "admin"},
    "GET legal-holds": {"admin", "auditor"},
    "GET legal-holds/{id}": {"admin", "auditor"},
    "POST legal-holds": {"admin"},
    "POST legal-holds/{id}/release": {"admin"},
    "DELETE legal-holds/{id}": {"admin"},
    "GET tokens": {"admin", "auditor"},
    "GET tokens/{id}": {"admin", "auditor"},
    "POST tokens": {"admin"},
    "DELETE tokens/{id}": {"admin"},
    "POST tokens/{id}/revoke": EVERYBODY,
    "GET webhooks": {"admin", "auditor"},
    "GET webhooks/{id}": {"admin", "auditor"},
    "GET webhooks/{id}/deliveries": {"admin", "auditor"},
    "GET webhooks/{id}/deliveries/{id}": {"admin", "auditor"},
    "POST webhooks": {"admin"},
    "PATCH webhooks/{id}": {"admin"},
    "DELETE webhooks/{id}": {"admin"},
    "POST webhooks/{id}/rotate-secret": {"admin"},
    "POST webhooks/{id}/test": {"admin"},
    "POST webhooks/{id}/redeliver": {"admin"},
    "POST webhooks/{id}/deliveries/{id}/redeliver": {"admin"},
    "GET me": EVERYBODY,
}
PKI = {"/pki/ca.pem", "/pki/ca/{name}", "/pki/crl/{name}", "/pki/ocsp", "/pki/ocsp/{question}"}
PUBLIC = {"/.well-known/acme-challenge/{token}", "/problems/{slug}", "/schemas/events/{name}"} | PKI
SIGNED = {
    "/acme/accounts/{account_id}",
    "/acme/accounts/{account_id}/orders",
    "/acme/authorizations/{order_id}/{number}",
    "/acme/challenges/{order_id}/{number}/{kind}",
    "/acme/directory",
    "/acme/key-change",
    "/acme/new-account",
    "/acme/new-nonce",
    "/acme/new-order",
    "/acme/orders/{order_id}",
    "/acme/orders/{order_id}/certificate",
    "/acme/orders/{order_id}/finalize",
    "/acme/renewal-info/{certificate}",
    "/acme/revoke-cert",
}
"""Nobody signs in here: a request is signed by an account (tests/api/test_acme_server.py)."""


def handlers(desk: Desk) -> list[tuple[str, str, HTTPRouteHandler]]:
    return [
        (method, route.path_format, handler)
        for route in desk.app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS"
    ]


async def test_every_route_declares_who_may_call_it(desk: Desk) -> None:
    """The whole table, pages included; only what is known to be open is open."""
    found = handlers(desk)
    assert len(found) > 70
    assert [(method, path) for method, path, handler in found if permission_of(handler) is None] == []
    open_routes = {path for _, path, handler in found if (access := permission_of(handler)) and access.public}
    assert open_routes - OPEN_TO_ALL == PUBLIC | SIGNED | {p for p in open_routes if "static" in p}


class _Parts(dict[str, str]):
    """What stands in a path: an id that names nothing, or what the address takes instead."""

    def __missing__(self, name: str) -> str:
        return {"position": "1", "role": "auditor", "size": "1", "level": "0", "name": "000"}.get(name, NOTHING)


async def test_each_role_may_do_what_the_contract_says_and_nothing_else(desk: Desk) -> None:
    """Every person tries every address: forbidden exactly where the table of the contract does not name the role."""
    templates = {(method, path.removeprefix(API + "/")) for method, path, _ in handlers(desk) if path.startswith(API)}
    wrong: list[str] = []
    for method, template in sorted(templates):
        path = template.format_map(_Parts())
        allowed = MAY.get(f"{method} {path.replace(NOTHING, '{id}')}", EVERY_ROLE if method == "GET" else set())
        for name in desk.people:
            answer = await desk.as_(name).request(method, f"{API}/{path}", headers={"If-Match": '"1"'})
            if (answer.status_code == 403) == (name in allowed):
                wrong.append(f"{method} {path} by {name}: {answer.status_code}")
    assert wrong == []


async def test_without_a_token_nothing_is_told(desk: Desk) -> None:
    """401 with WWW-Authenticate, the same for every way of having no valid token; before anything is looked up."""
    token = desk.people["operator"].token
    secret = token.split("_", 2)[2]
    head = token.removesuffix(f"_{secret}")
    wrong = [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {token}",
        f"Bearer {token}x",
        f"Bearer {head}_{'A' * len(secret)}",
        f"Bearer cf_{'0' * 32}_{secret}",
        f"Bearer {token.upper()}",
        f"Bearer cf_{secret}",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "Bearer " + "x" * 5000,
        f"Bearer {token}, Bearer {token}",
    ]
    details = set()
    for value in wrong:
        client = desk.client({} if value is None else {"Authorization": value})
        for path in (f"{API}/certificates", f"{API}/certificates/{NOTHING}", f"{API}/me"):
            answer = await client.get(path)
            problem = refused(answer, 401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="certferry"')
            details.add(problem["detail"])
    assert len(details) == 2, "one sentence without a token, one with a wrong one"
    assert desk.services.knocks.total == 3 * len(wrong)


async def test_headers_that_claim_to_be_somebody_are_not_believed(desk: Desk) -> None:
    """Neither identity nor address comes from a header."""
    forged = {
        "X-SSL-Client-Verify": "SUCCESS",
        "X-SSL-Client-S-DN": "CN=admin",
        "X-Forwarded-User": "admin",
        "X-Remote-User": "admin",
        "X-Forwarded-For": "10.9.8.7",
        "Forwarded": "for=10.9.8.7",
    }
    refused(await desk.client(forged).get(f"{API}/me"), 401, "unauthenticated")
    story = await Story(desk).imported()
    client = desk.client(forged | {"Authorization": f"Bearer {desk.people['requester'].token}"})
    await client.post(f"{API}/certificates/{story.certificate_id}/push")
    [event] = (await story.get("audit-events", type="work_order.push.refused"))["items"]
    assert event["data"]["meta"]["client_address"] == "192.0.2.7"


async def test_a_denied_request_of_somebody_known_is_an_event(desk: Desk) -> None:
    """Who, which address, which route; never what was sent."""
    refused(await desk.as_("requester").get(f"{API}/audit-events"), 403, "forbidden")
    [event] = (await Story(desk).get("audit-events", type="access.denied"))["items"]
    assert event["actor"]["id"] == str(desk.people["requester"].id)
    assert (event["data"]["method"], event["data"]["route"]) == ("GET", "/api/v1/audit-events")
    assert event["data"]["meta"]["credential"].startswith("token:")


async def test_failures_nobody_vouches_for_are_one_event_per_source(desk: Desk) -> None:
    """No credentials, a wrong token at the sign-in page, a bridge that wants another's work: counted,
    and told together; told once, even when the ledger was away in between.
    """
    for path in ("certificates", "work-orders"):
        refused(await desk.as_(None).get(f"{API}/{path}"), 401, "unauthenticated")
    assert (await desk.as_(None).post("/login", data={"token": "cf_x"})).status_code == 401
    bridge = await Agent(desk).enrol()
    nothing = {"assignment_id": NOTHING, "fence": 1, "step": "write"}
    for _ in range(3):
        refused(await bridge.call("progress", nothing), 403, "forbidden")
    refused(await desk.bridge_client(b"nonsense").post("/bridge/v1/progress", json=nothing), 403, "forbidden")

    away = desk.core.house._replace(log=cast("Log", Away()))
    with pytest.raises(LogUnavailable):
        await desk.services.knocks.tell(away)
    for _ in range(2):
        await desk.services.knocks.tell(desk.core.house)
    events = (await Story(desk).get("audit-events", type="access.denied"))["items"]
    said = {(event["actor"]["id"], event["data"]["code"]): event["data"] for event in events}
    assert len(said) == len(events) == 3
    anonymous = said["anonymous", "unauthenticated"]
    assert (anonymous["times"], anonymous["method"], anonymous["route"]) == (3, "GET", "/api/v1/certificates")
    assert anonymous["meta"]["client_address"] == "192.0.2.7"
    assert said[str(bridge.id), "forbidden"]["times"] == 3
    assert "times" not in said["anonymous", "forbidden"]


async def test_many_sources_fill_no_ledger(desk: Desk) -> None:
    """The busiest have an event each, all others one together; nothing is lost of the count."""
    for number in range(300):
        for _ in range(2 if number < 50 else 1):
            desk.services.knocks.count(f"192.0.2.{number}", "GET", "/")
    before = await desk.head()
    await desk.services.knocks.tell(desk.core.house)
    told = await desk.head() - before  # reading the audit log is an event, too
    events = (await Story(desk).get("audit-events", type="access.denied", limit=200))["items"]
    times = [event["data"].get("times", 1) for event in events]
    assert len(events) == told == 101
    assert (sum(times), times[:50], times[-1]) == (350, [2] * 50, 200)


async def test_a_revoked_token_stops_with_the_next_request(desk: Desk) -> None:
    """Revoked over REST, and refused at once."""
    person = await desk.employ("temp", (Role.OPERATOR,))
    client = desk.client({"Authorization": f"Bearer {person.token}"})
    assert (await client.get(f"{API}/me")).status_code == 200
    token_id = person.token_id
    gone = await desk.as_("admin").delete(f"{API}/tokens/{token_id}", headers={"If-Match": '"1"'})
    assert gone.status_code == 204
    refused(await client.get(f"{API}/me"), 401, "unauthenticated")


async def test_a_revoked_role_stops_with_the_next_request_and_a_token_never_had_more(desk: Desk) -> None:
    """Demotion counts for tokens that were made before; narrowing holds, widening does not exist."""
    person = await desk.employ("temp", (Role.OPERATOR, Role.APPROVER))
    narrow = desk.client({"Authorization": f"Bearer {await desk.token(person.id, (Role.APPROVER, Role.ADMIN))}"})
    assert (await narrow.get(f"{API}/me")).json()["roles"] == ["approver"]
    refused(await narrow.get(f"{API}/tokens"), 403, "forbidden")
    url = f"{API}/principals/{person.id}/grants/approver"
    tag = (await desk.as_("admin").get(f"{API}/principals/{person.id}")).headers["ETag"]
    gone = await desk.as_("admin").delete(url, headers={"If-Match": tag})
    assert (gone.status_code, gone.json()["roles"]) == (200, ["operator"])
    assert (await narrow.get(f"{API}/me")).json()["roles"] == []
    refused(await narrow.get(f"{API}/certificates"), 403, "forbidden")


async def test_an_expired_token_is_none(desk: Desk) -> None:
    """The clock ends it."""
    house = desk.core.house
    context = Context(actor=Actor(ActorKind.SYSTEM, "test"), at=house.clock(), command_id=UUID(NOTHING))
    made = await create_token(house, context, desk.people["operator"].id, "old", days=-1)
    await desk.services.directory.reached(made.position, 30)
    refused(await desk.client({"Authorization": f"Bearer {made.result.text}"}).get(f"{API}/me"), 401, "unauthenticated")


async def signed_in(desk: Desk, name: str) -> tuple[Any, str]:
    """A browser with a session, and the session's CSRF token."""
    client = desk.client()
    answer = await client.post("/login", data={"token": desk.people[name].token, "next": "/"})
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert desk.people[name].token.split("_", 2)[2] not in cookie
    settings = desk.services.settings
    session = sessions.read(client.cookies[sessions.COOKIE], settings.session_key, desk.services.now())
    assert session is not None
    return client, sessions.csrf_token(session, settings.session_key)


async def test_a_session_is_its_token(desk: Desk) -> None:
    """Signed in by a token, one is its owner; when the token is revoked, the session is over."""
    person = await desk.employ("temp", (Role.OPERATOR,))
    desk.people["temp"] = person
    client, _ = await signed_in(desk, "temp")
    assert (await client.get(f"{API}/me")).json()["name"] == "temp"
    token_id = person.token_id
    await desk.as_("admin").delete(f"{API}/tokens/{token_id}", headers={"If-Match": '"1"'})
    refused(await client.get(f"{API}/me"), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("headers", "with_token"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": "https://evil.example"}, True),
        ({"X-CSRF-Token": "0" * 64}, False),
        ({"X-CSRF-Token": "ü"}, False),
    ],
)
async def test_another_site_cannot_use_a_session(desk: Desk, headers: dict[str, str], with_token: bool) -> None:
    """An unsafe request with the cookie must come from our own pages and say so."""
    client, csrf = await signed_in(desk, "operator")
    sent = {**headers, **({"X-CSRF-Token": csrf} if with_token else {})}
    encoded = {name: value.encode() for name, value in sent.items()}
    answer = await client.post(f"{API}/bridges", json={"name": "x"}, headers=encoded)
    refused(answer, 403, "forbidden")
    [event] = (await Story(desk).get("audit-events", type="access.denied"))["items"]
    assert (event["actor"]["id"], event["data"]["route"]) == (str(desk.people["operator"].id), f"{API}/bridges")
    mine = {"X-CSRF-Token": csrf, "Sec-Fetch-Site": "same-origin"}
    assert (await client.post(f"{API}/bridges", json={"name": "x"}, headers=mine)).status_code == 201


async def test_signing_out_ends_the_session(desk: Desk) -> None:
    """The same cookie is worth nothing afterwards."""
    client, csrf = await signed_in(desk, "operator")
    kept = client.cookies[sessions.COOKIE]
    assert (await client.post("/logout", data={"csrf_token": csrf})).status_code == 303
    thief = desk.client({"Cookie": f"{sessions.COOKIE}={kept}"})
    refused(await thief.get(f"{API}/me"), 401, "unauthenticated")


async def test_a_forged_or_old_cookie_is_none(desk: Desk) -> None:
    """Signed with another key, changed, ended, or of a session that nobody opened."""
    key, now = desk.services.settings.session_key, desk.services.now()
    client, _ = await signed_in(desk, "admin")
    good = client.cookies[sessions.COOKIE]
    session = sessions.read(good, key, now)
    assert session is not None
    payload, _, signature = good.partition(".")
    for value in (
        sessions.write(session, b"another key of thirty-two bytes!"),
        sessions.write(msgspec.structs.replace(session, expires_at=now), key),
        sessions.write(msgspec.structs.replace(session, idle_at=now), key),
        sessions.write(msgspec.structs.replace(session, id=UUID(int=7)), key),
        f"{payload}.{'0' * 64}",
        f"{payload[:-2]}.{signature}",
        f"{payload}",
        f".{signature}",
        "nonsense",
    ):
        thief = desk.client({"Cookie": f"{sessions.COOKIE}={value}"})
        refused(await thief.get(f"{API}/me"), 401, "unauthenticated")
    assert (await desk.client({"Cookie": f"{sessions.COOKIE}={good}"}).get(f"{API}/me")).status_code == 200


async def test_nobody_is_let_in_while_revocations_may_go_unheard(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that cannot follow the ledger is not trusted: 503, and not ready."""
    monkeypatch.setattr(type(desk.services.directory), "trustworthy", property(lambda _: False))
    refused(await desk.as_("operator").get(f"{API}/me"), 503, "unavailable")
    assert (await desk.as_(None).get("/livez")).status_code == 200
