"""Mass replacements."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.common import ActorBody
from api.schemas.orders import KeyAlgorithm
from domain.certificate import CertificateStatus, Source
from domain.certificate_facts import Usage
from domain.certificate_order import Provider
from domain.replacement import Key, ReplacementStatus
from projections.replacements.view import ReplacementOutcome

KeyId = Annotated[str, Meta(pattern="^[0-9a-f]{2,128}$", examples=["0b5c1d9e62f4"])]
Part = Annotated[str, Meta(min_length=1, max_length=200)]
_PROVIDERS = Literal["local_pki", "acme", "external_ca", "none"]


class ReplacementFilterBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which certificates, as in the inventory: several values of one field mean "or", several fields "and". At least
    one besides `status`. What has a successor already is left out.
    """

    certificate_id: Annotated[tuple[UUID, ...], Meta(max_length=1_000)] = ()
    issuer: Annotated[tuple[Part, ...], Meta(max_length=50, description="Parts of issuers' names.")] = ()
    issuer_key_id: Annotated[
        tuple[KeyId, ...],
        Meta(max_length=50, description="Key identifiers (hex) of CAs: everything that a compromised CA issued."),
    ] = ()
    key_algorithm: Annotated[tuple[KeyAlgorithm, ...], Meta(max_length=20)] = ()
    q: Annotated[str, Meta(min_length=1, max_length=200, description="Part of the CN or of a SAN.")] | None = None
    status: Annotated[tuple[CertificateStatus, ...], Meta(min_length=1, max_length=4)] = (
        CertificateStatus.ACTIVE,
        CertificateStatus.NOT_YET_VALID,
    )
    source: Annotated[tuple[Source, ...], Meta(max_length=2)] = ()
    provider: Annotated[tuple[_PROVIDERS, ...], Meta(max_length=4)] = ()
    usage: Annotated[tuple[Usage, ...], Meta(max_length=4)] = ()
    target_system_id: Annotated[tuple[UUID, ...], Meta(max_length=1_000)] = ()
    owner: Annotated[tuple[Part, ...], Meta(max_length=50)] = ()
    tag: Annotated[tuple[Part, ...], Meta(max_length=50)] = ()


class PreviewBodyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which certificates."""

    filter: ReplacementFilterBody


class ReplacementBodyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which certificates, why, and how. `key_algorithm`, `provider`, `provider_id`: of the successors, where they are
    not to be as before: other keys, another CA.
    """

    filter: ReplacementFilterBody
    reason: Annotated[str, Meta(min_length=1, max_length=2_000)]
    key: Key = Key.NEW
    key_algorithm: KeyAlgorithm | None = None
    provider: Provider | None = None
    provider_id: UUID | None = None


class PreviewBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a replacement would do now. Those that were not ordered here cannot be ordered again."""

    certificates: int
    not_orderable: int


class ReplacementCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Certificates by outcome. `failed` can be retried; `skipped` were replaced otherwise; `pushed` are complete, and
    every push of their successors is.
    """

    planned: int
    under_way: int
    complete: int
    failed: int
    skipped: int
    pushed: int


class ReplacementBody(msgspec.Struct, frozen=True, kw_only=True):
    """A mass replacement. `round`: 1, and one more for each retry. `counts` are of now, also after its end: pushes go
    on for as long as they wait for approvals.
    """

    id: UUID
    status: ReplacementStatus
    filter: ReplacementFilterBody
    reason: str
    key: Key
    key_algorithm: str | None
    provider: Provider | None
    provider_id: UUID | None
    requested_by: ActorBody
    requested_at: datetime
    ended_at: datetime | None
    round: int
    certificates: int
    counts: ReplacementCounts


class ReplacementPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of replacements."""

    items: tuple[ReplacementBody, ...]
    next_cursor: str | None


class ReplacementItemBody(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one certificate. `error`: why there is no successor."""

    certificate_id: UUID
    common_name: str
    outcome: ReplacementOutcome
    order_id: UUID | None
    successor_id: UUID | None
    error: str | None
    pushes: Annotated[int, Meta(description="Work orders of the successor.")]
    pushes_completed: int
    pushes_open: int


class ReplacementItemPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of certificates."""

    items: tuple[ReplacementItemBody, ...]
    next_cursor: str | None
