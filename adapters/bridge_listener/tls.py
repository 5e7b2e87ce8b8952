"""The TLS rules of the bridge listener. Whatever is missing or wrong stops the start: it never fails open."""

import ssl
from pathlib import Path

from cryptography import x509


class CannotListen(Exception):
    """The bridge listener must not start, with the sentence that says why."""


def bridge_tls_context(server_cert: Path, server_key: Path, client_ca: Path) -> ssl.SSLContext:
    """TLS 1.2 or later; a client certificate is optional (enrolment has none yet) and verified when it is shown.

    `server_cert` is the chain, leaf first, and ends with the CA certificate that bridges pin. CannotListen.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # No resumption: every connection proves its key again.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    try:
        context.load_cert_chain(server_cert, server_key)
    except (OSError, ssl.SSLError) as error:
        raise CannotListen(f"The bridge listener's own certificate {server_cert} cannot be used: {error}.") from error
    _trust(context, client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _trust(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        authorities = x509.load_pem_x509_certificates(client_ca.read_bytes())
        for authority in authorities:
            _check_authority(authority, client_ca)
        context.load_verify_locations(cafile=client_ca)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise CannotListen(f"The Bridge CA {client_ca} cannot be used: {error}.") from error


def _check_authority(authority: x509.Certificate, client_ca: Path) -> None:
    try:
        is_authority = authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise CannotListen(f"The Bridge CA {client_ca} holds a certificate that is no CA certificate.")
