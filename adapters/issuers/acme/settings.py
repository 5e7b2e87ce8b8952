"""What is said of an ACME provider: `settings` (shown to everybody) and `secrets` (sealed)."""

import base64
import binascii
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Solver = Literal["http_service", "http_webroot", "dns_rfc2136", "dns_hook"]
HTTP_SOLVERS: tuple[Solver, ...] = ("http_service", "http_webroot")
Mail = Annotated[str, Meta(pattern=r"^[^\s@:]+@[^\s@]+$", max_length=253)]
Text = Annotated[str, Meta(min_length=1, max_length=253)]


class Rfc2136(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name server that takes signed updates (RFC 2136, RFC 8945). Without `zone` it is asked which one a name is in.

    `server`: its address. `key_name`, `key_algorithm`: the TSIG key; its secret is among the secrets.
    """

    server: Text
    port: Annotated[int, Meta(ge=1, le=65535)] = 53
    zone: Text | None = None
    key_name: Text
    key_algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"
    ttl: Annotated[int, Meta(ge=1, le=86_400)] = 60


class AcmeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`directory_url`: where the CA begins (RFC 8555, 7.1.1). `ca_certificates_pem`: whom to trust for its TLS, instead
    of the system's CAs. `contact`: mail addresses for the CA's warnings. `solver`: how it is shown that names are ours.
    `preferred_chain`: the common name of the issuer that a chain should end with, where the CA offers several.
    `propagation_seconds`: how long a DNS record takes until every name server shows it.
    """

    directory_url: Annotated[str, Meta(pattern=r"^https://[^\s]+$", max_length=2_000)]
    terms_of_service_agreed: bool = False
    contact: Annotated[tuple[Mail, ...], Meta(max_length=10)] = ()
    solver: Solver = "http_service"
    rfc2136: Rfc2136 | None = None
    propagation_seconds: Annotated[int, Meta(ge=0, le=300)] = 0
    eab_key_id: Annotated[str, Meta(min_length=1, max_length=1_000)] | None = None
    preferred_chain: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    profile: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    ca_certificates_pem: Annotated[str, Meta(max_length=262_144)] | None = None

    @property
    def challenge(self) -> str:
        """http-01 or dns-01 (RFC 8555, 8)."""
        return "http-01" if self.solver in HTTP_SOLVERS else "dns-01"


class AcmeSecrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`eab_hmac_key`: base64url, as the CA gives it for external account binding. `tsig_secret`: base64."""

    eab_hmac_key: Annotated[str, Meta(min_length=1, max_length=1_000)] | None = None
    tsig_secret: Annotated[str, Meta(min_length=1, max_length=1_000)] | None = None

    def __repr__(self) -> str:
        return "AcmeSecrets(...)"


def flaw(settings: AcmeSettings, secrets: AcmeSecrets) -> tuple[str, str] | None:
    """(pointer, sentence) of what does not fit together, or None."""
    if (settings.eab_key_id is None) != (secrets.eab_hmac_key is None):
        pointer = "/secrets/eab_hmac_key" if settings.eab_key_id else "/settings/eab_key_id"
        return pointer, "External account binding takes eab_key_id in settings and eab_hmac_key in secrets."
    if settings.solver == "dns_rfc2136" and settings.rfc2136 is None:
        return "/settings/rfc2136", "The solver dns_rfc2136 needs to know the name server and its key."
    if settings.rfc2136 is not None and secrets.tsig_secret is None:
        return "/secrets/tsig_secret", "Updates of DNS are signed: give the secret of the TSIG key."
    for name in ("eab_hmac_key", "tsig_secret"):
        if not _is_base64(getattr(secrets, name)):
            return f"/secrets/{name}", "This is not Base64."
    return None


def _is_base64(text: str | None) -> bool:
    """Both alphabets count: what CAs and name servers hand out differs (RFC 4648, 4 and 5)."""
    plain = (text or "").translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
