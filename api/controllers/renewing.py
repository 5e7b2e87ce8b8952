"""Renewing a certificate: ordered through the same provider, linked as Renewed From and Renewed To."""

from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.asking import Command
from api.controllers.orders import answer_order
from api.schemas.orders import OrderBody, RenewBody
from api.security import requires
from application.renewing import RenewCertificate, renew_certificate
from domain.roles import Permission

_USUAL = RenewBody()


@post("/certificates/{certificate_id:uuid}/renew", opt=requires(Permission.RENEW, narrows=True), status_code=202)
async def renew_a_certificate(
    certificate_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[RenewBody] = _USUAL
) -> Response[OrderBody]:
    """Order its successor. Once that is issued, its push to every connector of this certificate is asked for."""
    wish = RenewCertificate(certificate_id=certificate_id, key=data.key, csr_pem=data.csr_pem)
    done = await renew_certificate(command.house, command.context, command.services.issuers, wish)
    return await answer_order(command, done)


HANDLERS = [renew_a_certificate]
