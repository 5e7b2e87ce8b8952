"""One order in its dialog: everything that was asked for, why it failed, and the button that tries it again."""

from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import pytest

from api.asking import Reading
from api.pages.facts import Fact
from api.pages.order_facts import order_facts
from api.pages.past import Shown
from application.house import Attempt, Context, carry_out, load, write
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    CertificateOrder,
    OrderParameters,
    OrderStatus,
    Provider,
    WantedConnector,
    complete,
    fail,
)
from domain.suggested_window import SuggestedWindow
from tests.api.desk import SYSTEM, Desk
from tests.api.pages.test_alerts import BROWSER, browser_of, fields
from tests.api.pages.test_past import html
from tests.api.test_issuance_policies import ORDER, POLICIES, POLICY
from tests.api.test_refusals import refused
from tests.api.walking import API, Json, Story
from tests.application.test_endpoint_orders import request_pem
from tests.support.histories import REQUESTER, T0

ONE, OTHER, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)
BARE = OrderParameters(provider=Provider.LOCAL_PKI, common_name="www.example.org", validity_days=30)
READING = cast("Reading", SimpleNamespace(services=SimpleNamespace(directory=SimpleNamespace(name_of=lambda _: "Ada"))))


def told(
    parameters: OrderParameters, mode: str = "automated", moment: Shown = Shown("/"), **order: Any
) -> dict[str, Fact]:
    """The facts of an order by their labels."""
    made = CertificateOrder(parameters=parameters, mode=mode, requested_by=REQUESTER, submitted_at=T0, **order)
    return {fact.label: fact for fact in order_facts(made, READING, moment)}


def words(found: dict[str, Fact]) -> dict[str, str]:
    return {label: fact.value for label, fact in found.items()}


def test_a_plain_order_says_no_more_than_there_is() -> None:
    """Names once each, the key that is made where none is named; nothing of providers, connectors, renewals."""
    named = msgspec.structs.replace(BARE, subject_alternative_names=("www.example.org", "a.example.org"))
    assert {
        "Names": "www.example.org, a.example.org",
        "Order type": "Local PKI",
        "Mode": "automated: the key is made and kept here",
        "Key": "ec-256",
        "Usage": "server",
        "Validity": "30 days",
        "Requested by": "Ada",
        "Submitted": "1 Mar 2026 12:00:00 UTC",
    } == words(told(named))


def test_an_order_of_everything_says_everything() -> None:
    """Provider, usage, where it goes, what it renews, what it is part of, what the CA suggested; links stay in time."""
    wanted = msgspec.structs.replace(
        BARE,
        provider=Provider.ACME,
        provider_id=ONE,
        usage="both",
        connectors=(
            WantedConnector(
                target_system_id=OTHER, profile="web", endpoints=("a:443", "b:443"), server_name="s.example.org"
            ),
        ),
        renews=OTHER,
        same_key=True,
        replacement_id=THIRD,
        renewal_window=SuggestedWindow(start=T0, end=T0 + timedelta(days=1), explanation_url="https://ca.example/why"),
    )
    found = told(wanted, moment=Shown("/", "then", 7, (("as_of_position", "7"),)), attempt=2)
    said = words(found)
    of_it = tuple(said[name] for name in ("Order type", "Provider", "Usage", "Attempt"))
    assert of_it == ("ACME", str(ONE), "both", "2")
    assert said["Mode"] == "automated: the key of before is used again"
    assert said["Key"] == "that of the certificate which it renews"
    assert said["Connector"] == f"target system {OTHER}, profile web, endpoints a:443, b:443, server name s.example.org"
    assert f"/certificates/{OTHER}?as_of_position=7" == found["Renews"].url
    assert f"/replacements/{THIRD}?as_of_position=7" == found["Part of"].url
    assert "https://ca.example/why" == found["The CA says why"].url


@pytest.mark.parametrize(
    ("mode", "order", "key", "request_of"),
    [
        ("csr", {}, "by signing request: the key is somewhere else", "sent with the order"),
        ("endpoint_csr", {"endpoint_id": ONE}, "the key is made on the target system", "expected from"),
        ("endpoint_csr", {"endpoint_id": ONE, "endpoint_csr_pem": "PEM"}, "on the target system", "made by"),
    ],
)
def test_where_the_key_is(mode: str, order: dict[str, Any], key: str, request_of: str) -> None:
    """With whoever sent a signing request, or on the target system, which makes one first."""
    parameters = msgspec.structs.replace(BARE, csr_pem="PEM") if mode == "csr" else BARE
    said = words(told(parameters, mode, **order))
    assert key in said["Mode"]
    assert said["Signing request"].startswith(request_of)


def test_a_signing_request_may_be_all_there_is() -> None:
    """Then it has the names and the key."""
    said = words(told(msgspec.structs.replace(BARE, common_name="", csr_pem="PEM"), "csr"))
    assert {"as in the signing request"} == {said["Names"], said["Key"]}


async def forbidden(desk: Desk) -> str:
    """An order that hard rules forbid and soft rules warn of: its id."""
    await desk.as_("admin").post(POLICIES, json=POLICY)
    problem = refused(await desk.as_("requester").post(f"{API}/orders", json=ORDER), 422, "policy-hard-fail")
    await desk.settled()
    return str(problem["order_id"])


async def ended(desk: Desk, order_id: str, outcome: str | UUID) -> None:
    """What its provider has come to: a certificate, or what it says instead."""
    context = Context(actor=SYSTEM, at=desk.core.house.clock(), command_id=uuid4())

    async def attempt() -> Attempt[None]:
        order = await load(desk.core.house, CERTIFICATE_ORDER, UUID(order_id))
        make: Any = complete if isinstance(outcome, UUID) else fail
        return Attempt((write(order, make(order.found, context.meta, outcome)),), None)

    await carry_out(desk.core.house, context, attempt, subject_id=UUID(order_id), action="order.end")
    await desk.settled()


async def test_a_failed_order_says_why_and_what_was_asked_for(desk: Desk) -> None:
    """The provider's own words as text, the parameters, where it was to go, and the signing request to unfold."""
    story = await Story(desk).with_target()
    pem = request_pem("www.example.org")
    connector = {"target_system_id": story.target_system_id, "endpoints": ["127.0.0.1:8443"]}
    wish = {"mode": "csr", "common_name": "www.example.org", "csr_pem": pem, "usage": "both", "connectors": [connector]}
    order = await story.post("requester", "orders", wish, 202)
    await ended(desk, order["id"], "The CA said <b>no</b>.")
    text = await html(desk, f"/orders/{order['id']}", "requester")
    assert "<strong>It failed</strong><br>The CA said &lt;b&gt;no&lt;/b&gt;." in text
    for said in ("by signing request", "sent with the order", "<dd>both</dd>", "<dd>90 days</dd>", pem.strip()):
        assert said in unescape(text), said
    assert f"target system {story.target_system_id}, endpoints 127.0.0.1:8443" in text
    assert "<details><summary>Signing request (PEM)" in text


async def test_rules_that_were_broken_are_named(desk: Desk) -> None:
    """Policy and rule with what they demand: those that forbid it apart from those that warn."""
    text = unescape(await html(desk, f"/orders/{await forbidden(desk)}", "requester"))
    assert "Order of www.example.org" in text  # it has no common name
    forbids, _, warns = text.partition("Issuance policies warn:")
    assert "Issuance policies forbid this order." in forbids
    assert "<li>Web servers, strong keys: " in forbids.partition("Issuance policies forbid it:")[2]
    assert "<li>Web servers, short-lived: " in warns
    assert "short-lived" not in forbids


async def test_a_failed_order_is_tried_again_from_its_page(desk: Desk) -> None:
    """By its button and what the form carries; without the token, or with another one, nothing happens."""
    order_id = await forbidden(desk)
    [policy] = (await Story(desk).get("issuance-policies"))["items"]
    gone = await desk.as_("admin").delete(f"{POLICIES}/{policy['id']}", headers={"If-Match": '"1"'})
    assert gone.status_code == 204
    path = f"/orders/{order_id}/resubmit"
    async with browser_of(desk, "requester") as browser:
        page = (await browser.get(f"/orders/{order_id}", headers=BROWSER)).text
        assert f'<form class="inline" method="post" action="{path}"' in page
        assert "Try again</button>" in page
        for forged in ({}, {"csrf_token": "0" * 64}):
            assert (await browser.post(path, data=forged, headers=BROWSER)).status_code == 403
        assert 1 == (await stands(desk, order_id))["attempt"]
        answer = await browser.post(path, data=fields(page), headers=BROWSER)
        assert (303, "/orders") == (answer.status_code, answer.headers["Location"])
    found = await stands(desk, order_id)
    assert ("pending", 2, None, []) == tuple(found[name] for name in ("status", "attempt", "error", "violations"))


async def stands(desk: Desk, order_id: str) -> Json:
    await desk.settled()
    return await Story(desk).get(f"orders/{order_id}")


async def test_only_what_failed_is_tried_again_by_whoever_may_order_and_not_in_the_past(desk: Desk) -> None:
    """No button for an auditor, for an order that waits or is complete, or at a moment when it had failed."""
    story = Story(desk)
    failed = await forbidden(desk)
    then = await desk.past()
    button = "Try again</button>"
    assert button in await html(desk, f"/orders/{failed}", "requester")
    assert button not in await html(desk, f"/orders/{failed}", "auditor")
    past = await html(desk, f"/orders/{failed}?as_of_position={then}", "requester")
    assert "It failed" in past
    assert button not in past
    order = await story.post("requester", "orders", ORDER | {"key_algorithm": "ec-256"}, 202)
    await desk.settled()
    waiting = await html(desk, f"/orders/{order['id']}", "requester")
    assert ("Pending" in waiting, button in waiting) == (True, False)
    assert "Issuance policies warn:" in waiting
    await ended(desk, order["id"], ONE)
    done = await html(desk, f"/orders/{order['id']}", "requester")
    assert (f'href="/certificates/{ONE}"' in done, button in done) == (True, False)
    async with browser_of(desk, "requester") as browser:
        token = fields((await browser.get(f"/orders/{failed}", headers=BROWSER)).text)
        answer = await browser.post(f"/orders/{order['id']}/resubmit", data=token, headers=BROWSER)
        assert (409, OrderStatus.COMPLETE.value in answer.text) == (answer.status_code, True)


async def test_there_is_no_such_order(desk: Desk) -> None:
    """Said in words, with 404."""
    assert "There is no order" in await html(desk, f"/orders/{desk.people['lead'].id}", status=404)
