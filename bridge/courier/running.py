"""The courier as a program: one round, or rounds until a signal."""

import asyncio
import signal
from pathlib import Path

from bridge import state
from bridge.backoff import Backoff
from bridge.courier.carrying import Courier, Outcome
from bridge.courier.config import CourierConfig, read_token
from bridge.courier.service import Service
from bridge.logs import say
from bridge.version import VERSION

_SOON_SECONDS = 30.0


async def run_once(config: CourierConfig) -> dict[str, Outcome]:
    """One round. ConfigRefused, StateRefused."""
    with state.locked(state.open_state(Path(config.state))):
        return await _round(config)


async def run_for_ever(config: CourierConfig) -> None:
    """Rounds until SIGTERM or SIGINT: soon again while something fails or waits, else every `check_seconds`."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with state.locked(state.open_state(Path(config.state))):
        say("running", url=config.url, version=VERSION)
        again = Backoff(config.check_seconds, _SOON_SECONDS)
        while not stopped.is_set():
            outcomes = await _stoppable(config, stopped)
            unsettled = any(outcome.status in ("failed", "waiting") for outcome in outcomes.values())
            if not unsettled:
                again.reset()
            await _pause(stopped, again.pause() if unsettled else config.check_seconds)
        say("stopped")


async def _stoppable(config: CourierConfig, stopped: asyncio.Event) -> dict[str, Outcome]:
    """A round, cut short by a signal: whatever it was at is gone on with next time."""
    working, stopping = asyncio.create_task(_round(config)), asyncio.create_task(stopped.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait((working,))
        return {}
    return working.result()


async def _pause(stopped: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopped.wait()
    except TimeoutError:
        return


async def _round(config: CourierConfig) -> dict[str, Outcome]:
    """The token is read each time: it may have been replaced."""
    service = Service(config.url, read_token(config), config.ca_file)
    try:
        return await Courier(config, Path(config.state), service).round()
    finally:
        await service.close()
