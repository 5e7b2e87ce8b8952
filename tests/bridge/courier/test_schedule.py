"""Rounds of the courier until a signal: on schedule, sooner while something fails, and what they find to do."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.courier import running
from bridge.courier.carrying import Outcome
from bridge.courier.config import CourierConfig, Wanted
from bridge.courier.running import run_for_ever
from bridge.state import StateRefused, locked, open_state


@pytest.fixture(autouse=True)
async def handlers() -> AsyncIterator[None]:
    """None of the signals stays the courier's when a test is over."""
    yield
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.fixture
def config(tmp_path: Path) -> CourierConfig:
    wanted = Wanted(directory="/nowhere", names=("www.example.org",))
    state = str(tmp_path / "state")
    return CourierConfig(url="https://a", token_file="/t", state=state, check_seconds=200, certificates={"a": wanted})


def scripted(monkeypatch: pytest.MonkeyPatch, *statuses: str) -> list[float]:
    """Rounds that come to these outcomes, with pauses that are noted instead of waited; a SIGTERM is in the last one.

    Pauses that are drawn are as long as they may be.
    """
    left, pauses = list(statuses), list[float]()

    async def one(_: CourierConfig) -> dict[str, Outcome]:
        return {"quiet": Outcome("unchanged", ""), "a": Outcome(left.pop(0), "")}

    async def noted(stopped: asyncio.Event, seconds: float) -> None:
        pauses.append(seconds)
        if not left:
            os.kill(os.getpid(), signal.SIGTERM)
            await stopped.wait()

    monkeypatch.setattr(running, "_round", one)
    monkeypatch.setattr(running, "_pause", noted)
    monkeypatch.setattr("random.uniform", lambda _, bound: bound)
    return pauses


async def test_it_asks_again_on_schedule(config: CourierConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `check_seconds` where all is well, whether something was installed or not."""
    pauses = scripted(monkeypatch, "installed", "unchanged", "unchanged")
    await asyncio.wait_for(run_for_ever(config), 20)
    assert [200, 200, 200] == pauses


async def test_it_asks_sooner_after_failures_and_less_and_less_soon(
    config: CourierConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails or waits is enough: half a minute, a minute, two, never more than usual. All well: anew."""
    pauses = scripted(monkeypatch, "failed", "waiting", "failed", "failed", "failed", "installed", "failed")
    await asyncio.wait_for(run_for_ever(config), 20)
    assert [30, 60, 120, 200, 200, 200, 30] == pauses


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_pause(
    config: CourierConfig, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """At once, however long the pause is; the state is another's to lock afterwards."""
    over = asyncio.Event()

    async def one(_: CourierConfig) -> dict[str, Outcome]:
        over.set()
        return {}

    monkeypatch.setattr(running, "_round", one)
    going = asyncio.create_task(run_for_ever(config))
    await asyncio.wait_for(over.wait(), 20)
    with pytest.raises(StateRefused), locked(open_state(Path(config.state))):
        pass
    await asyncio.sleep(0.05)
    assert not going.done()
    os.kill(os.getpid(), number)
    await asyncio.wait_for(going, 20)
    with locked(open_state(Path(config.state))):
        pass


async def test_a_signal_cuts_a_round_short(config: CourierConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would take for ever is cancelled, not waited for; no other round begins."""
    seen: list[str] = []

    async def one(_: CourierConfig) -> dict[str, Outcome]:
        seen.append("begun")
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cut short")
            raise
        raise AssertionError("nothing sets it")

    monkeypatch.setattr(running, "_round", one)
    await asyncio.wait_for(run_for_ever(config), 20)
    assert ["begun", "cut short"] == seen
