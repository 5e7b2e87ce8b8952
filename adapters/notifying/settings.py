"""What is said of a notification channel: `settings` (shown to whoever may read channels) and `secrets` (sealed)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_LOCAL, _DOMAIN = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}", r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
MailAddress = Annotated[str, Meta(max_length=254, pattern=rf"^{_LOCAL}@{_DOMAIN}$")]


class MailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mail server that takes messages (RFC 6409).

    `security`: `starttls` (RFC 3207, demanded), `tls` from the first byte (RFC 8314), or `none`. `ca_certificates_pem`:
    whom to trust for its TLS, instead of the system.
    """

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Annotated[str, Meta(max_length=250)] = ""
    from_address: MailAddress
    to: Annotated[tuple[MailAddress, ...], Meta(min_length=1, max_length=50)]
    ca_certificates_pem: Annotated[str, Meta(max_length=262_144)] = ""


class MailSecrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`password`: of the user."""

    password: Annotated[str, Meta(min_length=1, max_length=1_000)] | None = None

    def __repr__(self) -> str:
        return "MailSecrets(...)"


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where messages are posted to."""

    url: Annotated[str, Meta(min_length=1, max_length=2_000)]


class WebhookSecrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`signing_secret`: `whsec_` and base64 of 24 to 64 bytes (Standard Webhooks)."""

    signing_secret: Annotated[str, Meta(min_length=1, max_length=200)] | None = None

    def __repr__(self) -> str:
        return "WebhookSecrets(...)"
