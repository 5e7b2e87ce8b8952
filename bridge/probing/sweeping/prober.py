"""A prober for whole estates: a sweep first, and a whole handshake where that says too little.

What a sweep cannot tell in a word (an alert, a request for our certificate under TLS 1.2, a group other than X25519
under TLS 1.3, STARTTLS, something that is no TLS) is looked at by the prober that does whole handshakes: both give the
same results by the same names.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

from bridge.probing.observation import Observation, Place, ProbeResult, Proof
from bridge.probing.policy import Address
from bridge.probing.prober import TlsProber, Unsent, address_of
from bridge.probing.sweeping.flight import Flight
from bridge.probing.sweeping.sweep import Ended, Outcome, Sweep, Target
from bridge.probing.sweeping.tls13.flight import Shown

_AT_ONCE = 1024
"""Endpoints of one question to the sweep: so many are in memory, and so many wait before somebody else's turn."""


class _Name:
    """The endpoint has a host name, whose addresses are not known yet."""


_Plan = Target | Observation | _Name | None


class SweepingProber:
    """Probes many at once; `whole` does the rest."""

    def __init__(self, whole: TlsProber, sweep: Sweep | None = None) -> None:
        self._whole = whole
        self._sweep = sweep or Sweep()

    async def probe(self, place: Place, timeout: float) -> Observation:
        """One probe. What it costs at most is twice `timeout` (seconds), where a whole handshake has to follow."""
        [seen] = await self.probe_all([place], timeout)
        return seen

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        """All of them, in their order."""
        seen: list[Observation] = []
        for start in range(0, len(places), _AT_ONCE):
            seen += await self._some(places[start : start + _AT_ONCE], timeout)
        return seen

    async def _some(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        plans = [self._plan(place) for place in places]
        names = [number for number, plan in enumerate(plans) if isinstance(plan, _Name)]
        found = await asyncio.gather(*(self._resolved(places[number], timeout) for number in names))
        for number, plan in zip(names, found, strict=True):
            plans[number] = plan
        outcomes = iter(await self._swept([plan for plan in plans if isinstance(plan, Target)], timeout))
        seen = [_observation(plan, next(outcomes)) if isinstance(plan, Target) else plan for plan in plans]
        rest = [number for number, each in enumerate(seen) if not isinstance(each, Observation)]
        whole = await self._whole.probe_all([places[number] for number in rest], timeout)
        for number, observation in zip(rest, whole, strict=True):
            seen[number] = observation
        return [each for each in seen if isinstance(each, Observation)]

    def _plan(self, place: Place) -> _Plan:
        """Where to connect to; what is known without that; None where only a whole handshake will do."""
        if place.starttls:
            return None
        if (found := address_of(place.host)) is None:
            return _Name()
        try:
            return _target(place, self._whole.allowed(found))
        except Unsent as unsent:
            return unsent.observation

    async def _resolved(self, place: Place, timeout: float) -> _Plan:
        """The same for a name; of several addresses the first one that answers counts: for whole handshakes only."""
        try:
            addresses = await self._whole.addresses(place.host, asyncio.get_running_loop().time() + timeout)
        except Unsent as unsent:
            return unsent.observation
        return _target(place, addresses[0]) if len(addresses) == 1 else None

    async def _swept(self, targets: Sequence[Target], timeout: float) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Outcome]] = loop.create_future()

        def tell(outcomes: list[Outcome]) -> None:
            if not answer.done():
                answer.set_result(outcomes)

        def done(outcomes: list[Outcome]) -> None:
            with suppress(RuntimeError):  # who asked is gone, and its loop has ended
                loop.call_soon_threadsafe(tell, outcomes)

        self._sweep.submit(targets, timeout, done)
        return await answer


def _target(place: Place, address: Address) -> Target:
    return Target(address, place.port, place.server_name, place.challenge)


def _observation(target: Target, outcome: Outcome) -> Observation | None:
    if outcome is None:
        return None
    address = str(target.address)
    if isinstance(outcome, Ended):
        result = ProbeResult.HANDSHAKE_FAILED if outcome.connected else ProbeResult.UNREACHABLE
        return Observation(result=result, address=address, reason=outcome.reason.value)
    return _shown(address, outcome, proven=target.challenge is not None)


def _shown(address: str, seen: Flight | Shown, *, proven: bool) -> Observation:
    """Of TLS 1.3 there is no proof that could be handed on."""
    fingerprints = tuple(map(_fingerprint, seen.chain))
    return Observation(
        result=ProbeResult.CERTIFICATE,
        address=address,
        protocol="TLSv1.2" if isinstance(seen, Flight) else "TLSv1.3",
        cipher=seen.cipher,
        fingerprint_sha256=fingerprints[0],
        chain_fingerprints_sha256=fingerprints,
        leaf_der=seen.chain[0],
        proof=_proof(seen) if proven and isinstance(seen, Flight) else None,
    )


def _proof(flight: Flight) -> Proof:
    return Proof(random=flight.random, signed=flight.signed, scheme=flight.scheme, signature=flight.signature)


@lru_cache(maxsize=4096)
def _fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()
