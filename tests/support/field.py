"""Bridges and what they install on, in memory: the loop lease -> install -> report, and what endpoints then serve.

It does what api.bridge_api and bridge.agent do between them, and can be made to do it twice, late, or never.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from application import deploying, discovering, errands, registering
from application.deploying import LeasedDeployment
from application.enrolling import bridge_seen
from application.errands import LeasedErrand
from application.house import Context, load
from application.probe_ports import Observation, Place
from bridge.protocol import ProbeResult
from domain.bridge import BRIDGE
from domain.deployment import Outcome, Report
from domain.entity import ActorKind
from domain.push_states import FailureCause
from tests.support.world import World

Work = LeasedDeployment | LeasedErrand


class Installed(NamedTuple):
    """What lies at a place of a target system."""

    fingerprint_sha256: str
    certificate_pem: str


class Field:
    """All target systems, as their bridges see them."""

    def __init__(self) -> None:
        self.installed: dict[tuple[UUID, str | None], Installed] = {}
        self.serving: dict[str, str] = {}

    async def probe(self, endpoint: str, server_name: str | None, timeout: float) -> Observation:
        """application.probe_ports.Prober over what is installed."""
        served = self.serving.get(endpoint)
        if served is None:
            return Observation(result=ProbeResult.UNREACHABLE, reason="connection_refused")
        return Observation(result=ProbeResult.CERTIFICATE, fingerprint_sha256=served, protocol="TLSv1.3")

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        """See Prober.probe_all."""
        return [await self.probe(endpoint, server_name, timeout) for endpoint, server_name in places]


class FieldBridge:
    """One bridge."""

    def __init__(self, world: World, field: Field, bridge_id: UUID) -> None:
        self._world = world
        self._field = field
        self.id = bridge_id

    def context(self) -> Context:
        return self._world.by(str(self.id), kind=ActorKind.BRIDGE)

    async def alive(self) -> None:
        """A heartbeat without anything in hand."""
        bridge = await load(self._world.house, BRIDGE, self.id)
        await bridge_seen(self._world.house, self.context(), bridge, "1.0")

    async def lease(self, capacity: int = 4) -> list[Work]:
        """Deployments first, then errands, as the listener hands them out; asking is a sign of life."""
        house = self._world.house
        await self.alive()
        found: list[Work] = list(await deploying.lease(house, self.context(), self.id, capacity))
        if len(found) < capacity:
            found += await errands.lease_errands(house, self.id, capacity - len(found))
        return found

    async def install(self, work: LeasedDeployment) -> None:
        """Write it, reload: from now on it is served."""
        place = Installed(work.fingerprint_sha256, work.fullchain_pem)
        self._field.installed[work.target_system_id, work.profile] = place
        connector = await self._world.connector_state(work.connector_id)
        for endpoint in connector.endpoints:
            self._field.serving[endpoint] = work.fingerprint_sha256

    async def report(self, work: LeasedDeployment, *, succeeded: bool = True, fence: int | None = None) -> Outcome:
        """Say how it ended."""
        said = Report(
            deployment_id=work.deployment_id,
            bridge_id=self.id,
            fence=work.fence if fence is None else fence,
            succeeded=succeeded,
            message="installed" if succeeded else "nginx: configuration file test failed",
            cause=FailureCause.UNKNOWN if succeeded else FailureCause.SERVICE_RELOAD_FAILED,
        )
        return (await deploying.take_report(self._world.house, self.context(), said)).result

    async def answer(self, work: LeasedErrand) -> None:
        """Say what was found, as the listener takes it."""
        house, errand = self._world.house, work.errand
        held = await deploying.own_lease(house, errand.id, self.id)
        if held.fence != work.fence:
            return
        if errand.kind == registering.TEST:
            await registering.take_test(house, self.context(), errand.id, healthy=True, message="well")
        else:
            await discovering.take_discovery(
                house,
                self.context(),
                self._world.reader,
                errand.id,
                healthy=True,
                message="",
                found=self._look(errand.target_system_id),
            )
        await house.leases.release(errand.id, work.fence)

    async def work(self, capacity: int = 4) -> list[Work]:
        """Everything there is, one turn: lease, do, report."""
        taken = await self.lease(capacity)
        for each in taken:
            if isinstance(each, LeasedErrand):
                await self.answer(each)
            else:
                await self.install(each)
                await self.report(each)
        return taken

    def _look(self, target_id: UUID) -> Sequence[discovering.Found]:
        return [
            discovering.Found(f"/etc/nginx/tls/{profile or 'default'}", profile, _first(there.certificate_pem))
            for (target, profile), there in self._field.installed.items()
            if target == target_id
        ]


def _first(pem: str) -> str:
    end = "-----END CERTIFICATE-----\n"
    return pem.partition(end)[0] + end
