"""What does a place serve, seen from here?

Resolve once; every address must pass the policy; connect to that very address; send the server name; compare nothing.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

from bridge.probing.dialogue import NotBegun
from bridge.probing.handshake import Handshake, legacy_context, modern_context, shake_hands
from bridge.probing.observation import Observation, Place, ProbeResult
from bridge.probing.policy import Address, AddressPolicy
from bridge.probing.reasons import Reason, unreachable
from bridge.probing.resolving import Resolve, system_resolver
from bridge.probing.slots import Slots
from bridge.probing.starttls import PROTOCOLS, begin_tls

MAX_ADDRESSES = 4
_NO_CERTIFICATE = frozenset({Reason.NOT_TLS, Reason.ANONYMOUS, Reason.STARTTLS_REFUSED, Reason.STARTTLS_WRONG_PROTOCOL})
# After these a second try with an old context may show more.
_WORTH_A_SECOND_TRY = frozenset({Reason.TLS_ALERT, Reason.TLS_ERROR, Reason.CONNECTION_LOST, Reason.LEGACY_PROTOCOL})


class Unsent(Exception):
    """The probe ended before a handshake; `observation` says how."""

    def __init__(self, result: ProbeResult, reason: Reason, address: Address | None = None) -> None:
        super().__init__(reason)
        self.observation = Observation(result=result, reason=reason.value, address=str(address) if address else None)


class TlsProber:
    """Probes with OpenSSL, at most as many at once as `slots` has."""

    def __init__(self, policy: AddressPolicy, *, resolve: Resolve | None = None, slots: Slots | None = None) -> None:
        self._policy = policy
        self._resolve = resolve or system_resolver()
        self._slots = slots or Slots()

    async def probe(self, place: Place, timeout: float) -> Observation:
        """One probe; `timeout` in seconds starts when it is its turn. Never raises for what names, networks and peers
        do.
        """
        try:
            async with self._slots.one(place.host):
                return await self._look(place, asyncio.get_running_loop().time() + timeout)
        except Unsent as unsent:
            return unsent.observation

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        """All of them, in their order."""
        return list(await asyncio.gather(*(self.probe(place, timeout) for place in places)))

    async def _look(self, place: Place, deadline: float) -> Observation:
        if place.starttls is not None and place.starttls not in PROTOCOLS:
            raise Unsent(ProbeResult.HANDSHAKE_FAILED, Reason.INVALID_ENDPOINT)
        addresses = await self.addresses(place.host, deadline)
        wish = _Wish(place.port, place.starttls, place.server_name, deadline)
        address, seen = await _first_reachable(addresses, wish)
        if not seen.chain and seen.failure in _WORTH_A_SECOND_TRY:
            again = await _try_legacy(address, wish)
            seen = again if again.chain or again.failure is Reason.ANONYMOUS else seen
        return _observation(address, seen)

    def allowed(self, address: Address) -> Address:
        """The address itself. Raises Unsent where the policy has it that nothing goes there."""
        if not self._policy.allows(address):
            raise Unsent(ProbeResult.HANDSHAKE_FAILED, Reason.REFUSED_BY_POLICY)
        return address

    async def addresses(self, host: str, deadline: float) -> Sequence[Address]:
        """The addresses of a host, all of which may be connected to. Raises Unsent."""
        return [self.allowed(address) for address in await self._resolved(host, deadline)]

    async def _resolved(self, host: str, deadline: float) -> Sequence[Address]:
        if (address := address_of(host)) is not None:
            return (address,)
        try:
            async with asyncio.timeout_at(deadline):
                found = await self._resolve(host)
        except TimeoutError:
            raise Unsent(ProbeResult.NAME_NOT_RESOLVED, Reason.TIMEOUT) from None
        except (OSError, UnicodeError):
            raise Unsent(ProbeResult.NAME_NOT_RESOLVED, Reason.NO_SUCH_NAME) from None
        if not found:
            raise Unsent(ProbeResult.NAME_NOT_RESOLVED, Reason.NO_SUCH_NAME)
        return found


def address_of(host: str) -> Address | None:
    """The address that a host is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


class _Wish(NamedTuple):
    """What is looked at, whichever address it has; `deadline` on the loop's clock."""

    port: int
    starttls: str | None
    server_name: str | None
    deadline: float


async def _first_reachable(addresses: Sequence[Address], wish: _Wish) -> tuple[Address, Handshake]:
    """Try the addresses in order, each with its share of the time that is left; the first that connects counts."""
    loop = asyncio.get_running_loop()
    waiting = list(addresses[:MAX_ADDRESSES])
    while True:
        now, address = loop.time(), waiting[0]
        share = now + (wish.deadline - now) / len(waiting)
        try:
            return address, await _one_handshake(address, wish, modern_context(), share)
        except Unsent:
            waiting.pop(0)
            if not waiting:
                raise


async def _try_legacy(address: Address, wish: _Wish) -> Handshake:
    try:
        return await _one_handshake(address, wish, legacy_context(), wish.deadline)
    except Unsent:
        return Handshake()


async def _one_handshake(address: Address, wish: _Wish, context: ssl.SSLContext, connect_by: float) -> Handshake:
    reader, writer = await _connect(address, wish.port, connect_by)
    late = Reason.STARTTLS_TIMEOUT if wish.starttls else Reason.TIMEOUT
    try:
        async with asyncio.timeout_at(wish.deadline):
            if wish.starttls:
                await begin_tls(reader, writer, wish.starttls)
                late = Reason.TIMEOUT
            seen = await shake_hands(reader, writer, context, wish.server_name)
    except NotBegun as not_begun:
        return Handshake(failure=not_begun.reason)
    except TimeoutError:
        return Handshake(failure=late)
    finally:
        writer.transport.abort()
    went_on_in_clear = wish.starttls and seen.failure is Reason.NOT_TLS
    return Handshake(failure=Reason.STARTTLS_PLAINTEXT) if went_on_in_clear else seen


async def _connect(address: Address, port: int, by: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout_at(by):
            return await asyncio.open_connection(str(address), port)
    except OSError as error:
        raise Unsent(ProbeResult.UNREACHABLE, unreachable(error), address) from None


def _observation(address: Address, seen: Handshake) -> Observation:
    reason = seen.failure.value if seen.failure else None
    if not seen.chain:
        result = ProbeResult.NO_CERTIFICATE if seen.failure in _NO_CERTIFICATE else ProbeResult.HANDSHAKE_FAILED
        return Observation(result=result, address=str(address), reason=reason)
    return Observation(
        result=ProbeResult.CERTIFICATE,
        address=str(address),
        protocol=seen.protocol,
        cipher=seen.cipher,
        fingerprint_sha256=hashlib.sha256(seen.chain[0]).hexdigest(),
        chain_fingerprints_sha256=tuple(hashlib.sha256(der).hexdigest() for der in seen.chain),
        leaf_der=seen.chain[0],
        reason=reason,
    )
