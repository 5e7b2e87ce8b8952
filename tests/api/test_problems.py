"""Every input from outside gets a clear problem (RFC 9457), whatever it is."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.problems import KINDS
from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Story
from tests.support.postgres import PostgresServer, database

NOTHING = "00000000-0000-4000-8000-000000000000"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One service for all of these tests: hardly any of them changes anything."""
    with database(postgres_server) as pg:
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as opened:
            yield opened


async def send(desk: Desk, body: bytes, content_type: str | None = "application/json") -> httpx.Response:
    headers = {} if content_type is None else {"Content-Type": content_type}
    return await desk.as_("operator").post(f"{API}/bridges", content=body, headers=headers)


async def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    """Unknown addresses, unknown ids, ids that are none."""
    client = desk.as_("auditor")
    for path in (
        "/nothing",
        f"{API}/nothing",
        f"{API}/certificates/{NOTHING}",
        f"{API}/certificates/no-uuid",
        f"{API}/certificates/{NOTHING}/topology",
        f"{API}/connectors/{NOTHING}",
        f"{API}/work-orders/{NOTHING}",
        f"{API}/push-requests/{NOTHING}",
        f"{API}/orders/{NOTHING}",
        f"{API}/target-systems/{NOTHING}",
        f"{API}/bridges/{NOTHING}",
        f"{API}/discoveries/{NOTHING}",
        f"{API}/verification-runs/{NOTHING}",
        f"{API}/alerts/{NOTHING}",
        f"{API}/principals/{NOTHING}",
        f"{API}/tokens/{NOTHING}",
        f"{API}/audit-events/999999999",
        f"{API}/audit-events/{2**80}",
        "/problems/no-such-problem",
    ):
        refused(await client.get(path), 404, "not-found")


async def test_a_command_on_what_is_not_there_is_not_found(desk: Desk) -> None:
    """The use cases say so too."""
    for who, path in (
        ("approver", f"work-orders/{NOTHING}/approve"),
        ("operator", f"certificates/{NOTHING}/connectors"),
        ("operator", f"alerts/{NOTHING}/resolve"),
        ("admin", f"principals/{NOTHING}/grants"),
    ):
        body = (
            {"target_system_id": NOTHING} if "connectors" in path else {"role": "auditor"} if "grants" in path else {}
        )
        refused(await desk.as_(who).post(f"{API}/{path}", json=body), 404, "not-found")


async def test_a_method_that_an_address_does_not_understand(desk: Desk) -> None:
    """405, with the methods it does understand."""
    answer = await desk.as_("operator").put(f"{API}/certificates")
    refused(answer, 405, "method-not-allowed")
    assert {"GET", "POST"} <= {method.strip() for method in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", None])
async def test_a_body_that_does_not_say_it_is_json(desk: Desk, content_type: str | None) -> None:
    """415, although the bytes would do."""
    refused(await send(desk, b'{"name": "dmz-1"}', content_type), 415, "unsupported-media-type")


@pytest.mark.parametrize("body", [b"{", b"nothing", b"tru", b'{"name": "a"} more', b"{'name': 'a'}"])
async def test_a_body_that_is_no_json(desk: Desk, body: bytes) -> None:
    """400: there is nothing to point at."""
    refused(await send(desk, body), 400, "malformed-request")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"name": "a\\u0000b"}', "/name"),
        (b'{"name": "a\x00b"}', ""),
        (b'{"name": "\\ud800x"}', ""),
        (b'{"name": "\\udc00"}', ""),
        (b'{"name": "\xff\xfe"}', ""),
        (b'{"name": "a\\nb"}', "/name"),
        (b'{"name": "a\\u001b[31m"}', "/name"),
        (b'{"name": ""}', "/name"),
        (b'{"name": 1}', "/name"),
        (b'{"name": "a", "colour": "red"}', "/colour"),
        (b'{"name": "a", "a/b~c": 1}', "/a~1b~0c"),
        (b"{}", "/name"),
        (b"[]", ""),
        (b"null", ""),
        (b"", ""),
        (json.dumps({"name": "x" * 201}).encode(), "/name"),
    ],
)
async def test_a_flaw_is_named_with_its_place(desk: Desk, body: bytes, pointer: str) -> None:
    """NUL, half surrogates, bytes that are no UTF-8, control characters, wrong types, unknown and missing fields."""
    head = await desk.head()
    problem = refused(await send(desk, body), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["errors"][0]["detail"]
    assert await desk.head() == head


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"name":' * 50_000,
        b'{"name": ' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    ],
)
async def test_a_body_that_is_nested_too_deeply(desk: Desk, body: bytes) -> None:
    """Bombs of brackets are refused like anything else that is not valid."""
    answer = await send(desk, body)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_settings_that_are_nested_too_deeply(desk: Desk) -> None:
    """Even where a schema would let anything pass."""
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": deep}
    body = {"name": "web-1", "kind": "nginx", "bridge_id": NOTHING, "settings": {"a": deep}}
    refused(await desk.as_("operator").post(f"{API}/target-systems", json=body), 422, "validation-failed")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=ten",
        "cursor=nonsense",
        "cursor=",
        "cursor=eyJhIjoxfQ",
        "status=frozen",
        "colour=pink",
        "status=active&status=frozen",
        "expires_within=soon",
        "expires_within=999999d",
        "target_system_id=7",
        "has_private_key=perhaps",
        "sort=owner",
        "as_of=yesterday",
        "as_of=2026-01-01T00:00:00",
        "as_of=2126-01-01T00:00:00Z",
        "as_of_position=-1",
        "as_of_position=99999999",
        "as_of_position=1&as_of=2026-01-01T00:00:00Z",
        "unknown=1",
        "q=%00",
        "min_position=-1",
        "min_position=99999999999999999999",
    ],
)
async def test_a_parameter_that_is_not_understood_is_never_ignored(desk: Desk, query: str) -> None:
    """Unknown values, unknown names, cursors of other lists."""
    problem = refused(await desk.as_("operator").get(f"{API}/certificates?{query}"), 422, "validation-failed")
    assert problem["detail"]


async def test_a_position_that_never_comes(desk: Desk) -> None:
    """min_position beyond the ledger: 503 with Retry-After after a while."""
    answer = await desk.as_("operator").get(f"{API}/certificates", params={"min_position": 2**40})
    refused(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_representation_that_nobody_speaks(desk: Desk) -> None:
    """406."""
    answer = await desk.as_("operator").get(f"{API}/certificates", headers={"Accept": "application/pdf"})
    refused(answer, 406, "not-acceptable")


async def test_odd_request_lines_and_headers(desk: Desk) -> None:
    """Hosts that are none, paths with tricks, headers of garbage: a problem each, never a crash or a file."""
    client = desk.as_("auditor")
    refused(await client.get(f"{API}/me", headers={"Host": "a b"}), 400, "malformed-request")
    page = await client.get(f"{API}/principals", params={"limit": 1}, headers={"Host": ""})
    assert (page.status_code, page.headers["Link"].startswith(f"<{API}/principals?")) == (200, True)
    for path in ("/%ff", "/%00", "/certificates/%2e%2e/x", "/..%2fme", "/static/%2e%2e/app.py", "/problems/..%2f.."):
        refused(await client.get(f"{API}{path}" if path.count("/") < 2 else path), 404, "not-found")
    for accept in (";;;", "a", "text/html;q=x", "*"):
        refused(await client.get(f"{API}/audit-events", headers={"Accept": accept}), 406, "not-acceptable")
    resumed = {"Accept": "text/event-stream", "Last-Event-ID": "yesterday"}
    refused(await client.get(f"{API}/audit-events", headers=resumed), 422, "validation-failed")
    odd = {"Cookie": '=;=;certferry_session="x', "If-None-Match": '"1"', "Range": "bytes=0-1"}
    assert (await client.get(f"{API}/me", headers=odd)).status_code == 200
    options = await client.request("OPTIONS", f"{API}/certificates")
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")


async def test_what_nobody_foresaw_is_logged_under_the_id_that_the_answer_names(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500: the problem tells an id and nothing else; the log tells the exception under that id."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(type(desk.services.views.inventory), "list", broken)
    answer = await desk.as_("operator").get(f"{API}/certificates")
    problem = refused(answer, 500, "internal-error")
    assert "planted" not in answer.text
    [record] = [r for r in caplog.records if problem["instance"].removeprefix("urn:uuid:") in r.getMessage()]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_every_type_of_problem_has_a_page(desk: Desk) -> None:
    """For programs and for people, without signing in."""
    for slug, kind in KINDS.items():
        page = await desk.as_(None).get(f"/problems/{slug}", headers={"Accept": "text/html"})
        assert (page.status_code, kind.title in page.text.replace("&#x27;", "'")) == (200, True)
        told = await desk.as_(None).get(f"/problems/{slug}")
        assert told.json() == {
            "type": f"/problems/{slug}",
            "title": kind.title,
            "status": kind.status,
            "meaning": kind.meaning,
        }


async def test_htmx_gets_a_piece_of_html(desk: Desk) -> None:
    """What it can swap in, with everything escaped."""
    answer = await desk.as_("operator").get(
        f"{API}/certificates", params={"<script>": "x"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert 'role="alert"' in answer.text
    assert "<script>" not in answer.text


async def test_an_answer_names_no_secret_that_was_sent(desk: Desk) -> None:
    """A body with secrets that is refused comes back without them."""
    story = Story(desk)
    await story.agent.enrol()
    canary = "canary-7f3a91"
    body = {
        "name": "web-1",
        "kind": "nginx",
        "bridge_id": str(story.agent.id),
        "settings": {"transport": "local"},
        "secrets": {"ssh_private_key": canary, "other": canary},
    }
    answer = await desk.as_("operator").post(f"{API}/target-systems", json=body)
    refused(answer, 422, "validation-failed")
    assert canary not in answer.text


async def test_a_wrong_form_is_told_in_words(desk: Desk) -> None:
    """Not as a regular expression."""
    client = desk.as_("operator")
    for sent, query, name in (
        ({"If-Match": "3"}, {}, "If-Match"),
        ({"Idempotency-Key": "a b"}, {}, "Idempotency-Key"),
        ({}, {"expires_within": "30"}, "expires_within"),
    ):
        answer = await client.request("GET" if query else "POST", f"{API}/certificates", params=query, headers=sent)
        [error] = refused(answer, 422, "validation-failed")["errors"]
        assert error["pointer"] == name
        assert "regex" not in error["detail"]


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [("/endpoint-history", {"state": "fine"}, "state"), ("/audit/consistency", {"from": "-1"}, "from")],
)
async def test_a_parameter_is_called_as_it_was_sent(desk: Desk, path: str, query: dict[str, str], name: str) -> None:
    """Not by the name that the program has for it."""
    answer = await desk.as_("auditor").get(f"{API}{path}", params=query)
    problem = refused(answer, 422, "validation-failed")
    assert [name] == [error["pointer"] for error in problem["errors"]]
    assert problem["detail"].startswith(f"{name}: ")
