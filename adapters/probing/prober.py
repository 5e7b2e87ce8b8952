"""`application.probe_ports.Prober` over the probers that the control plane shares with the bridge."""

from collections.abc import Sequence
from typing import Protocol

from application.probe_ports import Observation, Place
from bridge.probing import prober as rooms
from bridge.probing.observation import Place as ParsedPlace
from bridge.probing.observation import ProbeResult
from bridge.probing.policy import AddressPolicy
from bridge.probing.reasons import Reason
from bridge.probing.resolving import Resolve
from bridge.probing.slots import Slots
from bridge.probing.sweeping.prober import SweepingProber as Sweeping
from bridge.probing.sweeping.sweep import Sweep
from domain.endpoint import host_name, parse_endpoint
from domain.errors import Refused


class _Places(Protocol):
    async def probe_all(self, places: Sequence[ParsedPlace], timeout: float) -> list[Observation]: ...


class _ByText:
    def __init__(self, prober: _Places) -> None:
        self._prober = prober

    async def probe(self, endpoint: str, server_name: str | None, timeout: float) -> Observation:
        """One probe, of `timeout` seconds from its turn on (twice that, where a whole handshake follows a sweep).

        The server name defaults to the endpoint's host name; for an IP address it is left out. Never raises for what
        names, networks and peers do.
        """
        [seen] = await self.probe_all([(endpoint, server_name)], timeout)
        return seen

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        """All of them, in their order."""
        plans = [parsed(*place) for place in places]
        seen = iter(await self._prober.probe_all([p for p in plans if isinstance(p, ParsedPlace)], timeout))
        return [next(seen) if isinstance(plan, ParsedPlace) else plan for plan in plans]


class TlsProber(_ByText):
    """Probes with OpenSSL, at most as many at once as `slots` has."""

    def __init__(self, policy: AddressPolicy, *, resolve: Resolve | None = None, slots: Slots | None = None) -> None:
        self.whole = rooms.TlsProber(policy, resolve=resolve, slots=slots)
        super().__init__(self.whole)


class SweepingProber(_ByText):
    """Probes many at once; `whole` does the rest."""

    def __init__(self, whole: TlsProber, sweep: Sweep | None = None) -> None:
        super().__init__(Sweeping(whole.whole, sweep))


def parsed(endpoint: str, server_name: str | None) -> ParsedPlace | Observation:
    """The place that texts mean; an observation of nothing where they mean none."""
    try:
        target = parse_endpoint(endpoint, pointer="")
    except Refused:
        return _unsent(Reason.INVALID_ENDPOINT)
    name = host_name(server_name) if server_name else host_name(target.host)
    if server_name and name is None:
        return _unsent(Reason.INVALID_SERVER_NAME)
    return ParsedPlace(target.host, target.port, target.starttls.value if target.starttls else None, name)


def _unsent(reason: Reason) -> Observation:
    return Observation(result=ProbeResult.HANDSHAKE_FAILED, reason=reason.value)
