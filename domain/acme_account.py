"""An account of an ACME client (RFC 8555, 7.1.2): a public key that orders certificates for a principal.

Contact addresses are not kept: the principal is known already.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused

_replace = msgspec.structs.replace


class AcmeAccountStatus(StrEnum):
    """RFC 8555, 7.1.6. `deactivated` by the client, `revoked` by the service."""

    VALID = "valid"
    DEACTIVATED = "deactivated"
    REVOKED = "revoked"


class AccountKey(msgspec.Struct, frozen=True):
    """A public key: its JWK (RFC 7517) and the JWK's SHA-256 thumbprint (RFC 7638, base64url)."""

    jwk: dict[str, str]
    thumbprint: str


class AcmeAccountCreated(Event, frozen=True, kw_only=True):
    """Opened with a key for external account binding."""

    topic = "acme.account.created"
    principal_id: UUID
    eab_key_id: UUID
    key: AccountKey


class AcmeAccountKeyChanged(Event, frozen=True, kw_only=True):
    """Another key from now on (RFC 8555, 7.3.5)."""

    topic = "acme.account.key_changed"
    key: AccountKey


class AcmeAccountDeactivated(Event, frozen=True, kw_only=True):
    """Given up by its client (RFC 8555, 7.3.6)."""

    topic = "acme.account.deactivated"


class AcmeAccountRevoked(Event, frozen=True, kw_only=True):
    """Closed by somebody here."""

    topic = "acme.account.revoked"


class AcmeAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one account."""

    principal_id: UUID
    eab_key_id: UUID
    key: AccountKey
    created_at: datetime
    status: AcmeAccountStatus = AcmeAccountStatus.VALID


def change_key(account: AcmeAccount, meta: Meta, key: AccountKey) -> tuple[Event, ...]:
    """Another key; the same one makes no event."""
    check_valid(account)
    return () if key == account.key else (AcmeAccountKeyChanged(meta=meta, key=key),)


def deactivate(account: AcmeAccount, meta: Meta) -> tuple[Event, ...]:
    """Its client gives it up."""
    check_valid(account)
    return (AcmeAccountDeactivated(meta=meta),)


def revoke(account: AcmeAccount, meta: Meta) -> tuple[Event, ...]:
    """Closed by the service, whatever its client did; a repeat makes no event."""
    return () if account.status is AcmeAccountStatus.REVOKED else (AcmeAccountRevoked(meta=meta),)


def check_valid(account: AcmeAccount) -> None:
    """Refuse to do anything for an account that was closed."""
    if account.status is not AcmeAccountStatus.VALID:
        raise Refused(Code.FORBIDDEN, f"This account is {account.status.value}.")


def _created(_: AcmeAccount | None, event: AcmeAccountCreated) -> AcmeAccount:
    return AcmeAccount(
        principal_id=event.principal_id, eab_key_id=event.eab_key_id, key=event.key, created_at=event.meta.at
    )


ACME_ACCOUNT: AggregateType[AcmeAccount] = AggregateType(
    name="acme_account",
    table={
        AcmeAccountCreated: _created,
        AcmeAccountKeyChanged: lambda state, event: _replace(state, key=event.key),
        AcmeAccountDeactivated: lambda state, _: _replace(state, status=AcmeAccountStatus.DEACTIVATED),
        AcmeAccountRevoked: lambda state, _: _replace(state, status=AcmeAccountStatus.REVOKED),
    },
)
