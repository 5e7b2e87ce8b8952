"""Certificates with their private keys as PFX: a one-time password, then one download."""

from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.asking import SECRET_ANSWER, Command
from api.attachments import PKCS12, pfx_file
from api.schemas.certificates import PfxDownloadBody, PfxExportBody
from api.security import requires
from application.pfx_exporting import download_export, prepare_export
from domain.roles import Permission


@post(
    "/certificates/{certificate_id:uuid}/pfx-exports", opt=requires(Permission.EXPORT_PFX, narrows=True) | SECRET_ANSWER
)
async def prepare_pfx(certificate_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[PfxExportBody]:
    """Prepare a PFX file with certificate, issuers and private key. Its password is shown once and not stored.

    Only certificates of Local PKI whose key was made here have one. The export can be downloaded once, by whoever made
    it, within ten minutes.
    """
    done = await prepare_export(command.house, command.context, certificate_id)
    prepared = done.result
    body = PfxExportBody(id=prepared.export.id, password=prepared.password, expires_at=prepared.expires_at)
    return await command.answer(
        done,
        body,
        status=201,
        version=prepared.export.version,
        location=f"/api/v1/certificates/{certificate_id}/pfx-exports/{prepared.export.id}/download",
        secret=True,
    )


@post(
    "/certificates/{certificate_id:uuid}/pfx-exports/{export_id:uuid}/download",
    opt=requires(Permission.EXPORT_PFX, narrows=True) | SECRET_ANSWER,
    status_code=200,
    media_type=PKCS12,
)
async def download_pfx(
    certificate_id: FromPath[UUID],
    export_id: FromPath[UUID],
    data: JSONBody[PfxDownloadBody],
    command: NamedDependency[Command],
) -> Response[bytes]:
    """The PFX file, once. That it was downloaded is recorded before the first byte leaves."""
    done = await download_export(
        command.house, command.context, command.services.make_pfx, certificate_id, export_id, data.password
    )
    return await pfx_file(command, done)


HANDLERS = [prepare_pfx, download_pfx]
