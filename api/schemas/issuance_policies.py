"""Issuance policies."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.common import ActorBody
from api.schemas.texts import Name
from api.schemas.violations import ViolationBody
from domain.certificate_order import Provider
from domain.entity import ActorKind
from domain.role_grant import Role
from domain.violation import Severity

Pattern = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        description="example.org (and everything below it), *.example.org (only below it), 10.0.0.0/8, or *.",
        examples=["example.org"],
    ),
]
_Patterns = Annotated[tuple[Pattern, ...], Meta(max_length=200)]
_KeyAlgorithms = Annotated[
    tuple[
        Literal["rsa-2048", "rsa-3072", "rsa-4096", "rsa-8192", "ec-256", "ec-384", "ec-521", "ed25519", "ed448"],
        ...,
    ],
    Meta(max_length=20),
]
_Ids = Annotated[tuple[UUID, ...], Meta(max_length=200)]
Description = Annotated[str, Meta(max_length=2_000)]


class IssuanceRuleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. `domains` say which orders it concerns (none: all); every other field restricts those orders.

    Whoever is among `principal_ids`, `roles` or `actor_kinds` may ask; without any of them everybody may.
    """

    name: Annotated[Name, Meta(examples=["strong keys"])]
    severity: Severity = Severity.HARD
    domains: _Patterns = ()
    key_algorithms: _KeyAlgorithms = ()
    minimum_rsa_bits: Annotated[int, Meta(ge=1_024, le=16_384)] | None = None
    minimum_ec_bits: Annotated[int, Meta(ge=160, le=600)] | None = None
    maximum_validity_days: Annotated[int, Meta(ge=1, le=3_650)] | None = None
    names: Annotated[_Patterns, Meta(description="Every name must lie within one of these.")] = ()
    wildcards: Annotated[bool, Meta(description="May names be wildcards?")] = True
    maximum_names: Annotated[int, Meta(ge=1, le=100)] | None = None
    providers: Annotated[tuple[Provider, ...], Meta(max_length=10)] = ()
    provider_ids: _Ids = ()
    principal_ids: _Ids = ()
    roles: Annotated[tuple[Role, ...], Meta(max_length=10)] = ()
    actor_kinds: Annotated[tuple[ActorKind, ...], Meta(max_length=10)] = ()


_Rules = Annotated[tuple[IssuanceRuleBody, ...], Meta(min_length=1, max_length=100)]


class IssuancePolicyBodyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new policy."""

    name: Annotated[Name, Meta(examples=["Public web servers"])]
    description: Description = ""
    rules: _Rules


class ChangeIssuancePolicyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is; `rules` replace all rules."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    rules: _Rules | UnsetType = UNSET


class IssuancePolicyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it is now; `version` counts its changes."""

    id: UUID
    name: str
    description: str
    version: int
    rules: tuple[IssuanceRuleBody, ...]
    retired: bool
    changed_at: datetime
    changed_by: ActorBody


class IssuancePolicyPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of policies."""

    items: tuple[IssuancePolicyBody, ...]
    next_cursor: str | None


class EvaluationBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the policies would say of an order: `allowed` without violations; warnings stop nothing."""

    allowed: bool
    violations: tuple[ViolationBody, ...]
    warnings: tuple[ViolationBody, ...]
