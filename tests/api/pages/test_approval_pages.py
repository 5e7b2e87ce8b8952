"""Pages of approval policies and standing approvals: lists, forms, versions, steps, and what would apply to a push."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from domain.approval import DEFAULT_PUSH
from tests.api.desk import Desk
from tests.api.pages.test_alerts import BROWSER, browser_of, fields
from tests.api.pages.test_editors import opened, retired, sent
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import sheet
from tests.api.walking import API, APPROVALS, Story

POLICIES, STANDING = "/approval-policies", "/standing-approvals"
FULL: dict[str, Any] = {
    "name": "Payment",
    "description": "Two of\nus",
    "levels": 3,
    "level_roles": [["operator"], []],
    "request_expires_after_seconds": 90_000,
    "approval_expires_after_seconds": 86_400,
    "priority": -5,
    "actions": ["push", "redeploy"],
    "certificate_tags": ["payment"],
    "target_kinds": ["nginx"],
    "target_tags": ["production"],
}


async def made(desk: Desk, body: dict[str, Any]) -> dict[str, Any]:
    answer = await desk.as_("admin").post(f"{API}{POLICIES}", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def estate(desk: Desk) -> Story:
    """A certificate and a target system, as the read models show them."""
    story = await Story(desk).ready()
    await desk.settled()
    return story


async def told(desk: Desk, path: str) -> dict[str, Any]:
    """What the API says of it."""
    return dict((await desk.as_("admin").get(f"{API}{path}")).json())


async def latest(desk: Desk, path: str) -> dict[str, Any]:
    """The last one made."""
    return dict((await told(desk, path))["items"][-1])


async def test_an_approval_policy_is_written_changed_and_retired(desk: Desk) -> None:
    """Level by level, times in words, targets by name; every change is a version; retired, it is changed no more."""
    story = await estate(desk)
    async with browser_of(desk, "admin") as browser:
        form = await opened(browser, f"{POLICIES}/new")
        assert (["7 days"], ["0", "1"]) == (form.fields["request_expires_after_seconds"], form.fields["section"])
        longer = await sent(browser, form, 200, name="Gateways", more="1", level_roles__0=["operator", "admin"])
        assert longer is not None
        assert (["0", "1", "2"], ["operator", "admin"]) == (longer.fields["section"], longer.fields["level_roles.0"])
        target = (await told(desk, f"/target-systems/{story.target_system_id}"))["name"]
        await sent(browser, longer, request_expires_after_seconds="12 Hours", target_system_ids=target.upper())
        found = await latest(desk, POLICIES)
        assert (3, [["admin", "operator"]], 43_200, [story.target_system_id]) == (
            found["levels"],
            found["level_roles"],
            found["request_expires_after_seconds"],
            found["target_system_ids"],
        )
        action = f"{POLICIES}/{found['id']}/edit"
        assert action in await html(desk, POLICIES, "admin")
        form = await opened(browser, action)
        assert ([target], ["12 hours"]) == (
            form.fields["target_system_ids"],
            form.fields["request_expires_after_seconds"],
        )
        await sent(browser, form, left_out__0="on", target_system_ids="", priority="7")
        changed = await told(desk, f"{POLICIES}/{found['id']}")
        assert (2, [], [], 7, 2) == tuple(
            changed[name] for name in ("levels", "level_roles", "target_system_ids", "priority", "version")
        )
        assert await sent(browser, form, 412, name="Stale") is not None
        await retired(browser, f"{POLICIES}/{found['id']}")
    newest, oldest = await sheet(desk, f"{POLICIES}/{found['id']}/versions")
    assert ("2", "2", "7", "push") == tuple(newest[name] for name in ("Version", "Levels", "Priority", "For"))
    assert ("1", "3 (level 1: admin or operator)", "push; 1 target system") == tuple(
        oldest[name] for name in ("Version", "Levels", "For")
    )
    assert "admin" == newest["By"]
    assert "It was retired" in await html(desk, f"{POLICIES}/{found['id']}/versions")


async def test_what_was_made_over_the_api_stays_as_it_is(desk: Desk) -> None:
    """The form shows everything; sent back unchanged it makes no event, also of what says nothing."""
    found = await made(desk, FULL)
    async with browser_of(desk, "admin") as browser:
        form, before = await opened(browser, f"{POLICIES}/{found['id']}/edit"), await desk.head()
        assert (["25 hours"], ["1 day"]) == tuple(
            form.fields[f"{name}_expires_after_seconds"] for name in ("request", "approval")
        )
        await sent(browser, form)
    assert (before, found) == (await desk.head(), await told(desk, f"{POLICIES}/{found['id']}"))


async def test_a_built_in_policy_is_changed_and_never_retired(desk: Desk) -> None:
    """How many levels, not what it is for: whatever a form says. It has no button to retire it."""
    path = f"{POLICIES}/{DEFAULT_PUSH.id}"
    async with browser_of(desk, "admin") as browser:
        form = await opened(browser, f"{path}/edit")
        assert not {"priority", "actions", "certificate_tags"} & set(form.fields)
        assert f'href="{path}/retire"' not in (await browser.get(f"{path}/edit", headers=BROWSER)).text
        await sent(browser, form, section=["0", "1", "2"], priority="9", certificate_tags="x")
        changed = await told(desk, path)
        assert (3, 0, [], 2) == tuple(changed[name] for name in ("levels", "priority", "certificate_tags", "version"))
        dialog = (await browser.get(f"{path}/retire", headers=BROWSER)).text
        refused = await browser.post(f"{path}/retire", data=fields(dialog), headers=BROWSER)
        assert refused.status_code == 409
        assert "always there" in refused.text
    [first, _] = reversed(await sheet(desk, f"{path}/versions"))
    assert ("from the beginning", "2") == (first["Since (UTC)"], first["Levels"])


_WAITS = "request_expires_after_seconds"
WRONG_POLICIES: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"name": " "}, "name", "name"),
    ({_WAITS: "soon"}, _WAITS, _WAITS),
    ({_WAITS: "1 second"}, _WAITS, _WAITS),
    ({"actions": []}, "actions", "For"),
    ({"priority": "-2000"}, "priority", "priority"),
    ({"target_system_ids": "no such"}, "target_system_ids", "target_system_ids"),
    ({"left_out.0": "on", "level_roles.1": ["chief"]}, "level_roles.1", "Whoever gives it also holds one of"),
)


async def test_what_is_wrong_stands_beside_its_field(desk: Desk) -> None:
    """Nothing is saved, and the field says why, whichever level was left out."""
    before = await told(desk, POLICIES)
    async with browser_of(desk, "admin") as browser:
        for written, at, label in WRONG_POLICIES:
            again = await sent(browser, await opened(browser, f"{POLICIES}/new"), 422, **({"name": "P"} | written))
            assert again is not None
            assert {label} == again.wrong
            assert f"{at}-problem" in again.texts
    assert before == await told(desk, POLICIES)


async def test_which_policy_would_apply(desk: Desk) -> None:
    """By names as people know them; the first of those that match counts; what cannot be told is said."""
    story = await estate(desk)
    certificate, target = "www.example.org", "web-1"  # not asked for over the API: that somebody looked is an event
    before = await desk.head()
    for asked, answer in (
        ((certificate, target, "push"), ("This push would come under Two-level push: levels 2.",)),
        ((story.certificate_id, story.target_system_id, "redeploy"), ("This redeploy would come under Redeploy",)),
        ((certificate, target, "as it would be"), ("This push would come under",)),
        ((certificate, "nowhere", "push"), ("There is no target system named nowhere.",)),
        (("no.example.org", target, "push"), ("There is no certificate in force named no.example.org.",)),
        (("", target, "push"), ("There is no certificate",)),
    ):
        query = urlencode(dict(zip(("certificate", "target_system", "action"), asked, strict=True)))
        page = await html(desk, f"{POLICIES}/evaluate?{query}", "requester")
        assert [] == [each for each in answer if each not in page], asked
    assert before == await desk.head()
    assert "Answer" not in await html(desk, f"{POLICIES}/evaluate", "requester")
    await made(desk, APPROVALS | {"certificate_tags": [], "name": "All of them"})
    query = urlencode({"certificate": certificate, "target_system": target})
    assert "would come under All of them: levels 3." in await html(desk, f"{POLICIES}/evaluate?{query}", "auditor")
    await html(desk, f"{POLICIES}/evaluate?as_of_position={before}", "auditor", status=422)


async def proposed(desk: Desk, story: Story, **written: Any) -> dict[str, Any]:
    """Through the form, by the approver."""
    target = (await told(desk, f"/target-systems/{story.target_system_id}"))["name"]
    until = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")
    terms = {"names": "*.example.org\nexample.org", "issuers": "Local PKI", "key_algorithms": "ec-256"}
    async with browser_of(desk, "approver") as browser:
        form = await opened(browser, f"{STANDING}/new")
        values = terms | {"name": "Web", "target_system_ids": target, "expires_at": until} | written
        await sent(browser, form, **values)
    return await latest(desk, STANDING)


async def test_a_standing_approval_is_proposed_approved_and_revoked(desk: Desk) -> None:
    """By two people: whoever proposed it is told why there is no yes of theirs; everybody reads what was agreed on."""
    story = await estate(desk)
    found = await proposed(desk, story, window__opens="22:00", window__closes="02:00", window__weekdays=["tuesday"])
    path = f"{STANDING}/{found['id']}"
    assert ("proposed", [story.target_system_id], {"opens": "22:00", "closes": "02:00", "weekdays": ["tuesday"]}) == (
        found["status"],
        found["target_system_ids"],
        found["window"],
    )
    assert "somebody else has to approve it" in await html(desk, STANDING, "approver")
    assert "This takes the role admin or approver." in await html(desk, STANDING, "requester")
    async with browser_of(desk, "admin") as browser:
        dialog = (await browser.get(f"{path}/approve", headers=BROWSER)).text
        assert "22:00 to 02:00 UTC, tuesday" in dialog
        stale = fields(dialog)
        assert 303 == (await browser.post(f"{path}/approve", data=stale)).status_code
        assert "approved" == (await told(desk, path))["status"]
        assert 412 == (await browser.post(f"{path}/revoke", data=stale, headers=BROWSER)).status_code
        shown = await html(desk, path, "auditor")
        assert (await told(desk, path))["digest"] in shown
        assert "by admin" in shown
        approved_at = await desk.head()
        dialog = (await browser.get(f"{path}/revoke", headers=BROWSER)).text
        assert 303 == (await browser.post(f"{path}/revoke", data=fields(dialog))).status_code
    [row] = await sheet(desk, f"{STANDING}?status=revoked&q=we")
    assert ("Web", "Revoked", "approver") == (row["Name"], row["State"], row["Proposed by"])
    assert "Nothing matches" in await html(desk, f"{STANDING}?status=approved")
    assert "/revoke" not in await html(desk, STANDING, "admin")
    then = await html(desk, f"{STANDING}?as_of_position={approved_at}", "admin")
    assert "In force" in then
    assert f"{path}/revoke" not in then


WRONG_PROPOSALS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"names": ""}, "names"),
    ({"names": "***"}, "names"),
    ({"target_system_ids": "nowhere"}, "target_system_ids"),
    ({"expires_at": "2020-01-01T00:00"}, "expires_at"),
    ({"expires_at": "some day"}, "expires_at"),
    ({"window.opens": "22:00"}, "window.closes"),
    ({"window.opens": "25:00", "window.closes": "02:00"}, "window.opens"),
)


async def test_what_is_wrong_with_a_proposal_stands_beside_its_field(desk: Desk) -> None:
    """And everything is kept as it was written."""
    story = await estate(desk)
    until = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")
    values = {"name": "W", "names": "a.org", "issuers": "CA", "key_algorithms": "ec-256", "expires_at": until}
    values["target_system_ids"] = story.target_system_id
    async with browser_of(desk, "approver") as browser:
        for written, at in WRONG_PROPOSALS:
            again = await sent(browser, await opened(browser, f"{STANDING}/new"), 422, **(values | written))
            assert again is not None
            assert ({at}, ["CA"]) == (again.wrong, again.fields["issuers"])
    assert [] == (await told(desk, STANDING))["items"]


async def test_who_may_read_and_who_may_write(desk: Desk) -> None:
    """Everybody reads, as over REST; administrators write policies, approvers and they standing approvals."""
    nobody = "00000000-0000-4000-8000-000000000007"
    for path, writer in ((POLICIES, "admin"), (STANDING, "approver")):
        assert f"{path}/new" in await html(desk, path, writer)
        assert f"{path}/new" not in await html(desk, path, "requester")
        assert f"{path}/new" not in await html(desk, f"{path}?as_of_position={await desk.past()}", writer)
        await html(desk, f"{path}/new", "requester", status=403)
        await html(desk, path, "nobody", status=403)
    for path in (f"{POLICIES}/{nobody}/edit", f"{POLICIES}/{nobody}/versions", f"{STANDING}/{nobody}"):
        await html(desk, path, "admin", status=404)
    for path in (f"{STANDING}/{nobody}/approve", f"{STANDING}/{nobody}/revoke"):
        await html(desk, path, "requester", status=403)
        await html(desk, path, "admin", status=404)
        async with browser_of(desk, "admin") as browser:
            assert 403 == (await browser.post(path, headers=BROWSER)).status_code
