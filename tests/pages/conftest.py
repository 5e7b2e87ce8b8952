"""The demo, running, and a real Chromium in front of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support.components import require
from tests.support.waiting import wait_until

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
SignIn = Callable[..., Page]


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `certferry demo` says when it is ready."""
    require("nginx")
    place = tmp_path_factory.mktemp("demo")
    ready = place / "ready.json"
    command = [str(Path(sys.executable).with_name("certferry")), "demo", "--port", "0", "--no-browser"]
    command += ["--data", str(place / "data"), "--ready-file", str(ready)]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        try:
            wait_until(lambda: ready.exists() or process.poll() is not None, 120)
            assert process.poll() is None, (place / "log").read_text()
            yield json.loads(ready.read_text())
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


@pytest.fixture(scope="module")  # while it is open, an event loop runs in this thread: no other test may have one
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    path = require("chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(path), args=FLAGS)
        yield launched
        launched.close()


def is_complaint(message: ConsoleMessage) -> bool:
    """An error of the page; that a refused request was refused is none."""
    return message.type == "error" and "status of 4" not in message.text


@pytest.fixture
def sign_in(demo: dict[str, Any], browser: Browser) -> Iterator[SignIn]:
    """A page of somebody who has signed in; anything the browser complains about fails the test."""
    complaints: list[str] = []
    contexts = []

    def sign_in_as(who: str, **options: Any) -> Page:
        context = browser.new_context(base_url=demo["base_url"], **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/certificates")
        page.get_by_label("Token").fill(demo["tokens"][who])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Certificates").wait_for()
        return page

    yield sign_in_as
    for context in contexts:
        context.close()
    assert [] == complaints


def through_head(page: Page, name: str) -> None:
    """Go to a place by the head of the page: in its row, else in its menu."""
    way = page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True)
    if not way.is_visible():
        page.locator("summary", has_text="More").click()
    way.click()
