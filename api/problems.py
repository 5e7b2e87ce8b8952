"""RFC 9457 problems: the list of them, and how one is written down.

A slug is public: it is the last part of `type`, and for refusals of the domain the code in the event.
"""

from html import escape
from typing import Any, NamedTuple

import msgspec

from domain.errors import Code, Refused

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """One kind of problem."""

    status: int
    title: str
    meaning: str


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True, rename={"place": "in"}):
    """One thing that is wrong: `pointer` (RFC 6901) into the body, or a parameter's name where `in` says which."""

    pointer: str
    detail: str
    place: str | None = None


class Problem(Exception):
    """A request that the API itself cannot answer as wished."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.members = members


KINDS: dict[str, Kind] = {
    Code.VALIDATION_FAILED: Kind(
        422, "The request is not valid", "A field or parameter has a wrong value; errors lists which."
    ),
    Code.NOT_FOUND: Kind(404, "Not found", "There is nothing under this address, or nothing with this id."),
    Code.VERSION_CONFLICT: Kind(
        412,
        "It has changed meanwhile",
        "If-Match names another version than the current one. Read it again, then decide again.",
    ),
    "precondition-required": Kind(
        428,
        "If-Match is required",
        "Changing or removing this needs an If-Match header with the ETag you read, so that nobody's change is lost.",
    ),
    "idempotency-key-reused": Kind(
        422,
        "Idempotency-Key used for another request",
        "This key was sent before with another body. Use a fresh key for every new command.",
    ),
    "idempotency-in-progress": Kind(
        409,
        "The same request is being carried out",
        "A request with this Idempotency-Key has not ended yet. Ask again in a moment.",
    ),
    "idempotency-secret-not-repeated": Kind(
        409,
        "The answer carried a secret and is not repeated",
        "The command was carried out, and its answer is not kept because of the secret in it. If the answer was lost, "
        "revoke what was made and make a new one.",
    ),
    Code.PRIVATE_KEY_NOT_AVAILABLE: Kind(
        409, "The private key is not available", "The private key is not stored here, so this cannot be done."
    ),
    Code.CERTIFICATE_NOT_ACTIVE: Kind(
        409, "The certificate is not active", "Only an active certificate can be used for this."
    ),
    Code.ALREADY_REVOKED: Kind(409, "The certificate is revoked already", "Revocation is permanent and happens once."),
    Code.CONFIRMATION_CODE_MISMATCH: Kind(403, "Wrong confirmation code", "The confirmation code does not match."),
    Code.CONFIRMATION_CODE_EXPIRED: Kind(
        410, "The confirmation code is too old or used", "Ask for a new confirmation code."
    ),
    Code.APPROVAL_NOT_ALLOWED: Kind(
        403,
        "Somebody else has to do this (four eyes)",
        "Nobody gives two of request, approval and implementation; a token counts as its owner.",
    ),
    Code.APPROVAL_VOID: Kind(
        409, "The approval no longer holds", "What would be pushed has changed since it was approved. Push it anew."
    ),
    Code.INVALID_TRANSITION: Kind(
        409,
        "Not possible in this state",
        "current_status tells the state, allowed which actions are possible in it.",
    ),
    Code.NO_CONNECTOR: Kind(
        409, "No target system", "The certificate is not associated with a target system. Add a target system first."
    ),
    Code.WORK_ORDER_OPEN: Kind(
        409, "A work order is open", "Each connector has at most one open work order. Carry it through or cancel it."
    ),
    Code.CLOUD_TARGET_NOT_ELIGIBLE: Kind(
        409,
        "Not eligible for a cloud target",
        "Only server certificates with a stored private key can be pushed to cloud targets.",
    ),
    Code.BRIDGE_DISCONNECTED: Kind(409, "The bridge is not connected", "Start the bridge, or wait for it."),
    Code.POLICY_HARD_FAIL: Kind(
        422,
        "The issuance policy forbids it",
        "violations lists every rule that was broken; the order is kept as failed under order_id.",
    ),
    "rate-limited": Kind(429, "Too many requests", "Wait for the seconds in Retry-After."),
    Code.EXPORT_ALREADY_USED: Kind(
        410, "The export was downloaded already", "An export can be downloaded once. Make a new one."
    ),
    Code.EXPORT_EXPIRED: Kind(
        410,
        "The export is no longer available",
        "It is too old, or a wrong password was given too often. Make a new one.",
    ),
    Code.EXPORT_PASSWORD_MISMATCH: Kind(
        403, "Wrong password", "This is not the password that was shown with the export. Tries are limited."
    ),
    Code.CONNECTOR_EXISTS: Kind(
        409, "Already associated", "This certificate is associated with this target system and profile already."
    ),
    Code.ALREADY_EXISTS: Kind(409, "It exists already", "Something with this name or identity exists already."),
    "payload-too-large": Kind(413, "The request is too large", "The body exceeds the limit of this address."),
    "unauthenticated": Kind(
        401, "Sign in first", "The request carries no valid token: `Authorization: Bearer cf_<id>_<secret>`."
    ),
    Code.LEGAL_HOLD: Kind(
        409,
        "A legal hold keeps it",
        "legal_hold_ids names the holds. Nothing they cover is erased before their release.",
    ),
    Code.FORBIDDEN: Kind(403, "Not allowed", "None of your roles allows this."),
    Code.OUTSIDE_SCOPE: Kind(
        403,
        "Outside the scope of your role",
        "Your role is limited to certain tags, and what this concerns bears none of them.",
    ),
    "unavailable": Kind(
        503, "Not available for the moment", "Nothing was lost. Repeat the request after the seconds in Retry-After."
    ),
    "malformed-request": Kind(400, "The request cannot be read", "The body is no JSON, or the request line is broken."),
    "method-not-allowed": Kind(405, "Method not allowed", "The header Allow lists what this address understands."),
    "not-acceptable": Kind(406, "No such representation", "This address does not speak the media type in Accept."),
    "unsupported-media-type": Kind(415, "Unsupported media type", "Send the body as application/json."),
    "internal-error": Kind(
        500, "Something went wrong here", "It was logged under the id in instance. Repeating may or may not help."
    ),
}

SLUG_OF_STATUS: dict[int, str] = {
    400: "malformed-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "payload-too-large",
    415: "unsupported-media-type",
    422: "validation-failed",
    429: "rate-limited",
    503: "unavailable",
}


def document(
    slug: str,
    detail: str,
    instance: str,
    errors: tuple[FieldError, ...] = (),
    members: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The members of one problem, in the order they are shown."""
    kind = KINDS[slug]
    found: dict[str, Any] = {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": instance,
    }
    if errors:
        found["errors"] = errors
    return found | (members or {})


def of_refusal(refused: Refused) -> Problem:
    """A refusal of the domain as a problem of the same name."""
    errors = (FieldError(refused.pointer, refused.detail),) if refused.pointer is not None else ()
    return Problem(refused.code.value, refused.detail, errors=errors, **refused.extra)


def fragment(problem: dict[str, Any]) -> str:
    """A problem as a piece of HTML, for pages that swap answers in."""
    return (
        f'<div class="problem" role="alert" data-problem="{escape(problem["type"])}">'
        f"<strong>{escape(problem['title'])}</strong> <p>{escape(problem['detail'])}</p></div>"
    )
