"""Keys for external account binding (RFC 8555, 7.3.4): whoever holds one may open ACME accounts for a principal.

The MAC key itself lives in the vault.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import WrittenText

_replace = msgspec.structs.replace


class AcmeEabKeyCreated(Event, frozen=True, kw_only=True):
    """A key for external account binding. Accounts that are opened with it act for the principal."""

    topic = "acme.eab_key.created"
    principal_id: UUID
    name: WrittenText
    expires_at: datetime


class AcmeEabKeyRevoked(Event, frozen=True, kw_only=True):
    """No account is opened with it any more; those that were go on. Its MAC key is forgotten."""

    topic = "acme.eab_key.revoked"
    principal_id: UUID


class AcmeEabKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one key."""

    principal_id: UUID
    name: str
    expires_at: datetime
    created_at: datetime
    revoked_at: datetime | None = None


def revoke(key: AcmeEabKey, meta: Meta) -> tuple[Event, ...]:
    """No longer accepted; a repeat makes no event."""
    return () if key.revoked_at else (AcmeEabKeyRevoked(meta=meta, principal_id=key.principal_id),)


def check_usable(key: AcmeEabKey, now: datetime) -> None:
    """Refuse a key that was revoked, or is too old."""
    if key.revoked_at is not None:
        raise Refused(Code.FORBIDDEN, "This key for external account binding was revoked.")
    if key.expires_at <= now:
        raise Refused(Code.FORBIDDEN, "This key for external account binding has expired.")


def _created(_: AcmeEabKey | None, event: AcmeEabKeyCreated) -> AcmeEabKey:
    return AcmeEabKey(
        principal_id=event.principal_id, name=event.name, expires_at=event.expires_at, created_at=event.meta.at
    )


ACME_EAB_KEY: AggregateType[AcmeEabKey] = AggregateType(
    name="acme_eab_key",
    table={
        AcmeEabKeyCreated: _created,
        AcmeEabKeyRevoked: lambda state, event: _replace(state, revoked_at=event.meta.at),
    },
)
