"""The agent near the targets: enrolment and health."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import WrittenText

_replace = msgspec.structs.replace


class BridgeStatus(StrEnum):
    """Health of a bridge as the control plane sees it."""

    PENDING_ENROLMENT = "pending_enrolment"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    QUARANTINED = "quarantined"
    RETIRED = "retired"


class BridgeEnrolmentIssued(Event, frozen=True, kw_only=True):
    """A one-time enrolment token was issued; only its SHA-256 is kept (the token is 256 random bits)."""

    topic = "bridge.enrolment_issued"
    name: str
    token_sha256: str
    expires_at: datetime


class BridgeEnrolled(Event, frozen=True, kw_only=True):
    """The bridge made its keys and got its certificate from the Bridge CA."""

    topic = "bridge.enrolled"
    certificate_fingerprint_sha256: str
    certificate_not_after: datetime
    hpke_public_key: bytes
    version: str
    kinds: tuple[str, ...] = ()


class BridgeConnected(Event, frozen=True, kw_only=True):
    """Seen again after silence (or for the first time)."""

    topic = "bridge.connected"
    version: str


class BridgeDisconnected(Event, frozen=True, kw_only=True):
    """Silent for longer than allowed."""

    topic = "bridge.disconnected"
    last_seen_at: datetime | None = None


class BridgeQuarantined(Event, frozen=True, kw_only=True):
    """No longer trusted with work; the next request is refused."""

    topic = "bridge.quarantined"
    reason: WrittenText


class BridgeRetired(Event, frozen=True, kw_only=True):
    """No longer in use."""

    topic = "bridge.retired"


class Bridge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one bridge."""

    name: str
    status: BridgeStatus = BridgeStatus.PENDING_ENROLMENT
    token_sha256: str | None = None
    token_expires_at: datetime | None = None
    spent_token_sha256: str | None = None
    certificate_fingerprint_sha256: str | None = None
    certificate_not_after: datetime | None = None
    hpke_public_key: bytes = b""
    version: str | None = None
    kinds: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """May it lease work and report?"""
        return self.status in (BridgeStatus.CONNECTED, BridgeStatus.DISCONNECTED)


def enrol(
    bridge: Bridge,
    meta: Meta,
    *,
    token_sha256: str,
    certificate_fingerprint_sha256: str,
    certificate_not_after: datetime,
    hpke_public_key: bytes,
    version: str,
    kinds: tuple[str, ...],
) -> tuple[Event, ...]:
    """Spend the one-time token. A wrong, used or old token is refused in the same words.

    A bridge whose answer was lost asks again with the same token and the same key, and gets in, as long as it was not
    heard of since.
    """
    again = bridge.spent_token_sha256 == token_sha256 and bridge.hpke_public_key == hpke_public_key
    expires_at = bridge.token_expires_at
    if expires_at is None or meta.at >= expires_at or not (again or bridge.token_sha256 == token_sha256):
        raise Refused(Code.FORBIDDEN, "The enrolment token is wrong, used or too old; ask an operator for a new one.")
    return (
        BridgeEnrolled(
            meta=meta,
            certificate_fingerprint_sha256=certificate_fingerprint_sha256,
            certificate_not_after=certificate_not_after,
            hpke_public_key=hpke_public_key,
            version=version,
            kinds=kinds,
        ),
    )


def seen(bridge: Bridge, meta: Meta, *, version: str) -> tuple[Event, ...]:
    """A sign of life; an event only when the bridge was not connected or runs another version now."""
    if not bridge.trusted or (bridge.status is BridgeStatus.CONNECTED and bridge.version == version):
        return ()
    return (BridgeConnected(meta=meta, version=version),)


def silent(bridge: Bridge, meta: Meta, *, last_seen_at: datetime | None) -> tuple[Event, ...]:
    """No sign of life for too long."""
    if bridge.status is not BridgeStatus.CONNECTED:
        return ()
    return (BridgeDisconnected(meta=meta, last_seen_at=last_seen_at),)


def retire(bridge: Bridge, meta: Meta) -> tuple[Event, ...]:
    """Retire once; a repeat makes no event."""
    return () if bridge.status is BridgeStatus.RETIRED else (BridgeRetired(meta=meta),)


def _issued(state: Bridge | None, event: BridgeEnrolmentIssued) -> Bridge:
    known = state or Bridge(name=event.name)
    return _replace(known, name=event.name, token_sha256=event.token_sha256, token_expires_at=event.expires_at)


def _enrolled(state: Bridge, event: BridgeEnrolled) -> Bridge:
    return _replace(
        state,
        status=BridgeStatus.DISCONNECTED,
        token_sha256=None,
        spent_token_sha256=state.token_sha256 or state.spent_token_sha256,
        certificate_fingerprint_sha256=event.certificate_fingerprint_sha256,
        certificate_not_after=event.certificate_not_after,
        hpke_public_key=event.hpke_public_key,
        version=event.version,
        kinds=event.kinds,
    )


def _connected(state: Bridge, event: BridgeConnected) -> Bridge:
    return _replace(state, status=BridgeStatus.CONNECTED, version=event.version, spent_token_sha256=None)


def _distrusted(status: BridgeStatus) -> Callable[[Bridge, Event], Bridge]:
    """Quarantined or retired: a token that was issued before gets nobody in."""
    return lambda state, _: _replace(state, status=status, token_sha256=None, token_expires_at=None)


BRIDGE: AggregateType[Bridge] = AggregateType(
    name="bridge",
    table={
        BridgeEnrolmentIssued: _issued,
        BridgeEnrolled: _enrolled,
        BridgeConnected: _connected,
        BridgeDisconnected: lambda s, _: _replace(s, status=BridgeStatus.DISCONNECTED),
        BridgeQuarantined: _distrusted(BridgeStatus.QUARANTINED),
        BridgeRetired: _distrusted(BridgeStatus.RETIRED),
    },
)
