"""Bodies that are none, half, double, or for nothing: a problem each that says where it is."""

from typing import Any
from uuid import UUID

import pytest

from tests.api.desk import Desk
from tests.api.walking import API, Story

JSON = {"Content-Type": "application/json"}


def errors(answer: Any, status: int = 422) -> list[dict[str, str]]:
    """What a problem blames."""
    assert answer.status_code == status, answer.text
    found: list[dict[str, str]] = answer.json()["errors"]
    return found


async def test_a_missing_body_is_called_missing(desk: Desk) -> None:
    """Where a command needs one."""
    [error] = errors(await desk.as_("requester").post(f"{API}/orders"))
    assert error == {"pointer": "", "detail": "It is missing; send JSON."}


async def test_a_missing_field_is_pointed_at(desk: Desk) -> None:
    """At the place where it should be."""
    [error] = errors(await desk.as_("operator").post(f"{API}/discoveries", json={}))
    assert error["pointer"] == "/target_system_id"


@pytest.mark.parametrize("body", ['{"name": "a", "name": "b"}', '{"name": "a", "x": {"y": 1, "y": 1}}'])
async def test_a_name_that_comes_twice_is_refused(desk: Desk, body: str) -> None:
    """Whoever reads the request beside us may take the other value (RFC 8259, section 4)."""
    answer = await desk.as_("operator").post(f"{API}/bridges", content=body, headers=JSON)
    [error] = errors(answer)
    assert "twice" in error["detail"] or error["pointer"] == "/x"


async def test_commands_without_a_body_take_an_empty_one_and_no_other(desk: Desk) -> None:
    """Nothing, or `{}`; what somebody sent in vain is told."""
    story = await (await Story(desk).imported()).with_target()
    for path in (f"target-systems/{story.target_system_id}/test", f"orders/{UUID(int=0)}/resubmit"):
        who = desk.as_("operator" if path.startswith("target") else "requester")
        assert (await who.post(f"{API}/{path}")).status_code in {202, 404}
        assert (await who.post(f"{API}/{path}", json={})).status_code in {202, 404}
        [error] = errors(await who.post(f"{API}/{path}", json={"force": True}))
        assert error["pointer"] == "/force"
        assert (await who.post(f"{API}/{path}", content="{", headers=JSON)).status_code == 400


async def test_a_compressed_body_is_refused_as_such(desk: Desk) -> None:
    """415 (RFC 9110, 8.4), not "no JSON"."""
    sent = {**JSON, "Content-Encoding": "gzip"}
    answer = await desk.as_("operator").post(f"{API}/bridges", content=b"\x1f\x8b", headers=sent)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert "gzip" in answer.json()["detail"]
    plain = {**JSON, "Content-Encoding": "identity"}
    assert (await desk.as_("operator").post(f"{API}/bridges", content='{"name": "b"}', headers=plain)).is_success


async def test_a_problem_is_taken_for_nothing_else(desk: Desk) -> None:
    """Browsers do not guess at its media type."""
    answer = await desk.as_(None).get(f"{API}/me")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
