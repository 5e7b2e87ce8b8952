"""The description of the API is complete and true: a linter reads it, and a machine tries out what it promises."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from api.cli.working import work
from api.openapi import describe
from domain.role_grant import Role
from tests.api.desk import Desk, in_one_task, open_desk, served
from tests.api.test_security import handlers
from tests.api.walking import API, Story
from tests.support.components import require
from tests.support.postgres import Pg

HERE = Path(__file__).parent
HOOKS = {"SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks", "PYTHONPATH": str(HERE.parents[1])}
VERBS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def operations(app: Litestar) -> dict[str, dict[str, Any]]:
    """All operations, as `POST /path`."""
    paths: dict[str, dict[str, Any]] = describe(app)["paths"]
    return {
        f"{verb.upper()} {path}": operation
        for path, verbs in paths.items()
        for verb, operation in verbs.items()
        if verb.upper() in VERBS
    }


async def test_every_address_of_the_api_is_described(desk: Desk) -> None:
    """With a unique operation id, a summary, a description, tags, problems, and whether one has to sign in."""
    found = operations(desk.app)
    assert {f"{m} {p}" for m, p, _ in handlers(desk) if p.startswith(API)} == {k for k in found if API in k}
    ids = [operation["operationId"] for operation in found.values()]
    assert sorted(ids) == sorted(set(ids))
    for name, operation in found.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        assert operation["security"] == ([] if API not in name else [{"bearer": []}, {"session": []}]), name
        assert any(status.startswith("5") for status in operation["responses"]), name


async def test_bodies_are_described_as_strictly_as_they_are_read(desk: Desk) -> None:
    """No unknown fields, lengths and patterns of parts included."""
    schemas = describe(desk.app)["components"]["schemas"]
    body = schemas["ImportBody"]
    assert body["additionalProperties"] is False
    assert body["properties"]["tags"]["items"]["maxLength"] == 100
    assert schemas["CreateTokenBody"]["properties"]["days"]["anyOf"][0]["maximum"] == 366


async def test_reports_are_described_in_all_their_forms(desk: Desk) -> None:
    """JSON, rows, and the one that prints."""
    paths = describe(desk.app)["paths"]
    reports = {path: item["get"] for path, item in paths.items() if path.startswith("/api/v1/reports/")}
    assert len(reports) >= 8
    for path, operation in reports.items():
        content = operation["responses"]["200"]["content"]
        assert {"application/json", "text/csv", "text/html"} <= content.keys(), path


async def test_every_operation_is_filed_under_a_heading(desk: Desk) -> None:
    """Under one that says what it is about."""
    described = describe(desk.app)
    operations = [each for item in described["paths"].values() for each in item.values() if "operationId" in each]
    assert len(operations) > 100
    headings = {tag["name"] for tag in described["tags"]}
    assert [] == [each["operationId"] for each in operations if not headings.issuperset(each["tags"])]


def run_quietly(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def test_the_linter_has_nothing_to_say(desk: Desk, tmp_path: Path) -> None:
    """Spectral with its OpenAPI rules: no error, no warning."""
    spectral = require("spectral")
    description, rules = tmp_path / "openapi.json", tmp_path / "rules.yaml"
    description.write_bytes(msgspec.json.encode(describe(desk.app)))
    rules.write_text('extends: ["spectral:oas"]\n')
    command = [str(spectral), "lint", "--fail-severity", "hint", "--ruleset", str(rules), str(description)]
    said = await asyncio.to_thread(run_quietly, command)
    assert (said.returncode, said.stdout.strip()) == (0, "No results with a severity of 'hint' or higher found!")


async def test_the_page_of_the_description_needs_nothing_from_elsewhere(desk: Desk) -> None:
    """Every asset is our own, and allowed by the page's policy."""
    page = await desk.as_(None).get("/docs")
    assert "http" not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for part in ('src="', 'href="'):
        for url in [piece.partition('"')[0] for piece in page.text.split(part)[1:]]:
            answer = await desk.as_(None).get(url)
            assert answer.status_code == 200, url
            assert answer.content


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("phases", ["examples,coverage", "fuzzing,stateful"])
async def test_what_the_description_promises_is_kept(pg: Pg, tmp_path: Path, phases: str) -> None:
    """Schemathesis: valid and invalid requests for every operation, in sequences too; every answer as described."""
    async with in_one_task(open_desk(pg, tmp_path, work=work, read_wait=0.05)) as desk:
        everybody = await desk.employ("everybody", tuple(Role))
        story = await (await Story(desk).ready()).implementing()
        await story.agent.succeed(await story.agent.lease())
        # It is made once; with a busy machine that takes longer than they wait.
        await desk.as_(None).get("/openapi.json")
        async with served(desk.app) as url:
            command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")]
            command += ["--no-color", "run", f"{url}/openapi.json", "--phases", phases, "--max-examples", "4"]
            command += ["-H", f"Authorization: Bearer {everybody.token}"]
            running = await asyncio.create_subprocess_exec(
                *command,
                cwd=tmp_path,
                env=os.environ | HOOKS | {"CERTFERRY_TESTED_AS": f"{everybody.id} {everybody.token_id}"},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said, _ = await running.communicate()
    assert running.returncode == 0, said.decode()[-20_000:]
