"""How a connector is verified: shown and changed over REST, on its page and on the command line."""

import asyncio
from pathlib import Path
from typing import Any

from tests.api.cli.shell import Shell
from tests.api.desk import Desk
from tests.api.pages.test_past import html
from tests.api.test_refusals import refused
from tests.api.walking import API, Story
from tests.support.postgres import Pg


async def changed(desk: Desk, story: Story, wanted: Any, who: str = "operator") -> Any:
    """The answer to a PATCH of what is known now."""
    path = f"{API}/connectors/{story.connector_id}"
    version = (await desk.as_(who).get(path)).headers["ETag"]
    return await desk.as_(who).patch(path, json={"verification": wanted}, headers={"If-Match": version})


async def test_grace_and_schedule_of_one_connector(desk: Desk) -> None:
    """What is left out stays, null sets it back; another moment shows what held then; nonsense is told at its field."""
    story = await Story(desk).ready()
    assert {"grace_seconds": None, "every_seconds": None, "vantage": None} == (await story.connector())["verification"]
    answer = await changed(desk, story, {"grace_seconds": 600, "every_seconds": 3_600})
    assert {"grace_seconds": 600, "every_seconds": 3_600, "vantage": None} == answer.json()["verification"]
    position = int(answer.headers["Event-Position"])
    answer = await changed(desk, story, {"grace_seconds": None})
    assert {"grace_seconds": None, "every_seconds": 3_600, "vantage": None} == answer.json()["verification"]
    after = int(answer.headers["Event-Position"])
    then = await story.get(f"connectors/{story.connector_id}", as_of_position=position)
    assert {"grace_seconds": 600, "every_seconds": 3_600, "vantage": None} == then["verification"]
    now = await story.get(f"connectors/{story.connector_id}", min_position=after)
    assert {"grace_seconds": None, "every_seconds": 3_600, "vantage": None} == now["verification"]
    for wrong in ({"every_seconds": 90}, {"every_seconds": 0}, {"grace_seconds": -1}, {"grace_seconds": "1"}):
        [name] = wrong
        problem = refused(await changed(desk, story, wrong), 422, "validation-failed")
        assert f"/verification/{name}" == problem["errors"][0]["pointer"]
    blind = {"verification": {"grace_seconds": 1}}
    answer = await desk.as_("operator").patch(f"{API}/connectors/{story.connector_id}", json=blind)
    assert 428 == answer.status_code


async def test_a_connector_is_added_with_its_plan(desk: Desk) -> None:
    """In one command."""
    story = await (await Story(desk).imported()).with_target()
    wish = {"target_system_id": story.target_system_id, "verification": {"every_seconds": 120}}
    made = await story.post("operator", f"certificates/{story.certificate_id}/connectors", wish, 201)
    assert {"grace_seconds": None, "every_seconds": 120, "vantage": None} == made["verification"]


async def test_its_page_shows_it_and_has_the_dialog(desk: Desk) -> None:
    """Facts, endpoints, the way to their history; who may not change it sees why; what is no number is told."""
    story = await Story(desk).ready()
    page = f"/connectors/{story.connector_id}"
    assert f'href="{page}"' in await html(desk, f"/certificates/{story.certificate_id}")
    shown = await html(desk, page, "operator")
    assert all(words in shown for words in ("web-1", "as for all", "with all others", "Unvalidated"))
    assert f'href="/endpoint-history?connector_id={story.connector_id}"' in shown
    assert f'hx-get="{page}/verification"' in shown
    assert f'hx-get="{page}/verification"' not in await html(desk, page, "auditor")
    assert 'name="every_seconds"' in await html(desk, f"{page}/verification", "operator")
    client = desk.as_("operator")
    answer = await client.post(f"{page}/verification", data={"grace_seconds": "30", "every_seconds": ""})
    assert 303 == answer.status_code, answer.text
    await desk.settled()
    assert "30 s" in await html(desk, page, "operator")
    wrong = await client.post(f"{page}/verification", data={"grace_seconds": "soon"})
    assert (422, True) == (wrong.status_code, "number of seconds" in wrong.text)
    assert "Change verification" not in await html(desk, f"{page}?as_of_position={await desk.past()}", "operator")


async def test_the_command_line_knows_it_too(desk: Desk, pg: Pg, tmp_path: Path) -> None:
    """Shown, and refused with a sentence where there is no such connector."""
    story = await Story(desk).ready()
    shell = Shell(tmp_path, pg)
    shell.environment["CERTFERRY_DATA"] = str(desk.core.settings.data)
    wish = ("connectors", "configure", story.connector_id, "--grace", "45", "--every", "default")
    found = await asyncio.to_thread(shell.json, *wish)
    assert {"grace_seconds": 45, "every_seconds": None, "vantage": None} == found["verification"]
    assert found == await asyncio.to_thread(shell.json, "connectors", "show", story.connector_id)
    [state] = await asyncio.to_thread(shell.json, "connectors", "history", story.connector_id)
    assert ("unvalidated", None) == (state["state"], state["to"])
    wrong = await asyncio.to_thread(shell.run, "connectors", "configure", story.connector_id, "--every", "90")
    assert (1, True) == (wrong.returncode, "whole minutes" in wrong.stderr)
