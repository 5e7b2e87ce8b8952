"""Where a client begins: the directory, nonces, and when to renew (RFC 8555, 7.1.1 and 7.2; RFC 9773)."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.acme.addresses import addresses
from api.acme.answering import reply
from api.acme.bodies import written
from api.acme.encoding import NotEncoded, decoded
from api.acme.problems import malformed
from api.heads import IS_HEAD
from api.security import public
from api.services import Services
from application.acme_renewing import certificate_id_named
from application.house import load
from domain.certificate import CERTIFICATE
from domain.renewal_window import renewal_window

RENEWAL_SECONDS = 6 * 3600
"""How long a client waits before it asks for the window again (RFC 9773, 4.3)."""
_OPEN: dict[str, Any] = {"opt": public(), "include_in_schema": False}


@get("/directory", **_OPEN, sync_to_thread=False)
def get_directory(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """What there is."""
    at = addresses(request, services)
    body = {
        "newNonce": at.at("new-nonce"),
        "newAccount": at.at("new-account"),
        "newOrder": at.at("new-order"),
        "keyChange": at.at("key-change"),
        "revokeCert": at.at("revoke-cert"),
        "renewalInfo": at.at("renewal-info"),
        "meta": {"externalAccountRequired": True} | _identities(services.acme.caa_identities),
    }
    return reply(request, services, body)


def _identities(found: tuple[str, ...]) -> dict[str, list[str]]:
    return {"caaIdentities": list(found)} if found else {}


@get("/new-nonce", **_OPEN, sync_to_thread=False)
def new_nonce(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """A nonce, in its header: HEAD is answered with 200, GET with 204."""
    return reply(request, services, b"", status=200 if IS_HEAD in request.scope else 204)


@get("/renewal-info/{certificate:str}", **_OPEN)
async def renewal_info(
    request: Request[Any, Any, Any], services: NamedDependency[Services], certificate: FromPath[str]
) -> Response[bytes]:
    """When a certificate should be renewed. `certificate`: RFC 9773, 4.1."""
    certificate_id = await certificate_of(services, certificate)
    if certificate_id is None:
        raise malformed("No such certificate was issued here.", 404)
    start, end = renewal_window((await load(services.house, CERTIFICATE, certificate_id)).found)
    body = {"suggestedWindow": {"start": written(start), "end": written(end)}}
    return reply(request, services, body, headers={"Retry-After": str(RENEWAL_SECONDS)})


async def certificate_of(services: Services, text: str) -> UUID | None:
    """The id of the certificate that a text names (RFC 9773, 4.1). Raises AcmeProblem(malformed)."""
    return await certificate_id_named(services.house, services.acme.issued_by, *_identified(text))


def _identified(text: str) -> tuple[bytes, bytes]:
    """Key identifier of the issuer, and serial number as its DER's octets."""
    try:
        key_id, dot, serial = text.partition(".")
        if dot:
            return decoded(key_id), decoded(serial)
    except NotEncoded:
        pass
    raise malformed("A certificate is named by its authority key identifier and its serial number (RFC 9773, 4.1).")


HANDLERS = [get_directory, new_nonce, renewal_info]
