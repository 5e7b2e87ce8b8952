"""The agent near the targets: enrolment and health. Whom to trust under its name: domain.bridge_trust."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import WrittenText
from domain.subjects import person_behind

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
    """The bridge made its keys and got its certificate from the Bridge CA. It gets no work before it is approved."""

    topic = "bridge.enrolled"
    certificate_fingerprint_sha256: str
    certificate_not_after: datetime
    hpke_public_key: bytes
    version: str
    kinds: tuple[str, ...] = ()


class BridgeApproved(Event, frozen=True, kw_only=True):
    """A second person let in the bridge that holds this very certificate."""

    topic = "bridge.approved"
    certificate_fingerprint_sha256: str


class BridgeCertificateRenewed(Event, frozen=True, kw_only=True):
    """The next certificate, for a new key. `generation` counts the keys of an enrolment from 1."""

    topic = "bridge.certificate_renewed"
    generation: int
    certificate_fingerprint_sha256: str
    certificate_not_after: datetime
    public_key_sha256: str


class BridgeCertificateInUse(Event, frozen=True, kw_only=True):
    """The bridge came with its renewed certificate: whoever shows an older one from now on is somebody else."""

    topic = "bridge.certificate_in_use"
    generation: int


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


class Outdated(msgspec.Struct, frozen=True):
    """A certificate of this enrolment that another one has followed."""

    fingerprint_sha256: str
    not_after: datetime


class Bridge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one bridge. `in_use`: it came with its latest certificate; `outdated`: unexpired ones before that."""

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
    issued_by: str | None = None
    generation: int = 0
    public_key_sha256: str | None = None
    in_use: bool = True
    outdated: tuple[Outdated, ...] = ()
    quarantine_reason: str | None = None

    @property
    def trusted(self) -> bool:
        """May it lease work and report?"""
        return self.status in (BridgeStatus.CONNECTED, BridgeStatus.DISCONNECTED)

    @property
    def enrolled(self) -> bool:
        """Has it a certificate that counts? Before its approval it may show itself, and gets no work."""
        waiting = self.status is BridgeStatus.PENDING_ENROLMENT and self.certificate_fingerprint_sha256 is not None
        return self.trusted or waiting


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
    return _replace(
        known,
        name=event.name,
        token_sha256=event.token_sha256,
        token_expires_at=event.expires_at,
        issued_by=person_behind(event.meta.actor),
    )


def _enrolled(state: Bridge, event: BridgeEnrolled) -> Bridge:
    return _replace(
        state,
        status=BridgeStatus.PENDING_ENROLMENT,
        token_sha256=None,
        spent_token_sha256=state.token_sha256 or state.spent_token_sha256,
        certificate_fingerprint_sha256=event.certificate_fingerprint_sha256,
        certificate_not_after=event.certificate_not_after,
        hpke_public_key=event.hpke_public_key,
        version=event.version,
        kinds=event.kinds,
        generation=1,
        public_key_sha256=None,
        in_use=True,
        outdated=(),
        quarantine_reason=None,
    )


def _renewed(state: Bridge, event: BridgeCertificateRenewed) -> Bridge:
    """A repeat of a renewal whose answer was lost replaces what nobody has; what came before it stays the same."""
    kept = [old for old in state.outdated if old.not_after >= event.meta.at]
    if event.generation > state.generation and state.certificate_fingerprint_sha256 and state.certificate_not_after:
        kept.append(Outdated(state.certificate_fingerprint_sha256, state.certificate_not_after))
    return _replace(
        state,
        generation=event.generation,
        certificate_fingerprint_sha256=event.certificate_fingerprint_sha256,
        certificate_not_after=event.certificate_not_after,
        public_key_sha256=event.public_key_sha256,
        in_use=False,
        outdated=tuple(kept),
    )


def _connected(state: Bridge, event: BridgeConnected) -> Bridge:
    return _replace(state, status=BridgeStatus.CONNECTED, version=event.version, spent_token_sha256=None)


def _distrusted(status: BridgeStatus) -> Callable[[Bridge, Event], Bridge]:
    """Quarantined or retired: a token that was issued before gets nobody in."""

    def distrusted(state: Bridge, event: Event) -> Bridge:
        reason = event.reason if isinstance(event, BridgeQuarantined) else state.quarantine_reason
        return _replace(state, status=status, token_sha256=None, token_expires_at=None, quarantine_reason=reason)

    return distrusted


BRIDGE: AggregateType[Bridge] = AggregateType(
    name="bridge",
    table={
        BridgeEnrolmentIssued: _issued,
        BridgeEnrolled: _enrolled,
        BridgeApproved: lambda s, _: _replace(s, status=BridgeStatus.DISCONNECTED, spent_token_sha256=None),
        BridgeCertificateRenewed: _renewed,
        BridgeCertificateInUse: lambda s, _: _replace(s, in_use=True),
        BridgeConnected: _connected,
        BridgeDisconnected: lambda s, _: _replace(s, status=BridgeStatus.DISCONNECTED),
        BridgeQuarantined: _distrusted(BridgeStatus.QUARANTINED),
        BridgeRetired: _distrusted(BridgeStatus.RETIRED),
    },
)
