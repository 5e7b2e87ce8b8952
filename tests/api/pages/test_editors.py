"""Editors of issuance policies, expiry alert rules and notification channels: forms that need no scripts."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from api.pages import alert_rule_forms, policy_forms
from api.pages.fields import raw_of, value_of
from application import channel_secrets
from application.house import load
from domain.expiry_alert_rule import ExpiryAlertRule
from domain.issuance_rules import IssuanceRule
from domain.notification_channel import NOTIFICATION_CHANNEL
from tests.api.desk import Desk
from tests.api.pages.test_alerts import BROWSER, browser_of, fields
from tests.api.pages.test_past import html
from tests.api.pages.test_policy_pages import POLICY, RULE
from tests.api.pages.test_sheets import sheet
from tests.api.walking import API, CHANNEL
from tests.support.examples import example
from tests.support.web_forms import WebForm, read_form

PASSWORD, OTHER = "correct-horse-battery", "another-one-of-those"
NEW, R0 = "/issuance-policies/new", {"name": "P", "rules__0__name": "r"}
PATHS = ("/issuance-policies", "/expiry-alert-rules", "/notification-channels")


async def opened(browser: httpx.AsyncClient, action: str, query: str = "") -> WebForm:
    answer = await browser.get(f"{action}{query}", headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return read_form(answer.text, action)


async def sent(browser: httpx.AsyncClient, form: WebForm, status: int = 303, /, **written: Any) -> WebForm | None:
    """Write into the form and send it; the form that is shown again where it was refused."""
    values = form.fields | {name.replace("__", "."): value for name, value in written.items()}
    answer = await browser.post(form.action, data=values, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert PASSWORD not in answer.text
    return read_form(answer.text, form.action) if status != 303 else None


async def only(desk: Desk, path: str) -> dict[str, Any]:
    """The one thing of its kind, as the API tells of it."""
    await desk.settled()
    [found] = (await desk.as_("admin").get(f"{API}{path}", params={"retired": "false"})).json()["items"]
    return dict(found)


async def test_a_policy_is_written_changed_and_retired(desk: Desk) -> None:
    """Rule after rule; what is not touched stays; a stale form changes nothing; a retired one cannot be changed."""
    async with browser_of(desk, "admin") as browser:
        first = await opened(browser, "/issuance-policies/new")
        longer = await sent(browser, first, 200, name="Web", more="1", rules__0__name="strong", rules__0__names="a.org")
        assert longer is not None
        assert ["strong"] == longer.fields["rules.0.name"]
        await sent(
            browser, longer, rules__0__minimum_rsa_bits="3072", rules__1__name="short", rules__1__severity="soft"
        )
        found = await only(desk, "/issuance-policies")
        rules = [(rule["name"], rule["severity"], rule["minimum_rsa_bits"], rule["names"]) for rule in found["rules"]]
        assert [("strong", "hard", 3072, ["a.org"]), ("short", "soft", None, [])] == rules
        assert all(rule["wildcards"] for rule in found["rules"])
        assert f'href="/issuance-policies/{found["id"]}/edit"' in await html(desk, "/issuance-policies", "admin")
        action = f"/issuance-policies/{found['id']}/edit"
        form = await opened(browser, action)
        before = await desk.head()
        await sent(browser, form)
        assert before == await desk.head()
        await sent(browser, form, rules__0__left_out="on", description="Two\r\nlines")
        changed = await only(desk, "/issuance-policies")
        assert (["short"], "Two\nlines", 2) == (
            [rule["name"] for rule in changed["rules"]],
            changed["description"],
            changed["version"],
        )
        stale = await sent(browser, form, 412, name="Stale")
        assert stale is not None
        assert ["Stale"] == stale.fields["name"]
        await retired(browser, f"/issuance-policies/{found['id']}")
        await sent(browser, form, 412)
    await desk.settled()
    [row] = await sheet(desk, "/issuance-policies")
    assert "Web" == row["Name"]
    assert "/edit" not in await html(desk, "/issuance-policies", "admin")


async def retired(browser: httpx.AsyncClient, path: str) -> None:
    dialog = (await browser.get(f"{path}/retire", headers=BROWSER)).text
    answer = await browser.post(f"{path}/retire", data=fields(dialog))
    assert answer.status_code == 303


async def test_an_alert_rule_is_written_changed_and_retired(desk: Desk) -> None:
    """It begins with the usual thresholds; every filter a line for each value."""
    async with browser_of(desk, "admin") as browser:
        form = await opened(browser, "/expiry-alert-rules/new")
        assert ["90\n30\n10"] == form.fields["thresholds"]
        await sent(browser, form, name="Web", thresholds=" 30 \r\n\r\n7", owners="the web team\nothers")
        found = await only(desk, "/expiry-alert-rules")
        assert ([30, 7], ["the web team", "others"]) == (found["thresholds"], found["owners"])
        form = await opened(browser, f"/expiry-alert-rules/{found['id']}/edit")
        await sent(browser, form, owners="", relative_thresholds="20")
        found = await only(desk, "/expiry-alert-rules")
        assert ([20], [], [30, 7]) == (found["relative_thresholds"], found["owners"], found["thresholds"])
        await retired(browser, f"/expiry-alert-rules/{found['id']}")


MAIL = {"host": "mail.example.org", "username": "certferry", "from_address": "c@example.org", "to": "a@example.org"}


async def test_the_secret_of_a_channel_is_never_shown_again(desk: Desk) -> None:
    """Nor in a form that is shown again; an empty field keeps it, another one replaces it, and it can be forgotten."""
    settings: dict[str, Any] = {f"settings__{name}": value for name, value in MAIL.items()}
    async with browser_of(desk, "admin") as browser:
        form = await opened(browser, "/notification-channels/new", "?kind=mail")
        assert [""] == form.fields["secrets.password"]
        wrong = await sent(browser, form, 422, **settings, name="Ops", secrets__password=PASSWORD, settings__port="0")
        assert wrong is not None
        assert ({"settings.port"}, [""]) == (wrong.wrong, wrong.fields["secrets.password"])
        await sent(browser, form, **settings, name="Ops", secrets__password=PASSWORD, alert_kinds=["expiry"])
        found = await only(desk, "/notification-channels")
        assert (["password"], ["expiry"], True) == (found["secrets_set"], found["alert_kinds"], found["enabled"])
        action = f"/notification-channels/{found['id']}/edit"
        page = (await browser.get(action, headers=BROWSER)).text
        assert PASSWORD not in page
        form = read_form(page, action)
        form.fields.pop("enabled")
        await sent(browser, form, daily_at="06:30", settings__port="2525")
        changed = await only(desk, "/notification-channels")
        assert (["password"], False, "06:30", 2525) == (
            changed["secrets_set"],
            changed["enabled"],
            changed["daily_at"],
            changed["settings"]["port"],
        )
        assert PASSWORD == (await _kept(desk, found["id"]))["password"]
        await sent(browser, await opened(browser, action), secrets__password=OTHER)
        assert OTHER == (await _kept(desk, found["id"]))["password"]
        nobody = await sent(browser, await opened(browser, action), 422, secrets__forget="on")
        assert nobody is not None
        assert {"secrets.password"} == nobody.wrong
        await sent(browser, await opened(browser, action), secrets__forget="on", settings__username="")
        assert [] == (await only(desk, "/notification-channels"))["secrets_set"]
        await retired(browser, f"/notification-channels/{found['id']}")
    assert [] == [path for path in PATHS if PASSWORD in await html(desk, path, "admin")]


async def _names(desk: Desk) -> list[str]:
    """Of everything that there is."""
    await desk.settled()
    pages = [(await desk.as_("admin").get(f"{API}{path}")).json()["items"] for path in PATHS]
    return [item["name"] for items in pages for item in items]


async def _kept(desk: Desk, channel_id: str) -> dict[str, str]:
    house = desk.core.house
    known = (await load(house, NOTIFICATION_CHANNEL, UUID(channel_id))).found
    return await channel_secrets.read(house, UUID(channel_id), known.terms.secrets_version) or {}


@pytest.mark.parametrize(
    ("path", "written", "at"),
    [
        (NEW, {"name": "  "}, "name"),
        (
            "/issuance-policies/new",
            {"name": "P", "rules__0__name": "r", "rules__0__domains": "a.org\n-"},
            "rules.0.domains",
        ),
        (
            "/issuance-policies/new",
            {"name": "P", "rules__0__name": "r", "rules__0__maximum_names": "many"},
            "rules.0.maximum_names",
        ),
        (
            "/issuance-policies/new",
            {"name": "P", "rules__0__name": "r", "rules__0__provider_ids": "7"},
            "rules.0.provider_ids",
        ),
        (NEW, R0 | {"name": "Taken"}, "name"),
        ("/expiry-alert-rules/new", {"name": "R", "thresholds": "30\nsoon"}, "thresholds"),
        ("/expiry-alert-rules/new", {"name": "R", "relative_thresholds": "100"}, "relative_thresholds"),
        ("/expiry-alert-rules/new", {"name": "R", "tags": "a\0b"}, "tags"),
        ("/notification-channels/new", {"name": "C", "daily_at": "25:00"}, "daily_at"),
        ("/notification-channels/new", {"name": "C", "alert_kinds": ["weather"]}, "Tells of"),
        ("/notification-channels/new", {"name": "C", "kind": "webhook", "settings__url": "ftp://x"}, "settings.url"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(desk: Desk, path: str, written: dict[str, Any], at: str) -> None:
    """Nothing is saved, everything is as it was written, and the field says why."""
    taken = POLICY | {"name": "Taken"}
    assert 201 == (await desk.as_("admin").post(f"{API}/issuance-policies", json=taken)).status_code
    async with browser_of(desk, "admin") as browser:
        query = f"?kind={written['kind']}" if "kind" in written else ""
        form, before = await opened(browser, path, query), await _names(desk)
        again = await sent(browser, form, 409 if written["name"] == "Taken" else 422, **written)
    assert again is not None
    assert {at} == again.wrong
    told = [text for name, text in again.texts.items() if name.endswith("-problem")]
    assert [True] == [bool(text) for text in told]
    assert before == await _names(desk)
    for name, value in written.items():
        shown = again.fields.get(name.replace("__", "."))
        assert shown in ([value], value, None), name


async def test_a_rule_that_is_wrong_keeps_its_number(desk: Desk) -> None:
    """Also where one before it is left out."""
    async with browser_of(desk, "admin") as browser:
        form = await sent(browser, await opened(browser, "/issuance-policies/new"), 200, more="1")
        assert form is not None
        written = {"name": "P", "rules__0__left_out": "on", "rules__1__name": "r", "rules__1__names": "***"}
        again = await sent(browser, form, 422, **written)
    assert again is not None
    assert {"rules.1.names"} == again.wrong


@pytest.mark.parametrize("path", PATHS)
async def test_who_may_not_write(desk: Desk, path: str) -> None:
    """Readers have no way to the forms; nobody's page sends one in somebody's name; nothing is changed in the past."""
    assert f"{path}/new" not in await html(desk, path, "auditor")
    assert f"{path}/new" in await html(desk, path, "admin")
    assert f"{path}/new" not in await html(desk, f"{path}?as_of_position={await desk.past()}", "admin")
    nobody = f"{path}/00000000-0000-4000-8000-000000000007"
    for url in (f"{path}/new", f"{nobody}/edit", f"{nobody}/retire"):
        await html(desk, url, "auditor", status=403)
    for url in (f"{nobody}/edit", f"{nobody}/retire"):
        await html(desk, url, "admin", status=404)
    async with browser_of(desk, "admin") as browser:
        for url in (f"{path}/new", f"{nobody}/edit", f"{nobody}/retire"):
            assert 403 == (await browser.post(url, data={"name": "Forged"}, headers=BROWSER)).status_code
        past = f"{path}/new?as_of_position={await desk.past()}"
        assert (await browser.get(past, headers=BROWSER)).is_client_error


def test_a_form_holds_everything() -> None:
    """What is shown and sent back unchanged is the same description, whatever field is set."""
    for fields_, kind in ((policy_forms.RULE, IssuanceRule), (alert_rule_forms.FIELDS, ExpiryAlertRule)):
        full = example(kind)
        values = msgspec.json.decode(msgspec.json.encode(full))
        assert set(values) == {each.name for each in fields_}
        held = raw_of(fields_, values, "x.")
        assert values == value_of(fields_, held.__getitem__, "x.")
    assert {"name", "rules", "description"} == {"rules", *(each.name for each in policy_forms.POLICY)}


async def test_what_was_made_over_the_api_is_changed_in_the_form(desk: Desk) -> None:
    """Sent back as it is, it stays as it is: no event."""
    admin = desk.as_("admin")
    for path, body in zip(PATHS, (POLICY, RULE, CHANNEL), strict=True):
        assert 201 == (await admin.post(f"{API}{path}", json=body)).status_code
        found = await only(desk, path)
        async with browser_of(desk, "admin") as browser:
            form, before = await opened(browser, f"{path}/{found['id']}/edit"), await desk.head()
            await sent(browser, form)
        assert (before, found) == (await desk.head(), await only(desk, path)), path
