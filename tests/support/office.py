"""The automations in memory: every event's reactions and every timer, as a worker process runs them.

office = Office(world, field)
await office.settle()              # reactions to everything so far, and to what they bring about
await office.later(seconds=600)    # the clock goes on; timers and timed reactions that have come due run
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from adapters.issuers.local_pki import open_local_pki
from adapters.issuing import LocalPkiOrders, Providers, Registered
from adapters.keys.generating import generate_key
from adapters.simulated.looking import SimulatedLooker
from adapters.simulated.notifications import SimulatedMessenger, SimulatedNotifications
from adapters.simulated.ops import SimulatedRunResults
from adapters.simulated.reports import SimulatedReports
from adapters.simulated.sealing import SimulatedSealing, SimulatedVerifier
from adapters.simulated.suggestions import MemorySuggestions
from adapters.simulated.syslog import SimulatedSyslog
from adapters.x509.crl import PublishedCrl
from adapters.x509.requests import read_request
from application.automations.kit import Kit
from application.automations.reactions import REACTIONS
from application.automations.running import Running
from application.automations.timers import TIMERS, Intervals
from application.issuing_ports import Issuers, NotYet
from application.notification_ports import Notices
from application.ports import LogUnavailable
from domain.certificate_order import Provider
from tests.support.field import Field
from tests.support.world import World

EPOCH = datetime.fromtimestamp(0, UTC)
AWAY = (LogUnavailable, ExceptionGroup)


class MemoryCrls:
    """Lists whatever is to be listed."""

    async def list_revoked(self, ca_id: str, serial_number: int) -> PublishedCrl:
        return PublishedCrl(7, EPOCH, EPOCH, b"")


class Office:
    """One worker. `twice`: the share of reactions that run a second time, as after a crash."""

    def __init__(self, world: World, field: Field, *, twice: float = 0.0, issuers: Issuers | None = None) -> None:
        self._world = world
        self._twice = twice
        self._position = 0
        self._timed: list[tuple[datetime, int, str]] = []
        self.looker = SimulatedLooker()
        self.sealing, self.verifier, self.syslog = SimulatedSealing(), SimulatedVerifier(), SimulatedSyslog()
        self.notifications, self.messenger = SimulatedNotifications(), SimulatedMessenger()
        self.reports = SimulatedReports()
        self.notices = Notices(self.notifications, self.messenger, "https://certferry.test")
        kit = Kit(
            house=world.house,
            issuers=issuers or Providers({}),
            reader=world.reader,
            prober=field,
            scanner=field,
            results=SimulatedRunResults(),
            caught_up=world.hints.catch_up,
            sealing=self.sealing,
            syslog=self.syslog,
            verifier=self.verifier,
            looker=self.looker,
            notices=self.notices,
            suggestions=MemorySuggestions(),
            reports=self.reports,
        )
        self._running = Running(kit, Intervals())

    async def settle(self) -> None:
        """React to everything, also to what the reactions bring about."""
        while events := await self._world.ledger.read(self._position, 100):
            for recorded in events:
                for reaction in REACTIONS.get(type(recorded.event), ()):
                    if not reaction.follows(recorded.event):
                        continue
                    if reaction.at is None:
                        await self._run(reaction.name, recorded.position)
                    else:
                        heappush(self._timed, (reaction.at(recorded.event), recorded.position, reaction.name))
                self._position = recorded.position
            await self._run_due()

    async def later(self, seconds: float, *, timers: bool = True) -> None:
        """The clock goes on, then everything that has come due runs."""
        self._world.pass_time(seconds)
        await self._run_due()
        if timers:
            for name in TIMERS:
                with suppress(*AWAY):  # the next tick is another attempt
                    await self._running.timer(name, int(self._world.clock().timestamp()))
        await self.settle()

    async def tick(self, name: str, at: int) -> None:
        """One run of a timer, for an instant in seconds since 1970."""
        await self._running.timer(name, at)

    async def _run_due(self) -> None:
        while self._timed and self._timed[0][0] <= self._world.clock():
            _, position, name = heappop(self._timed)
            await self._run(name, position)

    async def _run(self, name: str, position: int) -> None:
        times = 2 if self._world.random.random() < self._twice else 1
        failures = 0
        while times:
            try:
                await self._running.reaction(name, position, failures)
                times -= 1
            except AWAY:
                failures += 1
            except NotYet as waiting:  # nothing has failed
                again = self._world.clock() + timedelta(seconds=waiting.seconds or 1)
                heappush(self._timed, (again, position, name))
                break


async def local_pki(world: World, registered: Registered | None = None) -> Issuers:
    """A Local PKI in the world's vault, and providers that were registered."""
    authority = await open_local_pki(world.vault, world.clock)
    orders = LocalPkiOrders(authority, generate_key, read_request, world.reader, world.vault, MemoryCrls())
    return Providers({Provider.LOCAL_PKI: orders}, registered)
