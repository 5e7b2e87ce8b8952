"""The estate: kinds of target system, target systems, bridges, discoveries."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.texts import EndpointText, Name, Tag
from domain.bridge import BridgeStatus
from domain.network_scope import MOST_PORTS, MOST_RANGES

_Settings = Annotated[
    dict[str, Any],
    Meta(
        description="As the kind's settings_schema says; no secrets.",
        examples=[{"transport": "local", "root": "/etc/nginx/certferry", "reload_profile": "nginx"}],
    ),
]
_SecretText = Annotated[str, Meta(min_length=1, max_length=65_536)]
_Secrets = Annotated[
    dict[str, _SecretText],
    Meta(description="As the kind's secrets_schema says. Kept sealed, never shown; replaces all that were set."),
]


class TargetKindBody(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of target system that bridges can serve; the schemas are JSON Schema 2020-12."""

    kind: str
    cloud: bool
    endpoint_csr: bool
    profiles: bool
    settings_schema: dict[str, Any]
    secrets_schema: dict[str, Any]


class TargetKindList(msgspec.Struct, frozen=True, kw_only=True):
    """All kinds."""

    items: tuple[TargetKindBody, ...]
    next_cursor: None


class RegisterTargetBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new target system."""

    name: Name
    kind: Annotated[Name, Meta(examples=["nginx"])]
    bridge_id: UUID
    settings: _Settings
    endpoints: Annotated[tuple[EndpointText, ...], Meta(max_length=50)] = ()
    cloud: bool = False
    tags: Annotated[tuple[Tag, ...], Meta(max_length=50)] = ()
    secrets: _Secrets | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return f"RegisterTargetBody({self.name!r}, ...)"


class ChangeTargetBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    kind: Name | UnsetType = UNSET
    bridge_id: UUID | UnsetType = UNSET
    settings: _Settings | UnsetType = UNSET
    endpoints: Annotated[tuple[EndpointText, ...], Meta(max_length=50)] | UnsetType = UNSET
    cloud: bool | UnsetType = UNSET
    tags: Annotated[tuple[Tag, ...], Meta(max_length=50)] | UnsetType = UNSET
    secrets: _Secrets | UnsetType = UNSET

    def __repr__(self) -> str:
        """Show no secret."""
        return "ChangeTargetBody(...)"


class LastTestBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the bridge said when the connection was tested last."""

    healthy: bool
    message: str | None


class TargetSystemBody(msgspec.Struct, frozen=True, kw_only=True):
    """A device that certificates are installed on. `secrets_set` names the secrets that are set, never shows them."""

    id: UUID
    name: str
    kind: str
    bridge_id: UUID
    settings: dict[str, Any]
    settings_version: Annotated[int, Meta(description="Counts changes of what approvals are bound to.")]
    endpoints: tuple[str, ...]
    cloud: bool
    tags: tuple[str, ...]
    secrets_set: tuple[str, ...]
    retired: bool
    last_test: LastTestBody | None


class TargetSystemPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of target systems."""

    items: tuple[TargetSystemBody, ...]
    next_cursor: str | None


class ErrandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The bridge was asked; its answer appears as `last_test` of the target system."""

    id: UUID
    target_system_id: UUID


class AddBridgeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new bridge."""

    name: Annotated[Name, Meta(examples=["dmz-1"])]


_Fingerprint = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]


class ApproveBridgeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`certificate_fingerprint_sha256`: of the certificate that is meant, as the bridge's own host shows it."""

    certificate_fingerprint_sha256: _Fingerprint | None = None


class BridgeBody(msgspec.Struct, frozen=True, kw_only=True):
    """An agent near the targets. `awaits_approval`: it has enrolled, and gets no work before a second person says yes.
    `certificate_generation` counts the keys of its enrolment.
    """

    id: UUID
    name: str
    status: BridgeStatus
    last_seen_at: datetime | None
    version: str | None
    kinds: tuple[str, ...]
    certificate_fingerprint_sha256: str | None
    certificate_not_after: datetime | None
    certificate_generation: int
    awaits_approval: bool
    quarantine_reason: str | None


class IssuedBridge(BridgeBody, frozen=True, kw_only=True):
    """A new bridge with its one-time enrolment token, shown once."""

    enrolment_token: str
    enrolment_token_expires_at: datetime
    ca_pin_sha256: Annotated[str, Meta(description="Pin of the Bridge CA for `certferry-bridge enrol`.")]


class BridgePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of bridges."""

    items: tuple[BridgeBody, ...]
    next_cursor: str | None


_Ranges = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...],
    Meta(
        min_length=1,
        max_length=MOST_RANGES,
        description="IP ranges inside the administrator's allow-list (`[discovery] allow`).",
        examples=[["10.0.0.0/24", "10.0.1.7", "10.0.2.1-10.0.2.20"]],
    ),
]
_Ports = Annotated[
    tuple[Annotated[int, Meta(ge=1, le=65_535)], ...],
    Meta(min_length=1, max_length=MOST_PORTS, description="TCP ports; 443 where none are given."),
]


class DiscoverBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read back what a target system really holds, or look at what the endpoints of some `ranges` serve: from the
    control plane, or with a `bridge_id` from there. Either `target_system_id` or `ranges`.
    """

    target_system_id: UUID | None = None
    ranges: _Ranges | None = None
    ports: _Ports | None = None
    bridge_id: UUID | None = None


class FoundBody(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate at a place of the target system, or at an endpoint."""

    place: str
    profile: str | None
    fingerprint_sha256: str


class DiscoveryBody(msgspec.Struct, frozen=True, kw_only=True):
    """One discovery; `healthy` and `found` are known once it is completed. Of a target system, or of `ranges`."""

    id: UUID
    target_system_id: UUID | None
    ranges: tuple[str, ...] | None
    ports: tuple[int, ...] | None
    bridge_id: UUID | None
    status: Annotated[str, Meta(examples=["running", "completed"])]
    trigger: str
    healthy: bool | None
    message: str
    found: tuple[FoundBody, ...]


class DiscoveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of discoveries."""

    items: tuple[DiscoveryBody, ...]
    next_cursor: str | None
