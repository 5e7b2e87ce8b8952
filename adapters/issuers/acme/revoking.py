"""Telling an ACME CA that a certificate is revoked (RFC 8555, 7.6), signed by the account that ordered it."""

from acme import messages
from cryptography import x509

from adapters.issuers.acme.client import AcmeClient, ProblemOfCa
from adapters.x509.reasons import REASON_CODES
from application.issuing_ports import RevokedCertificate, TellByHand


async def tell_revoked(client: AcmeClient, revoked: RevokedCertificate) -> str:
    """A sentence of what the CA said. One that does not take the reason is told without it.

    Raises like Issuer.revoke.
    """
    if revoked.reason == "unspecified":
        return await _tell(client, revoked, 0)
    try:
        return await _tell(client, revoked, REASON_CODES[revoked.reason])
    except ProblemOfCa as refused:
        if refused.problem != "badRevocationReason":
            raise
    await _tell(client, revoked, 0)
    return f"The CA revoked it, but does not take the reason {revoked.reason}."


async def _tell(client: AcmeClient, revoked: RevokedCertificate, reason: int) -> str:
    try:
        url = str(client.directory["revokeCert"])
    except KeyError:
        raise TellByHand("This CA takes no revocations by ACME: tell it yourself.") from None
    wish = messages.Revocation(certificate=x509.load_der_x509_certificate(revoked.der), reason=reason)
    try:
        await client.post(url, wish)
    except ProblemOfCa as refused:
        if refused.problem != "alreadyRevoked":
            raise
        return "The CA had revoked it already."
    return "The CA revoked it."
