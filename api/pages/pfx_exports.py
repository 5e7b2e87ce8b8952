"""Download PFX on a certificate's page: the password in a dialog, then the file (manual, "PFX / PKCS#12 Format")."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.asking import SECRET_ANSWER, Command
from api.attachments import PKCS12, pfx_file
from api.pages.answering import dialog
from api.security import requires
from application.pfx_exporting import download_export, prepare_export
from domain.roles import Permission

_MAY = requires(Permission.EXPORT_PFX, page=True, narrows=True) | SECRET_ANSWER


@post("/certificates/{certificate_id:uuid}/pfx", opt=_MAY, include_in_schema=False, status_code=200)
async def password_dialog(
    request: Request[Any, Any, Any], certificate_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[str]:
    """The password, and the button that downloads."""
    done = await prepare_export(command.house, command.context, certificate_id)
    command.acknowledged.note(done.position)
    page, prepared = f"/certificates/{certificate_id}", done.result
    return dialog(
        request,
        "pfx.html",
        title="Download PFX",
        password=prepared.password,
        expires_at=prepared.expires_at,
        action=f"{page}/pfx/{prepared.export.id}",
        back=page,
    )


@post(
    "/certificates/{certificate_id:uuid}/pfx/{export_id:uuid}",
    opt=_MAY,
    include_in_schema=False,
    status_code=200,
    media_type=PKCS12,
)
async def pfx(
    request: Request[Any, Any, Any],
    certificate_id: FromPath[UUID],
    export_id: FromPath[UUID],
    command: NamedDependency[Command],
) -> Response[bytes]:
    """The file, once."""
    password = str((await request.form()).get("password") or "")
    make = command.services.make_pfx
    done = await download_export(command.house, command.context, make, certificate_id, export_id, password)
    return await pfx_file(command, done)
