"""The dialog of Renew Certificate."""

from typing import Any, Literal, cast
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.asking import Command, Reading
from api.pages.answering import dialog, done
from api.pages.past import refuse_past
from api.problems import Problem
from api.security import requires
from application.renewing import RenewCertificate, renew_certificate
from domain.roles import Permission

RENEW = requires(Permission.RENEW, page=True, narrows=True)


@get("/certificates/{certificate_id:uuid}/renew", opt=RENEW, include_in_schema=False)
async def renewal_dialog(
    request: Request[Any, Any, Any], certificate_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[str]:
    """Renew Certificate: with which key?"""
    refuse_past(reading)
    found = await reading.views.inventory.get(certificate_id)
    if found is None:
        raise Problem("not-found", f"There is no certificate {certificate_id}.")
    return dialog(
        request,
        "renew.html",
        title="Renew Certificate",
        common_name=found.state.facts.common_name,
        back=f"/certificates/{certificate_id}",
    )


@post("/certificates/{certificate_id:uuid}/renew", opt=RENEW, include_in_schema=False)
async def renew(
    request: Request[Any, Any, Any], certificate_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[Any]:
    """Order the successor."""
    key = (await request.form()).get("key")
    if key not in ("new", "same"):
        raise Problem("validation-failed", "Choose a new key, or the same one.")
    wish = RenewCertificate(certificate_id=certificate_id, key=cast("Literal['new', 'same']", key))
    outcome = await renew_certificate(command.house, command.context, command.services.issuers, wish)
    command.acknowledged.note(outcome.position)
    return done(request, f"/certificates/{certificate_id}")


HANDLERS = [renewal_dialog, renew]
