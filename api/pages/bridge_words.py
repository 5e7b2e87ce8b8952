"""What the ledger knows of a bridge, in words."""

from collections.abc import Iterator

from api.asking import Reading
from api.pages.facts import Fact
from api.pages.words import instant
from domain.bridge import Bridge, BridgeStatus


def bridge_facts(bridge: Bridge, reading: Reading) -> Iterator[Fact]:
    """What the ledger knows of it."""
    yield Fact("Enrolment", _enrolment(bridge, reading))
    if bridge.status is BridgeStatus.QUARANTINED and bridge.quarantine_reason:
        yield Fact("Quarantined", bridge.quarantine_reason)
    if bridge.certificate_fingerprint_sha256 and bridge.certificate_not_after:
        ended = ", which is over" if bridge.certificate_not_after <= reading.now else ""
        yield Fact("Certificate", f"until {instant(bridge.certificate_not_after)} UTC{ended}; key {bridge.generation}")
        yield Fact("Fingerprint", bridge.certificate_fingerprint_sha256)
    if bridge.version:
        yield Fact("Version", bridge.version)
    if bridge.kinds:
        yield Fact("Kinds of target", ", ".join(bridge.kinds))


def _enrolment(bridge: Bridge, reading: Reading) -> str:
    """From the token to the second person's yes."""
    by = reading.services.directory.name_of(bridge.issued_by) if bridge.issued_by else None
    token = f"token issued by {by or bridge.issued_by or 'the command line'}"
    if bridge.trusted:
        return f"approved; {token}"
    if bridge.enrolled:
        return f"enrolled, waits for the yes of a second person; {token}"
    if bridge.token_sha256 is not None and bridge.token_expires_at is not None:
        good = "expired" if bridge.token_expires_at <= reading.now else "good until"
        return f"{token}, {good} {instant(bridge.token_expires_at)} UTC"
    return "none that counts"
