"""Bridges: a one-time token, enrolment, signs of life, silence, retirement."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from application.changing import change_one
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    append,
    carry_out,
    load,
    shown_once,
    write,
)
from application.ports import VersionConflict
from domain import bridge as bridges
from domain import ids
from domain.bridge import BRIDGE, Bridge, BridgeEnrolmentIssued
from domain.bridge_trust import Standing, standing
from domain.entity import Event
from domain.errors import Code, Refused


class SignedBridge(NamedTuple):
    """A certificate of the Bridge CA."""

    certificate_pem: str
    fingerprint_sha256: str
    not_after: datetime
    public_key_sha256: str


class BridgeSigner(Protocol):
    """The Bridge CA, separate from Local PKI."""

    def sign(self, csr_pem: str, bridge_id: UUID) -> SignedBridge:
        """A 24-hour client certificate for the key of this CSR; raises Refused for a bad CSR."""
        ...


class IssuedToken(NamedTuple):
    """Shown once. The token names its bridge: `<bridge id>.<secret>`."""

    bridge: Loaded[Bridge]
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"IssuedToken({self.bridge.id})"


class Enrolled(NamedTuple):
    """The bridge's identity from now on."""

    bridge: Loaded[Bridge]
    signed: SignedBridge


def token_hash(token: str) -> str:
    """SHA-256 (hex) of a random token of 256 bits; no stretching is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


async def issue_enrolment(house: House, context: Context, name: str) -> Done[IssuedToken]:
    """A new bridge and its one-time enrolment token."""
    bridge_id = ids.derive("bridge", context.command_id)
    token = f"{bridge_id}.{secrets.token_urlsafe(32)}"
    expires_at = context.at + timedelta(seconds=house.settings.enrolment_seconds)

    async def attempt() -> Attempt[IssuedToken]:
        bridge = await load(house, BRIDGE, bridge_id)
        event = BridgeEnrolmentIssued(
            meta=context.meta, name=name, token_sha256=token_hash(token), expires_at=expires_at
        )
        return Attempt((write(bridge, (event,)),), IssuedToken(bridge.after((event,)), token, expires_at))

    return await carry_out(house, context, attempt, subject_id=bridge_id, action="bridge.issue", again=shown_once)


async def enrol_bridge(
    house: House,
    context: Context,
    signer: BridgeSigner,
    *,
    token: str,
    csr_pem: str,
    hpke_public_key: bytes,
    version: str,
    kinds: tuple[str, ...],
) -> Done[Enrolled]:
    """Spend the token: exactly one bridge gets in with it."""
    bridge_id = _bridge_of(token)
    if (await load(house, BRIDGE, bridge_id)).state is None:
        raise _bad_token()  # about nothing that exists: nothing is recorded
    signed = signer.sign(csr_pem, bridge_id)

    async def attempt() -> Attempt[Enrolled]:
        bridge = await load(house, BRIDGE, bridge_id)
        events = bridges.enrol(
            bridge.found,
            context.meta,
            token_sha256=token_hash(token),
            certificate_fingerprint_sha256=signed.fingerprint_sha256,
            certificate_not_after=signed.not_after,
            hpke_public_key=hpke_public_key,
            version=version,
            kinds=kinds,
        )
        return Attempt((write(bridge, events),), Enrolled(bridge.after(events), signed))

    return await carry_out(
        house,
        context,
        attempt,
        subject_id=bridge_id,
        action="bridge.enrol",
        refused_in=lambda: _per_minute(context, bridge_id),
    )


def _per_minute(context: Context, bridge_id: UUID) -> Context:
    """Whoever has no token yet is nobody in particular: one refusal per bridge, source and minute is kept."""
    minute = int(context.at.timestamp() // 60)
    once = ids.derive("enrolment-refused", bridge_id, context.client_address, minute)
    return msgspec.structs.replace(context, command_id=once, body_sha256=b"\0" * 32)


def _bridge_of(token: str) -> UUID:
    try:
        return UUID(token.partition(".")[0])
    except ValueError:
        raise _bad_token() from None


def _bad_token() -> Refused:
    return Refused(Code.FORBIDDEN, "The enrolment token is wrong, used or too old; ask an operator for a new one.")


async def identify_bridge(
    house: House, bridge_id: UUID, certificate_fingerprint: str
) -> tuple[Loaded[Bridge], Standing]:
    """The bridge behind a verified client certificate, and what that certificate is worth."""
    bridge = await load(house, BRIDGE, bridge_id)
    worth = standing(bridge.state, certificate_fingerprint) if bridge.state and bridge.state.enrolled else None
    if worth is None or worth is Standing.UNKNOWN:
        raise Refused(Code.FORBIDDEN, "This bridge is not enrolled, or no longer trusted.")
    return bridge, worth


async def bridge_seen(house: House, context: Context, bridge: Loaded[Bridge], version: str) -> None:
    """A sign of life; it becomes an event only when the bridge was not connected."""
    await house.presence.seen(bridge.id, version, context.at)
    events = bridges.seen(bridge.found, context.meta, version=version)
    if events:
        try:
            await append(house, context, write(bridge, events))
        except VersionConflict:
            return  # another request of the same bridge said so at the same time


async def bridge_silent(
    house: House, context: Context, bridge_id: UUID, last_seen_at: datetime
) -> Done[Loaded[Bridge]]:
    """Not heard of for too long."""

    async def attempt() -> Attempt[Loaded[Bridge]]:
        bridge = await load(house, BRIDGE, bridge_id)
        events = bridges.silent(bridge.found, context.meta, last_seen_at=last_seen_at)
        return Attempt((write(bridge, events),), bridge.after(events))

    return await carry_out(house, context, attempt, subject_id=bridge_id, action="bridge.silent")


async def retire_bridge(house: House, context: Context, bridge_id: UUID) -> Done[Loaded[Bridge]]:
    """No longer in use; its next request is refused, and what it held is free."""

    def decide(bridge: Bridge) -> tuple[Event, ...]:
        return bridges.retire(bridge, context.meta)

    done = await change_one(house, context, BRIDGE, bridge_id, "bridge.retire", decide)
    await house.leases.free(bridge_id)
    return done
