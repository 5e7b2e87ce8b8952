"""The results of a verification run: on a page and over REST, narrowed to what is wrong."""

import csv
import io
from uuid import UUID

from application.verifying import Result
from domain.connector_events import HandshakeEvidence, ValidationState
from tests.api.desk import Desk
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import headings
from tests.api.test_every_list import NOBODY
from tests.api.test_refusals import refused
from tests.api.walking import API, Story

STATES = (ValidationState.MATCHED, ValidationState.UNREACHABLE, ValidationState.MATCHED, ValidationState.UNREACHABLE)


async def looked_at(desk: Desk) -> str:
    """A run under way, with some results."""
    story = await Story(desk).ready()
    run = (await story.post("operator", "verification-runs", {}, 202))["id"]
    results = [
        Result(
            connector_id=UUID(story.connector_id),
            endpoint=f"10.0.0.{number}:443",
            server_name=None,
            state=state,
            expected_fingerprint_sha256="ab" * 32,
            evidence=HandshakeEvidence(
                vantage="control-plane", reason=None if state is ValidationState.MATCHED else "connection_refused"
            ),
            checked_at=desk.core.house.clock(),
        )
        for number, state in enumerate(STATES, start=1)
    ]
    await desk.core.results.keep(UUID(run), results)
    return str(run)


async def test_what_is_wrong_is_one_click_away(desk: Desk) -> None:
    """All results, those of a state, the same as a file; where each was seen from, and why."""
    run = await looked_at(desk)
    assert f'href="/verification/{run}"' in await html(desk, "/verification", "auditor")
    page = await html(desk, f"/verification/{run}", "auditor")
    assert all(f"10.0.0.{number}:443" in page for number in (1, 2, 3, 4))
    narrowed = await html(desk, f"/verification/{run}?state=unreachable", "auditor")
    assert ("10.0.0.1:443" in narrowed, "10.0.0.2:443" in narrowed) == (False, True)
    assert "Could not be reached" in narrowed
    assert "connection refused" in narrowed
    answer = await desk.as_("auditor").get(f"/verification/{run}", params={"state": "unreachable", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert ["10.0.0.2:443", "10.0.0.4:443"] == [row["Endpoint"] for row in rows]
    assert headings(page) == list(rows[0])


async def test_results_of_some_states_over_rest(desk: Desk) -> None:
    """Page by page, and from where each was seen; a state that is none is refused."""
    run = await looked_at(desk)
    there = f"{API}/verification-runs/{run}/results"
    first = (await desk.as_("auditor").get(there, params={"state": "unreachable", "limit": 1})).json()
    wish = {"state": "unreachable", "cursor": first["next_cursor"]}
    second = (await desk.as_("auditor").get(there, params=wish)).json()
    found = [*first["items"], *second["items"]]
    assert ["10.0.0.2:443", "10.0.0.4:443"] == [item["endpoint"] for item in found]
    assert {"control-plane"} == {item["vantage"] for item in found}
    refused(await desk.as_("auditor").get(there, params={"state": "broken"}), 422, "validation-failed")


async def test_results_are_of_a_run_and_of_the_present(desk: Desk) -> None:
    """An unknown run is not found; a moment is refused, since results are no history."""
    run = await looked_at(desk)
    await html(desk, f"/verification/{NOBODY}", "auditor", status=404)
    await html(desk, f"/verification/{run}?as_of_position={await desk.past()}", "auditor", status=422)
