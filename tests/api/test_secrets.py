"""Secrets go in and never come out: planted everywhere, looked for in every answer, log line and table."""

import logging
from typing import Any

import psycopg
import pytest

from tests.api.desk import Desk
from tests.api.test_security import handlers
from tests.api.walking import API, SSH, Story
from tests.support.postgres import Pg

CANARY = "canary-3f9c1b7e"


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that a text holds."""
    return [name for name, secret in secrets.items() if secret in text]


async def test_planted_secrets_show_up_nowhere(working_desk: Desk, pg: Pg, caplog: pytest.LogCaptureFixture) -> None:
    """Key, target secret, API token, enrolment token: in no GET, no list, no export, no event, no log, no table."""
    caplog.set_level(logging.DEBUG)
    desk = working_desk
    story = await Story(desk).imported()
    await (await story.with_target(settings=SSH, secrets={"ssh_private_key": CANARY})).with_connector()
    await story.implementing()
    await story.agent.succeed(await story.agent.lease())
    token = await story.post("admin", "tokens", {"principal_id": str(desk.people["lead"].id), "name": "ci"}, 201)
    bridge = await story.post("operator", "bridges", {"name": "dmz-2"}, 201)
    secrets = {
        "target secret": CANARY,
        "private key": story.issued.private_key_pem.splitlines()[1],
        "api token": token["token"].split("_", 2)[2],
        "enrolment token": bridge["enrolment_token"].partition(".")[2],
        "caller's token": desk.people["auditor"].token.split("_", 2)[2],
    }
    await _fail_with(desk, secrets)
    await desk.settled()
    for path in _lists(desk):
        for accept in ("application/json", "application/x-ndjson", "text/csv"):
            answer = await desk.as_("auditor").get(path, headers={"Accept": accept})
            assert leaks(answer.text, secrets) == [], path
    for path in _singles(story, token["id"], bridge["id"]):
        answer = await desk.as_("auditor").get(f"{API}/{path}")
        assert answer.status_code == 200, path
        assert leaks(answer.text, secrets) == [], path
    assert leaks(caplog.text, secrets) == []
    assert leaks(tables(pg), secrets) == []


def _lists(desk: Desk) -> list[str]:
    return [path for method, path, _ in handlers(desk) if method == "GET" and path.startswith(API) and "{" not in path]


def _singles(story: Story, token_id: str, bridge_id: str) -> list[str]:
    return [
        f"certificates/{story.certificate_id}",
        f"certificates/{story.certificate_id}/topology",
        f"certificates/{story.certificate_id}/events",
        f"connectors/{story.connector_id}",
        f"target-systems/{story.target_system_id}",
        f"work-orders/{story.work_order_id}",
        f"tokens/{token_id}",
        f"bridges/{bridge_id}",
    ]


async def _fail_with(desk: Desk, secrets: dict[str, str]) -> None:
    """Requests that go wrong while they carry secrets: their problems must not repeat them."""
    key = f"-----BEGIN PRIVATE KEY-----\n{secrets['private key']}\n-----END PRIVATE KEY-----"
    bodies: list[tuple[str, Any]] = [
        ("certificates", {"certificate_pem": key, "private_key_pem": key}),
        ("certificates", {"certificate_pem": [key]}),
        ("certificates", {"certificate_pem": "x", "private_key_pem": key, "extra": key}),
        ("target-systems", {"name": "x", "kind": "nginx", "secrets": {"ssh_private_key": CANARY}}),
        ("target-systems", {"name": "x", "kind": "nginx", "secrets": CANARY}),
    ]
    for path, body in bodies:
        answer = await desk.as_("operator").post(f"{API}/{path}", json=body)
        assert answer.status_code == 422
        assert leaks(answer.text, secrets) == []
    wrong = desk.client({"Authorization": f"Bearer cf_{'0' * 32}_{secrets['api token']}"})
    assert leaks((await wrong.get(f"{API}/me")).text, secrets) == []


def tables(pg: Pg) -> str:
    """Every row of every table, as text, bytes as the characters they stand for."""
    found = []
    with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            for row in connection.execute(f'SELECT * FROM "{schema}"."{table}"'.encode()):
                found += [
                    bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                    for value in row
                ]
    return "\n".join(found)


async def test_the_search_can_find_something(desk: Desk, pg: Pg) -> None:
    """What is no secret is found in the tables, so secrets would be too."""
    await Story(desk).imported()
    assert leaks(tables(pg), {"name": "www.example.org"}) == ["name"]
