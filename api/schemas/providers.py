"""Providers: CAs outside that orders go through."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.texts import Name
from domain.certificate_order import Provider

_Settings = Annotated[
    dict[str, Any],
    Meta(
        description="What this kind of provider asks to be told (docs/reference/providers.md); no secrets.",
        examples=[{"directory_url": "https://acme.example.org/directory", "terms_of_service_agreed": True}],
    ),
]
_SecretText = Annotated[str, Meta(min_length=1, max_length=65_536)]
_Secrets = Annotated[
    dict[str, _SecretText],
    Meta(description="Kept sealed, never shown; replaces all that were set."),
]


class RegisterProviderBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new provider."""

    provider: Literal["acme", "external_ca"]
    name: Annotated[Name, Meta(examples=["Corporate ACME CA"])]
    settings: _Settings
    secrets: _Secrets | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return f"RegisterProviderBody({self.name!r}, ...)"


class ChangeProviderBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    settings: _Settings | UnsetType = UNSET
    secrets: _Secrets | UnsetType = UNSET

    def __repr__(self) -> str:
        """Show no secret."""
        return "ChangeProviderBody(...)"


class ProviderBody(msgspec.Struct, frozen=True, kw_only=True):
    """A CA that orders can go through. `secrets_set` names the secrets that are set, never shows them."""

    id: UUID
    provider: Provider
    name: str
    settings: dict[str, Any]
    secrets_set: tuple[str, ...]
    retired: bool


class ProviderPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of providers."""

    items: tuple[ProviderBody, ...]
    next_cursor: str | None
