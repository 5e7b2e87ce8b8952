"""Running one automation once, whatever comes: what failed is tried again by the queue, and stands in an alert."""

import logging

from application.alerting import raise_alert, resolve_cause
from application.automations.kit import Kit, is_outcome, timing
from application.automations.reactions import BY_NAME
from application.automations.timers import TIMERS, Intervals, Tick
from application.issuing_ports import NotYet
from application.recent import RecentEvents
from domain.alert import AlertKind

ALERT_AFTER = 5
"""Failures in a row before an alert is raised."""

_log = logging.getLogger(__name__)


class Running:
    """The automations of one process."""

    def __init__(self, kit: Kit, intervals: Intervals, recent: RecentEvents | None = None) -> None:
        """`recent`: events that somebody else in this process has read."""
        self._kit = kit
        self._recent = recent or RecentEvents(kit.house.log)
        self._intervals = intervals
        self._failures: dict[str, int] = {}

    async def reaction(self, name: str, position: int, failures: int) -> None:
        """React to the event at a position, `failures` attempts having failed. Raises what should be tried again."""
        reaction = BY_NAME.get(name)
        if reaction is None:
            _log.warning("the reaction %s to position %d is not known any more: left out", name, position)
            return
        cause = f"{name}:{position}"
        try:
            await reaction.act(self._kit, await self._recent.at(position))
        except NotYet:
            raise  # nothing has failed
        except Exception as error:
            if not is_outcome(error):
                await self._failed(cause, failures + 1, error)
                raise
        await self._succeeded(cause, failures)

    async def timer(self, name: str, tick: int) -> None:
        """Run a timer for the instant it stands for. Raises what went wrong; the next tick is another attempt."""
        timer = TIMERS[name]
        late = self._kit.house.clock().timestamp() - tick > 2 * timer.every(self._intervals)
        if late and not timer.resumes:
            return
        try:
            await timer.act(self._kit, Tick(tick, late))
        except Exception as error:
            self._failures[name] = self._failures.get(name, 0) + 1
            await self._failed(name, self._failures[name], error)
            raise
        await self._succeeded(name, self._failures.pop(name, 0))

    async def _failed(self, cause: str, failures: int, error: Exception) -> None:
        """The message names the kind of error only: its text could hold what must not be kept."""
        if failures != ALERT_AFTER:
            return
        message = f"The automation {cause} has failed {failures} times in a row ({type(error).__name__})."
        try:
            context = timing(self._kit.house, "alert-automation")
            await raise_alert(self._kit.house, context, AlertKind.REACTION_FAILED, cause, message)
        except Exception:  # noqa: BLE001 - the cause itself is raised by the caller
            _log.exception("no alert could be raised for %s", cause)

    async def _succeeded(self, cause: str, failures: int) -> None:
        if failures >= ALERT_AFTER:
            context = timing(self._kit.house, "alert-automation")
            await resolve_cause(self._kit.house, context, AlertKind.REACTION_FAILED, cause)
