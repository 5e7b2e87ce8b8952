"""The dialog of Revoke Certificate (manual "Revoking a Certificate"): a code is shown, and typed in again.

Opening it is an event, so it is asked for by POST: nothing that only follows links opens one.
"""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.asking import Command
from api.pages.answering import dialog, done
from api.problems import FieldError, Problem
from api.schemas.revoking import RevokeBody
from api.security import requires
from application.house import load
from application.revoking import ConfirmRevocation, request_revocation, revoke_certificate
from domain.certificate import CERTIFICATE
from domain.revocation import RevocationReason
from domain.roles import Permission

REVOKE = requires(Permission.REVOKE, page=True, narrows=True)
REASONS: tuple[tuple[str, str], ...] = (
    (RevocationReason.UNSPECIFIED.value, "none of the others applies"),
    (RevocationReason.KEY_COMPROMISE.value, "its private key is, or may be, in other hands"),
    (RevocationReason.CA_COMPROMISE.value, "the CA that issued it has been compromised"),
    (RevocationReason.AFFILIATION_CHANGED.value, "its subject belongs to another organisation now"),
    (RevocationReason.SUPERSEDED.value, "another certificate has replaced it"),
    (RevocationReason.CESSATION_OF_OPERATION.value, "its service is no longer operated"),
)


@post("/certificates/{certificate_id:uuid}/revocation-requests", opt=REVOKE, status_code=200, include_in_schema=False)
async def revocation_dialog(
    request: Request[Any, Any, Any], certificate_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[str]:
    """Revoke Certificate: the dialog, with a fresh code."""
    known = (await load(command.house, CERTIFICATE, certificate_id)).found
    asked = await request_revocation(command.house, command.context, certificate_id)
    command.acknowledged.note(asked.position)
    return dialog(
        request,
        "revoke.html",
        title="Revoke Certificate",
        common_name=known.facts.common_name,
        challenge=asked.result,
        reasons=REASONS,
        back=f"/certificates/{certificate_id}",
    )


@post("/certificates/{certificate_id:uuid}/revoke", opt=REVOKE, include_in_schema=False)
async def confirm_revocation(
    request: Request[Any, Any, Any], certificate_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[Any]:
    """Confirm Revoke."""
    body = _body(await request.form())
    wish = ConfirmRevocation(
        certificate_id=certificate_id,
        revocation_request_id=body.revocation_request_id,
        confirmation_code=body.confirmation_code,
        reason=body.reason,
        comment=body.comment,
    )
    outcome = await revoke_certificate(command.house, command.context, wish)
    command.acknowledged.note(outcome.position)
    return done(request, f"/certificates/{certificate_id}")


def _body(form: Any) -> RevokeBody:
    """The same checks as over REST. Line breaks of a form are CR LF."""
    given = {
        "revocation_request_id": str(form.get("revocation_request_id", "")),
        "confirmation_code": str(form.get("confirmation_code", "")).strip(),
        "reason": str(form.get("reason", "unspecified")),
        "comment": str(form.get("comment") or "").replace("\r\n", "\n") or None,
    }
    try:
        return msgspec.convert(given, RevokeBody)
    except msgspec.ValidationError:
        raise Problem(
            "validation-failed",
            "The form cannot be read: enter the six digits of the code, and choose a reason.",
            errors=(FieldError("/confirmation_code", "six digits"),),
        ) from None


HANDLERS = [revocation_dialog, confirm_revocation]
