"""Accounts, orders, authorizations and challenges as clients read them (RFC 8555, 7.1)."""

from datetime import UTC, datetime
from typing import Any

from api.acme.addresses import Addresses
from api.acme.problems import PREFIX
from application.acme_accounts import Account
from application.acme_ordering import Order
from domain.acme_order import (
    AcmeOrder,
    AcmeOrderStatus,
    Authorization,
    AuthorizationStatus,
    ChallengeType,
    authorization_status,
    status,
)
from domain.certificate_order import CertificateOrder, OrderStatus

PENDING_HEADERS = {"Retry-After": "1"}
_OF_CERTIFICATE_ORDER = {OrderStatus.COMPLETE: "valid", OrderStatus.FAILED: "invalid"}


def written(instant: datetime) -> str:
    """RFC 3339 in UTC, whole seconds: some clients read no fractions."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def account_body(at: Addresses, account: Account) -> dict[str, Any]:
    """An account; contacts are not kept."""
    return {"status": account.found.status.value, "orders": at.at("accounts", account.id, "orders")}


def order_status(order: AcmeOrder, issuing: CertificateOrder | None, now: datetime) -> str:
    """pending, ready, processing, valid or invalid (RFC 8555, 7.1.6)."""
    found = status(order, now)
    if found is not AcmeOrderStatus.FINALIZED:
        return found.value
    return _OF_CERTIFICATE_ORDER.get(issuing.status, "processing") if issuing is not None else "processing"


def order_body(at: Addresses, order: Order, issuing: CertificateOrder | None, now: datetime) -> dict[str, Any]:
    """An order. `issuing`: the certificate order it became."""
    state, found = order.found, order_status(order.found, issuing, now)
    body: dict[str, Any] = {
        "status": found,
        "expires": written(state.expires_at),
        "identifiers": [_identifier(name) for name in state.names],
        "authorizations": [at.authorization(order.id, n) for n in range(len(state.authorizations))],
        "finalize": f"{at.order(order.id)}/finalize",
    }
    if state.replaces_name is not None:
        body["replaces"] = state.replaces_name
    if found == "valid":
        body["certificate"] = f"{at.order(order.id)}/certificate"
    if found == "invalid":
        body["error"] = _failure(state, issuing)
    return body


def _failure(order: AcmeOrder, issuing: CertificateOrder | None) -> dict[str, str]:
    if issuing is not None:
        return _error("serverInternal", issuing.error or "The certificate was not issued.")
    flaw = next((each.flaw for each in order.authorizations if each.flaw is not None), None)
    if flaw is not None:
        return _error(flaw.type, flaw.detail)
    return _error("malformed", "The order has expired, or an authorization of it was deactivated.")


def authorization_body(at: Addresses, order: Order, number: int, now: datetime) -> dict[str, Any]:
    """An authorization: what the client may choose from, then what it has chosen."""
    found = order.found.authorization(number)
    chosen = found.answered.challenge if found.answered is not None else None
    judged = found.status in (AuthorizationStatus.VALID, AuthorizationStatus.INVALID)
    shown = (chosen,) if chosen is not None and judged else found.challenges
    body: dict[str, Any] = {
        "status": authorization_status(order.found, found, now).value,
        "expires": written(order.found.expires_at),
        "identifier": _identifier(found.identifier),
        "challenges": [challenge_body(at, order, number, kind) for kind in shown],
    }
    return body | {"wildcard": True} if found.wildcard else body


def challenge_body(at: Addresses, order: Order, number: int, kind: ChallengeType) -> dict[str, Any]:
    """One way to show that the name is controlled."""
    found = order.found.authorization(number)
    body: dict[str, Any] = {
        "type": kind.value,
        "url": at.challenge(order.id, number, kind.value),
        "token": found.token,
        "status": _challenge_status(found, kind),
    }
    if body["status"] == "valid" and found.judged_at is not None:
        body["validated"] = written(found.judged_at)
    if body["status"] == "invalid" and found.flaw is not None:
        body["error"] = _error(found.flaw.type, found.flaw.detail)
    return body


def _challenge_status(found: Authorization, kind: ChallengeType) -> str:
    if found.answered is None or found.answered.challenge is not kind:
        return "pending"
    return {AuthorizationStatus.PENDING: "processing", AuthorizationStatus.VALID: "valid"}.get(found.status, "invalid")


def _identifier(name: str) -> dict[str, str]:
    return {"type": "dns", "value": name}


def _error(kind: str, detail: str) -> dict[str, str]:
    return {"type": PREFIX + kind, "detail": detail}
