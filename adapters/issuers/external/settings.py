"""What is said of an External CA: `settings` (shown to everybody; `kind` says which sort) and `secrets` (sealed)."""

from typing import Annotated

import msgspec
from msgspec import Meta

Profile = Annotated[str, Meta(min_length=1, max_length=100)]
Certificates = Annotated[str, Meta(min_length=1, max_length=262_144)]


class CfsslSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="cfssl"
):
    """A cfssl server that signs authenticated requests (`authsign`).

    `url`: where it is, without a path. `profiles`: the CA's profile for each usage (server, client, both) that may be
    ordered. `label`: of the signer behind it. `ca_certificates_pem`: whom to trust for its TLS, instead of the system.
    """

    url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+/?$", max_length=1_000)]
    profiles: Annotated[dict[str, Profile], Meta(min_length=1)]
    label: Annotated[str, Meta(max_length=100)] = ""
    ca_certificates_pem: Certificates | None = None


class OfflineSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="offline"
):
    """A CA that people carry requests to. `issuers_pem`: its CA certificates; a chain must end at or below one."""

    issuers_pem: Certificates


ExternalSettings = CfsslSettings | OfflineSettings


class ExternalSecrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`auth_key`: hexadecimal, as in the CA's `auth_keys`."""

    auth_key: Annotated[str, Meta(min_length=2, max_length=1_000)] | None = None

    def __repr__(self) -> str:
        return "ExternalSecrets(...)"


def flaw(settings: ExternalSettings, secrets: ExternalSecrets) -> tuple[str, str] | None:
    """(pointer, sentence) of what does not fit together, or None."""
    if isinstance(settings, OfflineSettings):
        if secrets.auth_key is not None:
            return "/secrets/auth_key", "An offline CA has no secrets."
        return None
    if wrong := sorted(set(settings.profiles) - {"server", "client", "both"}):
        return f"/settings/profiles/{wrong[0]}", "Profiles are named by usage: server, client or both."
    if secrets.auth_key is None:
        return "/secrets/auth_key", "Give the key that requests are signed with."
    try:
        bytes.fromhex(secrets.auth_key)
    except ValueError:
        return "/secrets/auth_key", "This is not hexadecimal."
    return None
