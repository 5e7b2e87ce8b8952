"""The bridge protocol, version 1: what a bridge and the control plane say to each other. The only file both import.

Every call is `POST` with a JSON body over TLS 1.2 or later, from the bridge to the control plane, never the other way.
All calls but `enrol` need the bridge's client certificate (issued by the Bridge CA at enrolment). Fingerprints are
SHA-256 of the certificate's DER, 64 lower-case hex digits. Errors are RFC 9457 problems: 401 (no or unknown client
certificate) and 403 (bridge quarantined or retired) make the bridge wait and ask again, 404, 409, 410, 413 and 422 mean
that repeating this body is pointless, everything else is retried for ever.

Private keys and target secrets travel only inside `Assignment.sealed`: HPKE (RFC 9180, base mode, single shot) to the
X25519 key that the bridge made, with HKDF-SHA256 and AES-256-GCM, the JSON of a `SealedContent` as plaintext and
`seal_context` as `info`. The text is base64 of enc || ciphertext, as `Suite.encrypt` of `cryptography` returns it.
"""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from bridge.kinds import KINDS, TargetKind
from bridge.probing.observation import Observation, Place, ProbeResult, Proof

# What comes from elsewhere and is part of this file's interface, beside everything it defines itself.
__all__ = ["KINDS", "Observation", "Place", "ProbeResult", "Proof", "TargetKind"]

ENROL_PATH = "/bridge/v1/enrol"
RENEW_PATH = "/bridge/v1/renew"
HEARTBEAT_PATH = "/bridge/v1/heartbeat"
LEASE_PATH = "/bridge/v1/lease"
PROGRESS_PATH = "/bridge/v1/progress"
RESULT_PATH = "/bridge/v1/result"
DISCOVERY_PATH = "/bridge/v1/discovery"
VERIFICATION_PATH = "/bridge/v1/verification"

MAX_MESSAGE = 2_000
"""Characters of a message; the bridge cuts longer ones and removes control characters before it sends them."""

MAX_FOUND = 4_096
"""Certificates of one discovery."""

MAX_PLACES = 256
"""Places of one verification."""

MAX_CSR = 32_768
"""Characters of a signing request."""

Message = Annotated[str, Meta(max_length=MAX_MESSAGE)]
Fingerprint = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Pem = Annotated[str, Meta(max_length=262_144)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Fence = Annotated[int, Meta(ge=1)]
Instant = Annotated[datetime, Meta(tz=True)]


class AssignmentKind(StrEnum):
    """What a bridge is asked to do with a target system."""

    DEPLOYMENT = "deployment"
    """Install `certificate` with its sealed key; answered by `result`."""
    DISCOVERY = "discovery"
    """Read back what the target holds; answered by `discovery`."""
    TEST = "test"
    """Look whether an installation could work, change nothing; answered by `result`."""
    VERIFICATION = "verification"
    """Look at what places serve, from where the bridge is; answered by `verification`."""
    ENDPOINT_CSR = "endpoint_csr"
    """Make a key on the target, which it never leaves, and a signing request (`request`); answered by `result`."""


class Outcome(StrEnum):
    """How a step or an assignment ended."""

    SUCCESS = "success"
    FAILED = "failed"


class FailureCause(StrEnum):
    """Why an assignment failed, as the bridge sees it."""

    BRIDGE_DISCONNECTED = "bridge_disconnected"
    """The lease was lost before anything was changed on the target."""
    TARGET_UNREACHABLE = "target_unreachable"
    PERMISSION_DENIED = "permission_denied"
    SERVICE_RELOAD_FAILED = "service_reload_failed"
    """The service's own test or reload refused; `written` says which certificate the files hold now."""
    INVALID_CERTIFICATE_OR_KEY = "invalid_certificate_or_key"
    DISK_FULL = "disk_full"
    ROLLED_BACK = "rolled_back"
    """Installed, then taken back for another reason than a refused reload."""
    UNKNOWN = "unknown"


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Exchange a one-time token for a client certificate.

    Repeating the same token with the same `csr_pem` must give the same answer, since the first one may have been lost.
    `csr_pem` is a PKCS#10 request whose subject is ignored; `hpke_public_key` is the raw 32 bytes in base64.
    """

    token: Annotated[str, Meta(min_length=1, max_length=512)]
    csr_pem: Annotated[str, Meta(max_length=8_192)]
    hpke_public_key: Annotated[str, Meta(max_length=64)]
    version: Name
    kinds: Annotated[tuple[Name, ...], Meta(max_length=100)]

    def __repr__(self) -> str:
        """Show no token."""
        return f"EnrolRequest(version={self.version!r}, kinds={self.kinds!r})"


class EnrolAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`ca_pem` is the CA (or CAs) the bridge trusts from now on for the control plane's own certificate."""

    bridge_id: UUID
    name: str
    certificate_pem: Pem
    ca_pem: Pem


class RenewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The next client certificate, for a new key (PKCS#10, its subject is ignored), asked for with the present one.

    Until the bridge asks for work with the new certificate the present one stays good, and repeating the same request
    gives a certificate for the same key again. From then on, a `lease` or `renew` with an older certificate is somebody
    else's: the bridge is quarantined. So `lease` and `renew` are sent one after the other, never side by side.
    """

    csr_pem: Annotated[str, Meta(max_length=8_192)]


class RenewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`ca_pem` as in `EnrolAnswer`. `generation` counts the keys of this enrolment."""

    certificate_pem: Pem
    ca_pem: Pem
    generation: Annotated[int, Meta(ge=1)]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One lease, named by assignment and fence."""

    assignment_id: UUID
    fence: Fence


class HeartbeatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """I am alive and work on these; each of them is extended by its own lease length."""

    version: Name
    holding: Annotated[tuple[Held, ...], Meta(max_length=1_000)] = ()


class HeartbeatAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`lost` are the assignments of `holding` that are no longer this bridge's under this fence."""

    server_time: Instant
    lost: tuple[UUID, ...] = ()


class LeaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Give me up to `capacity` assignments; with none, answer after `wait_seconds` with an empty list (long poll)."""

    capacity: Annotated[int, Meta(ge=1, le=100)]
    wait_seconds: Annotated[float, Meta(ge=0, le=60)]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The target system, with its settings as they were frozen at dispatch. `settings` follow the kind's schema."""

    id: UUID
    kind: Name
    name: str
    settings: dict[str, Any]


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a target of kind `network`, which is there to be discovered only: what do these endpoints serve?

    The bridge looks at addresses that its own configuration allows, and at no others.
    """

    addresses: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MAX_FOUND)]
    ports: Annotated[tuple[Annotated[int, Meta(ge=1, le=65_535)], ...], Meta(min_length=1, max_length=64)]


class VerificationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a target of kind `verification`: what do these places serve? `timeout_seconds` is for each.

    The bridge connects to addresses that its own configuration allows, and to no others.
    """

    places: Annotated[tuple[Place, ...], Meta(min_length=1, max_length=MAX_PLACES)]
    timeout_seconds: Annotated[float, Meta(gt=0, le=60)]


class CertificateToInstall(msgspec.Struct, frozen=True, kw_only=True):
    """`fullchain_pem`: leaf first, then its issuers. `fingerprint_sha256` is the leaf's."""

    fingerprint_sha256: Fingerprint
    fullchain_pem: Pem


class RequestToMake(msgspec.Struct, frozen=True, kw_only=True):
    """A signing request (PKCS#10) for a new key: rsa-2048, rsa-3072, rsa-4096, ec-256, ec-384 or ed25519.

    `common_name`: "" for none. `names`: DNS names, IP addresses, mail addresses and URIs, as alternative names.
    """

    key_algorithm: Name
    common_name: Annotated[str, Meta(max_length=64)]
    names: Annotated[tuple[Name, ...], Meta(max_length=200)]


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work under a lease.

    `fence` rises with every lease of this assignment's target. The lease ends `lease_seconds` after the last heartbeat
    that named it; after `deadline` the bridge changes nothing any more. `sealed` is base64 (see the top of this file);
    it is absent when there is neither a private key nor a secret. `profile` None means the target's own default place.
    """

    assignment_id: UUID
    kind: AssignmentKind
    fence: Fence
    lease_seconds: Annotated[int, Meta(ge=1)]
    deadline: Instant
    target: Target
    connector_id: UUID | None = None
    profile: str | None = None
    certificate: CertificateToInstall | None = None
    sealed: str | None = None
    request: RequestToMake | None = None


class LeaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the bridge has to do now."""

    assignments: tuple[Assignment, ...] = ()


class ProgressRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A step begins. Best effort: sent at most once and never waited for."""

    assignment_id: UUID
    fence: Fence
    step: Name
    message: Message = ""


class StepReport(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an assignment, as it went."""

    name: Name
    outcome: Outcome
    message: Message
    milliseconds: Annotated[int, Meta(ge=0)]


class ResultRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a deployment, a test, or the making of a key. Sent until acknowledged, so it may come more than once.

    `cause` is set exactly when the outcome is `failed`. `written` (deployments only): True when the target's files
    hold the new certificate at the end, False when not, None when the bridge cannot know. `already_in_place`: nothing
    was written and nothing reloaded. `read_back_fingerprint_sha256` is what the target's files held at the end.
    `csr_pem`: the signing request that was asked for.
    """

    assignment_id: UUID
    fence: Fence
    outcome: Outcome
    message: Message
    cause: FailureCause | None = None
    written: bool | None = None
    already_in_place: bool = False
    read_back_fingerprint_sha256: Fingerprint | None = None
    csr_pem: Annotated[str, Meta(max_length=MAX_CSR)] | None = None
    steps: Annotated[tuple[StepReport, ...], Meta(max_length=100)] = ()


class FoundCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate in a place of the target. `place` is a path; `certificate_pem` is the leaf alone."""

    place: Annotated[str, Meta(max_length=4_096)]
    fingerprint_sha256: Fingerprint
    certificate_pem: Pem
    profile: str | None = None


class DiscoveryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a discovery. `healthy` False: the target could not be read, and `found` says nothing."""

    assignment_id: UUID
    fence: Fence
    healthy: bool
    message: Message
    found: Annotated[tuple[FoundCertificate, ...], Meta(max_length=MAX_FOUND)] = ()


class VerificationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a verification: what was seen at each place, in their order. None: nothing was looked at, and
    `message` says why.
    """

    assignment_id: UUID
    fence: Fence
    message: Message = ""
    observations: Annotated[tuple[Observation, ...], Meta(max_length=MAX_PLACES)] = ()


class ReportAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """To progress, result, discovery and verification. `stale`: recorded, but another lease decides. `accepted` False
    otherwise: this was decided before. Either way the bridge is done with it.
    """

    accepted: bool
    stale: bool


class SealedContent(msgspec.Struct, frozen=True, kw_only=True):
    """The plaintext of `Assignment.sealed`: the private key (PKCS#8 PEM, unencrypted) and the target's secrets.

    A deployment without a private key is of a certificate whose key was made on the target.
    """

    private_key_pem: str | None = None
    secrets: dict[str, str] = {}

    def __repr__(self) -> str:
        """Show no secret."""
        return f"SealedContent(secrets={sorted(self.secrets)})"


def seal_info(bridge_id: UUID, assignment_id: UUID, fence: int) -> bytes:
    """The lease a sealed content belongs to."""
    return f"certferry/bridge/v1|{bridge_id}|{assignment_id}|{fence}".encode("ascii")


def seal_aad(fullchain_pem: str | None) -> bytes:
    """The certificate a sealed content belongs to: SHA-256 of the PEM text in hex, of nothing when there is none."""
    return hashlib.sha256((fullchain_pem or "").encode()).hexdigest().encode("ascii")


def seal_context(bridge_id: UUID, assignment_id: UUID, fence: int, fullchain_pem: str | None) -> bytes:
    """The HPKE `info`: what would be the AAD is its last part, since the library's single-shot call takes none and
    RFC 9180 section 8.1 asks single-shot users to put all authenticated information into `info`.
    """
    return seal_info(bridge_id, assignment_id, fence) + b"|" + seal_aad(fullchain_pem)
