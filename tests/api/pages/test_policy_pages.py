"""Pages of issuance policies, expiry alert rules and notification channels; what policies would say of an order."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.desk import Desk
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import sheet
from tests.api.walking import API, CHANNEL

POLICY: dict[str, Any] = {
    "name": "Web <servers>",
    "rules": [
        {"name": "strong keys", "domains": ["example.org"], "minimum_ec_bits": 384},
        {"name": "short lives", "domains": ["example.org"], "maximum_validity_days": 47, "severity": "soft"},
        {"name": "no stars", "wildcards": False},
    ],
}
RULE: dict[str, Any] = {"name": "Web", "thresholds": [30, 10], "relative_thresholds": [20], "owners": ["web"]}


async def set_up(desk: Desk, path: str, body: dict[str, Any]) -> None:
    answer = await desk.as_("admin").post(f"{API}/{path}", json=body)
    assert answer.status_code == 201, answer.text
    await desk.settled()


async def test_policies_are_shown_with_their_rules(desk: Desk) -> None:
    """Every restriction that is set, who changed it; markup in a name is text; the same as a file."""
    await set_up(desk, "issuance-policies", POLICY)
    page = await html(desk, "/issuance-policies?q=web", "auditor")
    assert "Web &lt;servers&gt;" in page
    [row] = await sheet(desk, "/issuance-policies")
    first = "strong keys (hard; domains example.org; minimum ec bits 384)"
    second = "short lives (soft; domains example.org; maximum validity days 47)"
    assert f"{first}; {second}; no stars (hard; no wildcards)" == row["Rules"]
    assert ("admin", "1") == (row["By"], row["Version"])
    assert "Nothing matches" in await html(desk, "/issuance-policies?q=other", "admin")


async def test_rules_and_channels_are_found_from_the_alerts(desk: Desk) -> None:
    """With filters, thresholds and times in words; a channel's secrets and settings are not on its page."""
    await set_up(desk, "expiry-alert-rules", RULE)
    await set_up(desk, "notification-channels", CHANNEL | {"alert_kinds": ["expiry"], "daily_at": "06:30"})
    alerts = await html(desk, "/alerts", "auditor")
    assert 'href="/expiry-alert-rules"' in alerts
    assert 'href="/notification-channels"' in alerts
    assert 'href="/notification-channels"' not in await html(desk, "/alerts", "operator")
    [rule] = await sheet(desk, "/expiry-alert-rules", "operator")
    assert ("30 days, 10 days, 20 % of its lifetime", "owners web") == (rule["Before expiry"], rule["Of"])
    [channel] = await sheet(desk, "/notification-channels")
    assert ("expiry", "daily at 06:30 UTC", "on") == (channel["Tells of"], channel["When"], channel["State"])
    page = await html(desk, "/notification-channels?kind=mail&retired=false", "admin")
    assert str(CHANNEL["name"]) in page
    assert "c@example.org" not in page


@pytest.mark.parametrize(
    ("url", "who"),
    [
        ("/issuance-policies", "requester"),
        ("/expiry-alert-rules", "requester"),
        ("/notification-channels", "operator"),
        ("/issuance-policies/evaluate", "nobody"),
    ],
)
async def test_who_has_no_such_page(desk: Desk, url: str, who: str) -> None:
    """As over REST."""
    await html(desk, url, who, status=403)


async def test_what_policies_would_say(desk: Desk) -> None:
    """The question is in the address; nothing is ordered, nothing recorded."""
    await set_up(desk, "issuance-policies", POLICY)
    before = await desk.head()
    for order, verdict in (
        ({"common_name": "www.example.org"}, ("Blocked", "strong keys", "short lives")),
        ({"common_name": "www.example.org", "key_algorithm": "ec-384"}, ("Allowed, with warnings", "short lives")),
        ({"common_name": "www.example.com"}, ("Allowed.",)),
        ({"common_name": "www.example.com", "names": "a.example.com, *.example.com"}, ("Blocked", "no stars")),
        ({"common_name": "www.example.com", "key_algorithm": "dsa"}, ("This is no order",)),
        ({"common_name": "www.example.com", "validity_days": "never"}, ("This is no order",)),
    ):
        page = await html(desk, f"/issuance-policies/evaluate?{urlencode(order)}", "requester")
        assert [] == [each for each in verdict if each not in page], order
    assert before == await desk.head()


async def test_nothing_is_said_before_anything_is_asked(desk: Desk) -> None:
    """And nothing of the past: policies hold for orders to come."""
    assert "Verdict" not in await html(desk, "/issuance-policies/evaluate", "requester")
    past = f"/issuance-policies/evaluate?common_name=a.example.org&as_of_position={await desk.past()}"
    assert (await desk.as_("auditor").get(past, headers={"Accept": "text/html"})).is_client_error
