"""What clients ask Local PKI without signing in: CA certificates, revocation lists (RFC 5280), OCSP (RFC 6960).

Everything here is signed by itself, so it is as good from a cache, and over plain http.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from api.problems import Problem
from api.security import public
from api.services import OcspAnswer, Services

CERTIFICATE = "application/pkix-cert"
CRL = "application/pkix-crl"
OCSP_REQUEST = "application/ocsp-request"
OCSP_RESPONSE = "application/ocsp-response"
FRESH_SECONDS = 300
"""A cache may be behind for so long."""
_OCSP = b"/pki/ocsp/"
CaFile = Annotated[
    str,
    PathParameter(
        description="The CA's subject key identifier (hex), which its certificates name as authority key id, and "
        "`.crt` or `.crl`."
    ),
]


@get("/pki/ca/{name:str}", opt=public(), media_type=CERTIFICATE, sync_to_thread=False)
def get_ca_certificate(services: NamedDependency[Services], name: CaFile) -> Response[bytes]:
    """The certificate of a CA of Local PKI (DER), as certificates name it (caIssuers)."""
    found = services.revocation_status.certificate(_ca_id(name, ".crt"))
    if found is None:
        raise _no_such_ca()
    return Response(found, media_type=CERTIFICATE, headers={"Cache-Control": "public, max-age=86400"})


@get("/pki/crl/{name:str}", opt=public(), media_type=CRL)
async def get_crl(
    request: Request[Any, Any, Any], services: NamedDependency[Services], name: CaFile
) -> Response[bytes]:
    """The full revocation list of a CA of Local PKI (DER): made when a certificate is revoked, and every day."""
    found = await services.revocation_status.crl(_ca_id(name, ".crl"))
    if found is None:
        raise _no_such_ca()
    tag = f'"{found.number}"'
    headers = _kept(found.this_update, found.next_update, services.now()) | {"ETag": tag}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(found.der, media_type=CRL, headers=headers)


@get("/pki/ocsp/{question:path}", opt=public(), media_type=OCSP_RESPONSE)
async def ask_ocsp(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    question: Annotated[str, PathParameter(description="The request in Base64 (RFC 6960, appendix A.1).")],  # noqa: ARG001 - taken from the raw path: a slash may be one of Base64's
) -> Response[bytes]:
    """Is a certificate of Local PKI revoked? The request is in the address."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    encoded = unquote_to_bytes(raw.partition(_OCSP)[2].partition(b"?")[0])
    try:
        asked = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        asked = b""
    return await _answered(services, asked)


@post("/pki/ocsp", opt=public(), media_type=OCSP_RESPONSE, status_code=200)
async def post_ocsp(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """Is a certificate of Local PKI revoked? The request is the body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != OCSP_REQUEST:
        raise Problem("unsupported-media-type", f"Send the request as {OCSP_REQUEST}.")
    return await _answered(services, await request.body())


async def _answered(services: Services, asked: bytes) -> Response[bytes]:
    """What this process has acknowledged counts: who revoked here is not told that it is good."""
    await services.acknowledged.shown(services.positions, 0, services.settings.read_wait)
    found = await services.revocation_status.ocsp(asked)
    return Response(found.der, media_type=OCSP_RESPONSE, headers=_headers(found, services.now()))


def _headers(found: OcspAnswer, now: datetime) -> Mapping[str, str]:
    if found.lasting is None:
        return {"Cache-Control": "no-store"}
    return _kept(found.lasting.this_update, found.lasting.next_update, now)


def _kept(this_update: datetime, next_update: datetime, now: datetime) -> dict[str, str]:
    """For caches (RFC 5019, 6.2): for a few minutes, and never beyond nextUpdate."""
    left = max(0, min(FRESH_SECONDS, int((next_update - now).total_seconds())))
    return {
        "Cache-Control": f"public, no-transform, must-revalidate, max-age={left}",
        "Last-Modified": format_datetime(this_update, usegmt=True),
    }


def _ca_id(name: str, suffix: str) -> str:
    if not name.endswith(suffix):
        raise _no_such_ca()
    return name.removesuffix(suffix)


def _no_such_ca() -> Problem:
    return Problem("not-found", "Local PKI has no CA with this key identifier.")


HANDLERS = [get_ca_certificate, get_crl, ask_ocsp, post_ocsp]
