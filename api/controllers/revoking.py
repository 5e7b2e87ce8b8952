"""Revoking a certificate (manual "Revoking a Certificate"): ask for a code, then confirm with it. Permanent."""

from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.asking import SECRET_ANSWER, Command
from api.controllers.certificates import changed
from api.schemas.certificates import CertificateBody
from api.schemas.revoking import RevocationChallenge, RevokeBody
from api.schemas.work_orders import CommentBody
from api.security import requires
from application.ca_informing import retry_ca, told_ca
from application.revoking import ConfirmRevocation, request_revocation, revoke_certificate
from domain.roles import Permission

REVOKE = requires(Permission.REVOKE, narrows=True)
NO_COMMENT = CommentBody()


@post("/certificates/{certificate_id:uuid}/revocation-requests", opt=REVOKE | SECRET_ANSWER)
async def request_a_revocation(
    certificate_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[RevocationChallenge]:
    """A confirmation code for this certificate. The answer holds it: it is shown once."""
    done = await request_revocation(command.house, command.context, certificate_id)
    challenge = RevocationChallenge(
        id=done.result.id, confirmation_code=done.result.confirmation_code, expires_at=done.result.expires_at
    )
    return await command.answer(done, challenge, status=201, secret=True)


@post("/certificates/{certificate_id:uuid}/revoke", opt=REVOKE, status_code=200)
async def revoke_a_certificate(
    certificate_id: FromPath[UUID], data: JSONBody[RevokeBody], command: NamedDependency[Command]
) -> Response[CertificateBody]:
    """Revoke, for ever. Its open work orders end; its CA is told."""
    wish = ConfirmRevocation(
        certificate_id=certificate_id,
        revocation_request_id=data.revocation_request_id,
        confirmation_code=data.confirmation_code,
        reason=data.reason,
        comment=data.comment,
    )
    done = await revoke_certificate(command.house, command.context, wish)
    return await command.answer(done, await changed(command, done.result), version=done.result.version)


@post("/certificates/{certificate_id:uuid}/revocation-notice/retry", opt=REVOKE, status_code=200)
async def tell_the_ca_again(
    certificate_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[CommentBody] = NO_COMMENT
) -> Response[CertificateBody]:
    """Tell the CA of the revocation once more, after it said no or could not be told."""
    done = await retry_ca(command.house, command.context, certificate_id, data.comment)
    return await command.answer(done, await changed(command, done.result), version=done.result.version)


@post("/certificates/{certificate_id:uuid}/revocation-notice/told", opt=REVOKE, status_code=200)
async def the_ca_was_told(
    certificate_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[CommentBody] = NO_COMMENT
) -> Response[CertificateBody]:
    """Say that you told the CA of the revocation by hand."""
    done = await told_ca(command.house, command.context, certificate_id, data.comment)
    return await command.answer(done, await changed(command, done.result), version=done.result.version)


HANDLERS = [request_a_revocation, revoke_a_certificate, tell_the_ca_again, the_ca_was_told]
