"""People sign in through a provider of OpenID Connect, a real one; nothing counts but its word, here and now."""

from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey

from adapters.demo.ports import free_port
from adapters.setting_sources import SettingsRefused
from adapters.settings import Oidc as Chosen
from adapters.signing_in.configuring import configured
from adapters.signing_in.oidc import Oidc, OidcSettings
from application.signing_in_ports import NotProven
from domain.role_grant import Role
from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.support import oidc
from tests.support.postgres import PostgresServer, database

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("oidc-provider")]
API, NONCE = "/api/v1", "n" * 43
BACK = "http://certferry.test/login/oidc/callback"
PEOPLE: dict[str, dict[str, Any]] = {
    "1": {"preferred_username": "Ann", "groups": ["ops", "cert-approvers", 7]},
    "2": {"preferred_username": "mallory"},
    "3": {"preferred_username": "nobody"},
    "4": {"preferred_username": "courier-1"},
    "5": {},
    "6": {"preferred_username": "ann"},
}
KEYS = oidc.new_keys("first")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The provider."""
    with oidc.provider(tmp_path_factory.mktemp("provider"), BACK, PEOPLE, KEYS) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory, issuer: str
) -> AsyncIterator[Desk]:
    """The service with the provider, and Ann, who holds two roles here."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            object.__setattr__(opened.services, "identity_provider", provider_of(opened, issuer))
            opened.people["Ann"] = await opened.employ("ann", (Role.APPROVER, Role.OPERATOR))
            yield opened


def provider_of(desk: Desk, issuer: str, **more: Any) -> Oidc:
    """The provider as an operator sets it up."""
    settings = OidcSettings(issuer=issuer, client_id="certferry", client_secret=oidc.SECRET, **more)
    return Oidc(settings, desk.services.now)


async def begin(desk: Desk, wanted: str = "/") -> tuple[httpx.AsyncClient, str]:
    """A browser that has begun, and where it is sent to."""
    browser = desk.client()
    answer = await browser.get("/login/oidc", params={"next": wanted})
    assert answer.status_code == 303, answer.text
    return browser, answer.headers["Location"]


async def finish(desk: Desk, login: str, wanted: str = "/") -> tuple[httpx.AsyncClient, httpx.Response]:
    """A browser that has been to the provider, and the answer it gets when it comes back."""
    browser, url = await begin(desk, wanted)
    return browser, await browser.get(await oidc.sign_in_there(url, login))


async def release(desk: Desk) -> None:
    """Ann's next account at a provider is bound."""
    answer = await desk.as_("admin").post(f"{API}/principals/{desk.people['Ann'].id}/identity/release")
    assert answer.status_code == 200, answer.text


@contextmanager
def no_session(browser: httpx.AsyncClient) -> Any:
    """Nobody is signed in by what is done here."""
    yield
    assert "certferry_session" not in browser.cookies


async def test_somebody_the_provider_knows_gets_a_session(desk: Desk) -> None:
    """By code, with PKCE (S256), state and nonce; an event tells it."""
    browser, url = await begin(desk, "/orders?status=failed")
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)
    answer = await browser.get(await oidc.sign_in_there(url, "1"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orders?status=failed"), answer.text
    me = (await browser.get(f"{API}/me")).json()
    assert (me["name"], me["roles"], me["credential"][:8]) == ("ann", ["approver", "operator"], "session:")
    page = (await desk.client().get("/login")).text
    assert "Continue with your organisation" in page


async def test_a_claim_narrows_roles_and_never_widens_them(desk: Desk, issuer: str) -> None:
    """What the provider's groups stand for, of what the person holds here."""
    ours = desk.services.identity_provider
    narrow = provider_of(
        desk, issuer, roles_claim="groups", roles={"cert-approvers": (Role.APPROVER,), "ops": (Role.ADMIN,)}
    )
    object.__setattr__(desk.services, "identity_provider", narrow)
    try:
        browser, _ = await finish(desk, "1")
        assert (await browser.get(f"{API}/me")).json()["roles"] == ["approver"]
    finally:
        object.__setattr__(desk.services, "identity_provider", ours)


async def test_a_name_that_is_given_to_somebody_else_opens_nothing(desk: Desk) -> None:
    """The first account at the provider that came by a name stands for the person, until an administrator releases it;
    whatever the other one is called. The ledger tells of all that, but not who they are at the provider.
    """
    browser, _ = await finish(desk, "1")
    assert (await browser.get(f"{API}/me")).json()["name"] == "ann"
    stranger, answer = await finish(desk, "6")
    with no_session(stranger):
        assert (answer.status_code, "Another account" in answer.text) == (403, True)
    ann, admin = desk.people["Ann"].id, desk.as_("admin")
    page = (await admin.get(f"/people/{ann}", headers={"Accept": "text/html"})).text
    assert "by one account since" in page
    assert f"/people/{ann}/release-identity" in page
    for who, status in (("operator", 403), ("admin", 200), ("admin", 200)):
        assert (await desk.as_(who).post(f"{API}/principals/{ann}/identity/release")).status_code == status
    browser, _ = await finish(desk, "6")
    assert (await browser.get(f"{API}/me")).json()["name"] == "ann"
    assert (await finish(desk, "1"))[1].status_code == 403
    found = await desk.as_("auditor").get(f"{API}/audit-events", params={"subject": str(ann), "type": "identity.*"})
    told = found.json()["items"]
    assert ["identity.bound", "identity.released", "identity.bound"] == [each["type"] for each in told]
    raw = await desk.as_("auditor").get(f"{API}/audit-events/{told[0]['position']}/payload")
    assert b"http://127.0.0.1" not in raw.content
    await release(desk)


@pytest.mark.parametrize(("login", "sentence"), [("2", "no account of yours here"), ("5", "did not say")])
async def test_whoever_is_not_known_here_gets_a_clear_page(desk: Desk, login: str, sentence: str) -> None:
    """Denied by default: the provider's word makes nobody."""
    browser, answer = await finish(desk, login)
    with no_session(browser):
        assert answer.status_code in (401, 403)
        assert sentence in answer.text


async def test_an_attempt_counts_once_and_only_in_its_browser(desk: Desk) -> None:
    """A wrong state, a code in another browser (login forgery), the same answer again, a code that was redeemed."""
    browser, url = await begin(desk)
    cookies = dict(browser.cookies)
    where = await oidc.sign_in_there(url, "1")
    forged = dict(parse_qsl(urlsplit(where).query)) | {"state": "x" * 43}
    with no_session(browser):
        assert (await browser.get(f"/login/oidc/callback?{urlencode(forged)}")).status_code == 401
    other, _ = await begin(desk)
    for stranger in (other, desk.client()):
        with no_session(stranger):
            assert (await stranger.get(where)).status_code == 401
    assert (await browser.get(where)).status_code == 303
    thief = httpx.AsyncClient(transport=desk.client()._transport, base_url="http://certferry.test", cookies=cookies)
    with no_session(thief):
        again = await thief.get(where)
    assert again.status_code == 401
    assert "refused" in again.text


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_signing_in_leads_nowhere_else(desk: Desk, wanted: str) -> None:
    """An address of another site is forgotten before the provider is asked."""
    _, answer = await finish(desk, "1", wanted)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


async def test_without_a_code_nobody_gets_in(desk: Desk) -> None:
    """The provider refused, or the person did."""
    browser, url = await begin(desk)
    state = parse_qs(urlsplit(url).query)["state"][0]
    with no_session(browser):
        answer = await browser.get("/login/oidc/callback", params={"error": "access_denied", "state": state})
        assert (answer.status_code, "did not let you in" in answer.text) == (401, True)


def claims(desk: Desk, issuer: str, **other: Any) -> dict[str, Any]:
    """What an ID token says; None leaves a claim out."""
    now = int(desk.services.now().timestamp())
    said = {"iss": issuer, "aud": "certferry", "sub": "1", "nonce": NONCE, "iat": now, "exp": now + 600} | other
    return {name: value for name, value in said.items() if value is not None}


def signed(said: dict[str, Any], alg: str = "RS256", keys: dict[str, Any] = KEYS) -> str:
    """An ID token signed by the provider's own key, or by others."""
    key = KeySet.import_key_set(keys).keys[0 if alg == "RS256" else 1]  # type: ignore[arg-type] # as it is written
    return jwt.encode({"alg": alg, "kid": key.kid}, said, key, algorithms=[alg])


async def test_an_id_token_that_holds_is_taken(desk: Desk, issuer: str) -> None:
    """The control of the attacks below: RSA and ECDSA, several audiences with the authorised party."""
    ours = provider_of(desk, issuer)
    for alg in ("RS256", "ES256"):
        assert (await ours.check(signed(claims(desk, issuer), alg), NONCE))["sub"] == "1"
    several = claims(desk, issuer, aud=["other", "certferry"], azp="certferry")
    assert (await ours.check(signed(several), NONCE))["sub"] == "1"


async def test_an_id_token_that_does_not_hold_is_refused(desk: Desk, issuer: str) -> None:
    """Another nonce, issuer, audience or party, none of them, too old, of the future, by another key, none, or HMAC."""
    ours, now = provider_of(desk, issuer), int(desk.services.now().timestamp())
    wrong: list[dict[str, Any]] = [
        {"nonce": "other"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"aud": ["certferry", "other"]},
        {"aud": None},
        {"exp": now - 61},
        {"exp": None},
        {"iat": now + 3600},
        {"sub": None},
    ]
    tokens = [signed(claims(desk, issuer, **each)) for each in wrong]
    good = signed(claims(desk, issuer))
    head, body, signature = good.split(".")
    none = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    secret = OctKey.import_key(oidc.SECRET)
    tokens += [
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{signed(claims(desk, issuer, sub='2')).split('.')[1]}.{signature}",
        signed(claims(desk, issuer), keys=oidc.new_keys("first")),
        signed(claims(desk, issuer), keys=oidc.new_keys("other")),
        jwt.encode({"alg": "HS256"}, claims(desk, issuer), secret, algorithms=["HS256"]),
        "",
        "a.b.c",
    ]
    for token in tokens:
        with pytest.raises(NotProven):
            await ours.check(token, NONCE)


async def test_new_keys_of_the_provider_are_read(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given keys that were read; when the provider signs with others; then those are read, and people get in."""
    monkeypatch.setattr("adapters.signing_in.oidc.KEYS_EVERY", 0.0)
    directory, port, ours = tmp_path_factory.mktemp("rotating"), free_port("127.0.0.1"), desk.services.identity_provider
    first, second = oidc.new_keys("old"), oidc.new_keys("new")
    rotating = provider_of(desk, f"http://127.0.0.1:{port}")
    object.__setattr__(desk.services, "identity_provider", rotating)
    await release(desk)
    try:
        for keys in (first, second):
            with oidc.provider(directory, BACK, PEOPLE, keys, port):
                _, answer = await finish(desk, "1")
                assert answer.status_code == 303, answer.text
    finally:
        await release(desk)
        object.__setattr__(desk.services, "identity_provider", ours)


async def test_a_provider_that_is_away_is_told_as_that(desk: Desk) -> None:
    """503 as a page; whoever calls themselves otherwise is not believed."""
    ours = desk.services.identity_provider
    object.__setattr__(
        desk.services, "identity_provider", provider_of(desk, f"http://127.0.0.1:{free_port('127.0.0.1')}")
    )
    try:
        answer = await desk.client().get("/login/oidc")
        assert (answer.status_code, "cannot be asked" in answer.text) == (503, True)
    finally:
        object.__setattr__(desk.services, "identity_provider", ours)


@pytest.mark.parametrize(
    "wrong", [{"issuer": "http://sso.example.org"}, {"roles": ("group=emperor",)}, {"roles": ("no equals",)}]
)
async def test_settings_that_make_no_sense_are_refused(desk: Desk, wrong: dict[str, Any]) -> None:
    """Plain http to somewhere else, a role that is none."""
    chosen: dict[str, Any] = {"issuer": "https://sso.example.org", "client_id": "certferry"} | wrong
    with pytest.raises(SettingsRefused):
        configured(Chosen(**chosen), desk.services.now)
