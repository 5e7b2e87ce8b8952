"""ACME clients: keys for external account binding, accounts, orders."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.texts import Name
from domain.acme_account import AcmeAccountStatus
from domain.acme_order import AcmeOrderStatus, AuthorizationStatus, ChallengeType


class CreateEabKeyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key with which ACME accounts are opened that act for this principal. Without `days` it is good for 90."""

    principal_id: UUID
    name: Annotated[Name, Meta(examples=["certbot on web-1"])]
    days: Annotated[int, Meta(ge=1, le=366)] = 90


class EabKeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A key for external account binding (RFC 8555, 7.3.4), without its secret. `id` is its key id (`kid`)."""

    id: UUID
    principal_id: UUID
    name: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class IssuedEabKeyBody(EabKeyBody, frozen=True, kw_only=True):
    """A new key with its HMAC key, which is shown once."""

    hmac_key: Annotated[str, Meta(description="base64url, as certbot (--eab-hmac-key) and lego (--hmac) take it.")]


class EabKeyPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of keys."""

    items: tuple[EabKeyBody, ...]
    next_cursor: str | None


class AcmeAccountBody(msgspec.Struct, frozen=True, kw_only=True):
    """An account of an ACME client. `thumbprint`: of its public key (RFC 7638)."""

    id: UUID
    principal_id: UUID
    eab_key_id: UUID
    status: AcmeAccountStatus
    thumbprint: str
    created_at: datetime


class AcmeAccountPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of accounts."""

    items: tuple[AcmeAccountBody, ...]
    next_cursor: str | None


class AuthorizationBody(msgspec.Struct, frozen=True, kw_only=True):
    """How far one name is. `challenge`: what the client has chosen; `error`: why it failed."""

    name: str
    status: AuthorizationStatus
    challenge: ChallengeType | None
    error: str | None


class AcmeOrderBody(msgspec.Struct, frozen=True, kw_only=True):
    """An order of an ACME client. `finalized`: what became of it, its certificate order says."""

    id: UUID
    account_id: UUID
    status: AcmeOrderStatus
    authorizations: tuple[AuthorizationBody, ...]
    created_at: datetime
    expires_at: datetime
    replaces: UUID | None
    order_id: Annotated[UUID | None, Meta(description="The certificate order (`/orders/{order_id}`).")]


class AcmeOrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of orders."""

    items: tuple[AcmeOrderBody, ...]
    next_cursor: str | None
