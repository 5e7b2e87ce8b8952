"""Trust in bridges: approval by a second person, renewal of their certificates, quarantine."""

from uuid import UUID

from application.changing import change_one
from application.enrolling import BridgeSigner, Enrolled, SignedBridge
from application.house import Context, Done, House, Loaded
from application.personal import sealed
from domain import bridge_trust
from domain.bridge import BRIDGE, Bridge, BridgeStatus
from domain.bridge_trust import Standing, standing
from domain.entity import Event
from domain.errors import Code, Refused


async def approve_bridge(
    house: House, context: Context, bridge_id: UUID, *, fingerprint_sha256: str | None = None
) -> Done[Loaded[Bridge]]:
    """A second person lets in a bridge that has enrolled; from now on it gets work."""

    def decide(bridge: Bridge) -> tuple[Event, ...]:
        return bridge_trust.approve(bridge, context.meta, fingerprint_sha256=fingerprint_sha256)

    return await change_one(house, context, BRIDGE, bridge_id, "bridge.approve", decide)


async def renew_bridge(
    house: House, context: Context, signer: BridgeSigner, bridge_id: UUID, fingerprint: str, csr_pem: str
) -> Done[Enrolled]:
    """The next certificate of a bridge, for a new key. `fingerprint`: of the certificate it shows. Raises Refused, also
    for the second holder of an identity, which is quarantined by that.
    """
    signed = signer.sign(csr_pem, bridge_id)

    def decide(bridge: Bridge) -> tuple[Event, ...]:
        shown = standing(bridge, fingerprint) if bridge.enrolled else Standing.UNKNOWN
        if shown is Standing.UNKNOWN:
            raise Refused(Code.FORBIDDEN, "This bridge is not enrolled, or no longer trusted.")
        return bridge_trust.renew(
            bridge,
            context.meta,
            shown,
            certificate_fingerprint_sha256=signed.fingerprint_sha256,
            certificate_not_after=signed.not_after,
            public_key_sha256=signed.public_key_sha256,
        )

    done = await change_one(house, context, BRIDGE, bridge_id, "bridge.renew", decide)
    if done.result.found.status is BridgeStatus.QUARANTINED:
        await house.leases.free(bridge_id)
        raise Refused(Code.FORBIDDEN, bridge_trust.CLONED)
    return _with(done, signed)


def _with(done: Done[Loaded[Bridge]], signed: SignedBridge) -> Done[Enrolled]:
    return Done(result=Enrolled(done.result, signed), position=done.position, repeated=done.repeated)


async def take_up_certificate(house: House, context: Context, bridge: Loaded[Bridge], fingerprint: str) -> None:
    """The bridge asks for work with its renewed certificate; it becomes an event the first time only."""
    if bridge.found.in_use:
        return

    def decide(state: Bridge) -> tuple[Event, ...]:
        return bridge_trust.take_up(state, context.meta, standing(state, fingerprint))

    await change_one(house, context, BRIDGE, bridge.id, "bridge.take_up", decide)


async def quarantine_clone(house: House, context: Context, bridge_id: UUID, fingerprint: str) -> None:
    """Somebody works with an older certificate of a bridge while a newer one is in use."""

    def decide(bridge: Bridge) -> tuple[Event, ...]:
        if not bridge.enrolled or standing(bridge, fingerprint) is not Standing.OUTDATED:
            return ()
        return bridge_trust.quarantine(bridge, context.meta, bridge_trust.CLONED)

    await change_one(house, context, BRIDGE, bridge_id, "bridge.quarantine", decide)
    await house.leases.free(bridge_id)


async def quarantine_bridge(
    house: House, context: Context, bridge_id: UUID, comment: str | None = None
) -> Done[Loaded[Bridge]]:
    """A person trusts it no longer: its next request is refused, and what it held is free."""
    reason = await sealed(house.texts, context.actor, comment or "A person quarantined it.") or ""

    def decide(bridge: Bridge) -> tuple[Event, ...]:
        check_quarantinable(bridge)
        return bridge_trust.quarantine(bridge, context.meta, reason)

    done = await change_one(house, context, BRIDGE, bridge_id, "bridge.quarantine", decide)
    await house.leases.free(bridge_id)
    return done


def check_quarantinable(bridge: Bridge) -> None:
    """Raises Refused where there is nothing to quarantine."""
    if not bridge.enrolled and bridge.status is not BridgeStatus.QUARANTINED:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"{bridge.name} is {bridge.status.value}: there is nothing to quarantine.",
            current_status=bridge.status.value,
            allowed=[],
        )
