"""ACME clients."""

import base64
from datetime import datetime

from api.presenters.known import Known
from api.schemas.acme_clients import AcmeAccountBody, AcmeOrderBody, AuthorizationBody, EabKeyBody, IssuedEabKeyBody
from domain.acme_account import AcmeAccount
from domain.acme_eab_key import AcmeEabKey
from domain.acme_order import AcmeOrder, Authorization, authorization_status, status


def eab_key(found: Known[AcmeEabKey]) -> EabKeyBody:
    """A key, without its secret."""
    state = found.state
    return EabKeyBody(
        id=found.id,
        principal_id=state.principal_id,
        name=state.name,
        created_at=state.created_at,
        expires_at=state.expires_at,
        revoked_at=state.revoked_at,
    )


def issued_eab_key(found: Known[AcmeEabKey], mac_key: bytes) -> IssuedEabKeyBody:
    """A new key with its secret."""
    shown = eab_key(found)
    text = base64.urlsafe_b64encode(mac_key).rstrip(b"=").decode()
    return IssuedEabKeyBody(**{name: getattr(shown, name) for name in shown.__struct_fields__}, hmac_key=text)


def account(found: Known[AcmeAccount]) -> AcmeAccountBody:
    """An account."""
    state = found.state
    return AcmeAccountBody(
        id=found.id,
        principal_id=state.principal_id,
        eab_key_id=state.eab_key_id,
        status=state.status,
        thumbprint=state.key.thumbprint,
        created_at=state.created_at,
    )


def order(found: Known[AcmeOrder], now: datetime) -> AcmeOrderBody:
    """An order; whether it has expired is the clock's to say."""
    state = found.state
    return AcmeOrderBody(
        id=found.id,
        account_id=state.account_id,
        status=status(state, now),
        authorizations=tuple(_authorization(state, each, now) for each in state.authorizations),
        created_at=state.created_at,
        expires_at=state.expires_at,
        replaces=state.replaces,
        order_id=state.certificate_order_id,
    )


def _authorization(state: AcmeOrder, found: Authorization, now: datetime) -> AuthorizationBody:
    return AuthorizationBody(
        name=found.name,
        status=authorization_status(state, found, now),
        challenge=found.answered.challenge if found.answered is not None else None,
        error=found.flaw.detail if found.flaw is not None else None,
    )
