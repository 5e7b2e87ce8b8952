"""What is looked at, and what was seen: shared by the control plane, the bridge, and the protocol between them."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

CHALLENGE = 32
"""Bytes: the random of a ClientHello (RFC 5246, 7.4.1.2)."""
MAX_CHAIN = 64

Fingerprint = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Word = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$(?!\n)")]
"""An address, the name of a cipher or of an enumeration's member: no text of the peer's."""
Der = Annotated[bytes, Meta(max_length=65_536)]


class ProbeResult(StrEnum):
    """What one TLS probe ended with."""

    CERTIFICATE = "certificate"
    NO_CERTIFICATE = "no_certificate"
    UNREACHABLE = "unreachable"
    NAME_NOT_RESOLVED = "name_not_resolved"
    HANDSHAKE_FAILED = "handshake_failed"


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """`host`: an IP address (no brackets) or a lower-case host name. `starttls`: what is spoken before TLS, as
    `openssl s_client` names it. `server_name`: what is asked for (SNI). `challenge`: the random bytes that a TLS 1.2
    ClientHello carries, chosen by whoever wants a proof of what was seen.
    """

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65_535)]
    starttls: Word | None = None
    server_name: Annotated[str, Meta(min_length=1, max_length=253)] | None = None
    challenge: Annotated[bytes, Meta(min_length=CHALLENGE, max_length=CHALLENGE)] | None = None


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The signature of a ServerKeyExchange (RFC 5246, 7.4.3; RFC 8422, 5.4) over the client's random, the server's
    `random` and the `signed` parameters. `scheme` as RFC 8446, 4.2.3 numbers it.
    """

    random: Annotated[bytes, Meta(min_length=32, max_length=32)]
    signed: Annotated[bytes, Meta(max_length=1_024)]
    scheme: Annotated[int, Meta(ge=0, le=65_535)]
    signature: Annotated[bytes, Meta(max_length=4_096)]


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one probe saw. Nothing of the peer's bytes but the leaf, fingerprints and names of enums.

    `address` is the IP address that was connected to; `reason` refines results without a certificate
    (`refused_by_policy`, `timeout`, `connection_refused`, `legacy_protocol` ...). `proof`: where a challenge was given,
    and the handshake was one of TLS 1.2 that says so much.
    """

    result: ProbeResult
    address: Word | None = None
    protocol: Word | None = None
    cipher: Word | None = None
    fingerprint_sha256: Fingerprint | None = None
    chain_fingerprints_sha256: Annotated[tuple[Fingerprint, ...], Meta(max_length=MAX_CHAIN)] = ()
    leaf_der: Der | None = None
    reason: Word | None = None
    proof: Proof | None = None
