"""The one refusal of the domain: a code, a sentence, a place.

Codes are the slugs of the problems in the REST contract (RFC 9457 `type` is `/problems/<code>`), so that a
refusal reads the same in an event, an answer and a page.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID


class Code(StrEnum):
    """Why something was refused. Public names: they appear in events and in answers."""

    VALIDATION_FAILED = "validation-failed"
    NOT_FOUND = "not-found"
    VERSION_CONFLICT = "version-conflict"
    PRIVATE_KEY_NOT_AVAILABLE = "private-key-not-available"
    CERTIFICATE_NOT_ACTIVE = "certificate-not-active"
    ALREADY_REVOKED = "already-revoked"
    CONFIRMATION_CODE_MISMATCH = "confirmation-code-mismatch"
    CONFIRMATION_CODE_EXPIRED = "confirmation-code-expired"
    APPROVAL_NOT_ALLOWED = "approval-not-allowed"
    APPROVAL_VOID = "approval-void"
    INVALID_TRANSITION = "invalid-transition"
    NO_CONNECTOR = "no-connector"
    WORK_ORDER_OPEN = "work-order-open"
    CLOUD_TARGET_NOT_ELIGIBLE = "cloud-target-not-eligible"
    BRIDGE_DISCONNECTED = "bridge-disconnected"
    POLICY_HARD_FAIL = "policy-hard-fail"
    CONNECTOR_EXISTS = "connector-exists"
    ALREADY_EXISTS = "already-exists"
    EXPORT_ALREADY_USED = "export-already-used"
    EXPORT_EXPIRED = "export-expired"
    EXPORT_PASSWORD_MISMATCH = "export-password-mismatch"  # noqa: S105 (a slug)
    FORBIDDEN = "forbidden"
    OUTSIDE_SCOPE = "outside-scope"
    LEGAL_HOLD = "legal-hold"


class Refused(Exception):
    """A command that the domain does not carry out.

    `records` are events that the refusal itself makes on the aggregate (a push whose approval is void ends superseded);
    they are appended although the command is refused, on the stream and version that whoever loaded it notes in
    `records_stream` and `records_version`.
    `detail` is a sentence for people that says what to do next; `pointer` is an RFC 6901 JSON pointer into the
    request body where one field is to blame; `extra` holds further members of the problem (for
    `invalid-transition`: `current_status` and `allowed`).
    """

    def __init__(
        self, code: Code, detail: str, *, pointer: str | None = None, records: tuple[Any, ...] = (), **extra: Any
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.records = records
        self.records_stream: UUID | None = None
        self.records_version: int | None = None
        self.extra = extra
