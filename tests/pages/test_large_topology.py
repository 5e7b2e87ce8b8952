"""Seven hundred connectors on one certificate, in a real browser: groups, opening one, filters and search."""

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Page, expect

from adapters.bootstrap import open_core
from adapters.settings import load_settings
from api.cli.acting import by_hand
from application.house import Context, Loaded, append, load, load_many, write
from application.ports import Change
from domain import ids
from domain.association import associate
from domain.certificate import CERTIFICATE, Certificate
from domain.connector import CONNECTOR
from domain.target_system import TARGET_SYSTEM, TargetSystem
from tests.adapters.x509.certificates import cn, make, san
from tests.pages.conftest import SignIn
from tests.pages.test_topology_page import assert_accessible

MANY = 700


@pytest.fixture(scope="module")
def large(demo: dict[str, Any]) -> str:
    """The page of a certificate with seven hundred connectors, on all target systems of the demo."""
    with httpx.Client(base_url=f"{demo['base_url']}/api/v1", timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {demo['tokens']['operator']}"
        pem = make(cn("many.example.com"), [san("many.example.com")]).pem
        certificate_id = client.post("/certificates", json={"certificate_pem": pem}).raise_for_status().json()["id"]
        targets = [UUID(target["id"]) for target in client.get("/target-systems").json()["items"]]
        with ThreadPoolExecutor(1) as aside:  # an event loop may run in this thread
            position = aside.submit(asyncio.run, connect(demo, UUID(certificate_id), targets)).result()
        client.get(f"/certificates/{certificate_id}", params={"min_position": position}).raise_for_status()
    return f"/certificates/{certificate_id}"


async def connect(demo: dict[str, Any], certificate_id: UUID, targets: Sequence[UUID]) -> int:
    """What adding them one by one would append, a hundred at a time; the last position."""
    position = 0
    async with open_core(load_settings(Path(demo["data"]) / "certferry.toml")) as core:
        house = core.house
        certificate = (await load(house, CERTIFICATE, certificate_id)).found
        known = list((await load_many(house, TARGET_SYSTEM, targets)).values())
        for first in range(0, MANY, 100):
            context = by_hand(house)
            changes = [
                _associated(context, certificate_id, certificate, known[number % len(known)], number)
                for number in range(first, min(first + 100, MANY))
            ]
            position = (await append(house, context, *changes)).last_position
    return position


def _associated(
    context: Context, certificate_id: UUID, certificate: Certificate, target: Loaded[TargetSystem], number: int
) -> Change:
    profile = f"place-{number}"
    connector_id = ids.connector_id(certificate_id, target.id, profile)
    events = associate(
        None,
        context.meta,
        certificate_id=certificate_id,
        certificate=certificate,
        target_system_id=target.id,
        target=target.found,
        profile=profile,
        endpoints=(f"10.{number // 250}.{number % 250}.1:443",),
        server_name=None,
    )
    return write(Loaded(kind=CONNECTOR, id=connector_id, version=0, state=None), events)


def rows(page: Page) -> Any:
    return page.locator(".connectors > li:not(.summary)")


def test_groups_are_opened_and_narrowed_by_addresses(sign_in: SignIn, large: str) -> None:
    """A glance, a group, a colour, a name, an address: each is a click, and the address holds all of it."""
    page = sign_in("auditor")
    page.goto(large)
    expect(page.locator(".node.certificate")).to_contain_text(f"{MANY} connectors")
    assert 0 == rows(page).count()
    assert 1 <= page.locator(".connectors > li.summary").count() <= 16

    toggle = page.locator(".group").first.get_by_role("button", expanded=False)
    toggle.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?open="))
    expect(rows(page).first).to_be_visible()
    page.locator(".group").first.get_by_role("button", expanded=True).click()
    expect(rows(page)).to_have_count(0)

    page.get_by_role("link", name="Target system", exact=True).click()
    expect(page).to_have_url(re.compile(r"group_by=target_system"))
    page.get_by_label("Name or address").fill("10.1.7.")
    page.get_by_role("button", name="Find").click()
    expect(page).to_have_url(re.compile(r"group_by=target_system.*q=10\.1\.7\."))
    expect(page.get_by_role("status")).to_have_text(f"1 connector of {MANY}")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator(".node.certificate")).to_contain_text(f"{MANY} connectors")


def test_a_colour_is_chosen_by_its_words(sign_in: SignIn, large: str) -> None:
    """The legend has icon, words and number; what was searched for stays."""
    page = sign_in("auditor")
    page.goto(f"{large}?q=place-1")
    chip = page.locator(".chips a:has(.badge)").first
    expect(chip).to_contain_text(re.compile(r"[A-Z][a-z ]+.*\d+"))
    chip.click()
    expect(page).to_have_url(re.compile(r"colour=[a-z_]+&q=place-1"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1520, 400])
def test_everybody_can_use_it(sign_in: SignIn, large: str, scheme: str, width: int) -> None:
    """WCAG 2.2 AA by axe, closed and opened; nothing scrolls sideways."""
    page = sign_in("auditor", color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    for query in ("", "?group_by=colour", "?group_by=target_system&q=place-6"):
        page.goto(large + query)
        page.locator(".group").first.get_by_role("button").first.click()
        expect(rows(page).first).to_be_visible()
        if width == 400:
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.go_back()
        assert_accessible(page)
    page.goto(f"{large}?q=place-69")
    expect(rows(page)).to_have_count(11)
    assert_accessible(page)
