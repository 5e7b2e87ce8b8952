"""The page of one bridge: trust, work, what is behind it, and the steps that a second person and an operator take."""

from uuid import UUID, uuid4

import httpx

from tests.api.desk import Desk
from tests.api.pages.test_alerts import BROWSER, browser_of, fields
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import sheet
from tests.api.test_bridge_trust import enrolled, shown
from tests.api.walking import Story


async def answered(browser: httpx.AsyncClient, path: str, status: int = 303, **written: str) -> str:
    """Open the dialog, write into it, send it."""
    dialog = (await browser.get(path, headers=BROWSER)).text
    answer = await browser.post(path, data=fields(dialog) | written, headers=BROWSER)
    assert answer.status_code == status, answer.text
    return dialog


async def test_a_second_person_lets_it_in_and_an_operator_throws_it_out(desk: Desk) -> None:
    """Whoever issued the token is told why not; the dialog shows the fingerprint; the reason is shown afterwards."""
    agent = await enrolled(desk)
    await desk.settled()
    path, found = f"/bridges/{agent.id}", await shown(desk, agent)
    assert "waits for a second person" in await html(desk, "/bridges")
    page = await html(desk, path, "operator")
    assert "waits for the yes of a second person; token issued by operator" in page
    assert "four eyes" in page
    assert "This takes the role" in await html(desk, path, "requester")
    async with browser_of(desk, "approver") as browser:
        await answered(browser, f"{path}/approve", 412, version="1")  # of before it enrolled
        assert found["certificate_fingerprint_sha256"] in await answered(browser, f"{path}/approve")
    assert not (await shown(desk, agent))["awaits_approval"]
    trusted = await desk.head()
    async with browser_of(desk, "operator") as browser:
        await answered(browser, f"{path}/quarantine", comment="Stolen <laptop>")
        page = await html(desk, path, "auditor")
        assert ("quarantined", True) == ((await shown(desk, agent))["status"], "Stolen &lt;laptop&gt;" in page)
        assert f"{path}/approve" not in page
        await answered(browser, f"{path}/retire")
    assert "retired" == (await shown(desk, agent))["status"]
    then = await html(desk, f"{path}?as_of_position={trusted}", "operator")
    assert "approved; token issued by operator" in then
    assert f"{path}/quarantine" not in then
    assert "Last heartbeat" not in then


async def test_what_it_works_on_and_what_is_behind_it(desk: Desk) -> None:
    """Leases with their target systems; the list leads there, and auditors on to its events."""
    story = await Story(desk).ready()
    path = f"/bridges/{story.agent.id}"
    leases = desk.core.house.leases
    assert "nothing now" in await html(desk, path)
    fence = await leases.take(uuid4(), "deployment", uuid4(), UUID(story.target_system_id), story.agent.id, 60)
    await desk.settled()
    assert f"deployment on web-1 (fence {fence})" in await html(desk, path)
    assert [("web-1", "nginx")] == [(row["Name"], row["Kind"]) for row in await sheet(desk, path)]
    assert f'href="{path}"' in await html(desk, "/bridges")
    assert f'href="{path}"' in await html(desk, "/target-systems")
    assert f"/audit-log?subject={story.agent.id}" in await html(desk, path, "auditor")
    assert "/audit-log" not in await html(desk, path, "requester")
    await html(desk, f"/bridges/{uuid4()}", status=404)
    await html(desk, path, "nobody", status=403)
    for step, who in (("approve", "requester"), ("quarantine", "approver"), ("retire", "admin")):
        await html(desk, f"{path}/{step}", who, status=403)
        async with browser_of(desk, who) as browser:
            assert 403 == (await browser.post(f"{path}/{step}", headers=BROWSER)).status_code
