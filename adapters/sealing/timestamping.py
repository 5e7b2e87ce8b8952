"""Time stamps for checkpoints (RFC 3161): somebody else's word on when a root existed.

The stamp covers the stored note's bytes: `openssl ts -verify -data checkpoint.txt -in checkpoint.tsr -CAfile ca.pem`.
"""

from hashlib import sha512
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from psycopg import Connection

from adapters.sealing.checkpoints import Sealed

_SECONDS = 20.0
_GRANTED = (0, 1)  # granted, grantedWithMods (RFC 3161, 2.4.2)


class NotStamped(RuntimeError):
    """The authority's answer is no valid stamp of what was asked for."""


class Stamping:
    """A time-stamping authority. With its CA's certificate in a file the stamps' signatures are checked as well."""

    def __init__(self, connection: Connection[Any], url: str, ca: Path | None = None) -> None:
        self._connection = connection
        self._url = url
        self._roots = x509.load_pem_x509_certificates(ca.read_bytes()) if ca else []

    def send(self, sealed: Sealed) -> None:
        """Get a stamp and keep the answer. Raises NotStamped, httpx.HTTPError, psycopg.Error."""
        answer = stamped(self._url, sealed.note.encode(), self._roots)
        self._connection.execute("SELECT ledger.stamp(%s, %s)", [sealed.number, answer])


def stamped(url: str, data: bytes, roots: list[x509.Certificate]) -> bytes:
    """A TimeStampResp (DER) over data. Raises NotStamped, httpx.HTTPError."""
    from rfc3161_client import TimestampRequestBuilder, VerificationError, VerifierBuilder, decode_timestamp_response

    request = TimestampRequestBuilder().data(data).build()
    headers = {"Content-Type": "application/timestamp-query"}
    reply = httpx.post(url, content=request.as_bytes(), headers=headers, timeout=_SECONDS).raise_for_status()
    try:
        answer = decode_timestamp_response(reply.content)
        said = answer.tst_info if answer.status in _GRANTED else None
    except ValueError:
        raise NotStamped(f"{url} did not answer with a stamp") from None
    if said is None or said.message_imprint.message != sha512(data).digest() or said.nonce != request.nonce:
        raise NotStamped(f"{url} did not stamp what it was asked to")
    if roots:
        try:
            VerifierBuilder(roots=roots, nonce=request.nonce).build().verify_message(answer, data)
        except VerificationError as error:
            raise NotStamped(f"the stamp of {url} is not valid: {error}") from None
    return reply.content
