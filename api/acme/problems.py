"""Errors as ACME clients know them (RFC 8555, 6.7): problem documents with URNs, never pages.

`{"type": "urn:ietf:params:acme:error:badNonce", "detail": "...", "status": 400}`
"""

from typing import Any

from litestar.exceptions import HTTPException

from application.ports import LogUnavailable
from domain.errors import Code, Refused

PREFIX = "urn:ietf:params:acme:error:"
_STATUS = {
    "accountDoesNotExist": 400,
    "alreadyReplaced": 409,
    "alreadyRevoked": 400,
    "badNonce": 400,
    "badCSR": 400,
    "badPublicKey": 400,
    "badRevocationReason": 400,
    "badSignatureAlgorithm": 400,
    "externalAccountRequired": 403,
    "invalidContact": 400,
    "malformed": 400,
    "orderNotReady": 403,
    "rateLimited": 429,
    "rejectedIdentifier": 400,
    "serverInternal": 500,
    "unauthorized": 403,
    "unsupportedContact": 400,
    "unsupportedIdentifier": 400,
}
_OF_CODE = {
    Code.FORBIDDEN: ("unauthorized", None),
    Code.OUTSIDE_SCOPE: ("unauthorized", None),
    Code.NOT_FOUND: ("malformed", 404),
    Code.ALREADY_REVOKED: ("alreadyRevoked", None),
    Code.INVALID_TRANSITION: ("orderNotReady", None),
    Code.POLICY_HARD_FAIL: ("rejectedIdentifier", None),
    Code.ALREADY_EXISTS: ("malformed", 409),
    Code.VERSION_CONFLICT: ("serverInternal", 503),
}
_OF_POINTER = {
    "csr_pem": "badCSR",
    "replaces": "malformed",
    "identifiers": "rejectedIdentifier",
    "subject_alternative_names": "rejectedIdentifier",
    "common_name": "rejectedIdentifier",
}


class AcmeProblem(Exception):
    """A request that is answered with an error. `kind`: the last part of its URN."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.status = status or _STATUS[kind]
        self.headers = headers or {}
        self.members = members

    def document(self) -> dict[str, Any]:
        """What the client reads."""
        return {"type": PREFIX + self.kind, "detail": self.detail, "status": self.status} | self.members


def malformed(detail: str, status: int = 400) -> AcmeProblem:
    """What nobody can make sense of, or what there is not."""
    return AcmeProblem("malformed", detail, status=status)


def problem_of(error: Exception) -> AcmeProblem:
    """What an exception means for the client."""
    if isinstance(error, AcmeProblem):
        return error
    if isinstance(error, Refused):
        return _of_refusal(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return malformed(_WORDS.get(error.status_code, error.detail), error.status_code)
    if isinstance(error, LogUnavailable):
        return unavailable()
    return AcmeProblem("serverInternal", "An error that nobody foresaw. It is in the log of the service.")


def unavailable() -> AcmeProblem:
    """The database is away."""
    sentence = "The service is not available for the moment. Repeat the request."
    return AcmeProblem("serverInternal", sentence, status=503, headers={"Retry-After": "1"})


_WORDS = {404: "There is nothing at this address.", 405: "This address is for POST (or POST-as-GET) alone."}


def _of_refusal(refused: Refused) -> AcmeProblem:
    pointer = (refused.pointer or "/").split("/")[1]
    if refused.code is Code.ALREADY_EXISTS and pointer == "replaces":
        return AcmeProblem("alreadyReplaced", refused.detail)
    if refused.code is Code.VALIDATION_FAILED:
        return AcmeProblem(_OF_POINTER.get(pointer, "malformed"), refused.detail)
    kind, status = _OF_CODE.get(refused.code, ("malformed", None))
    return AcmeProblem(kind, refused.detail, status=status)
