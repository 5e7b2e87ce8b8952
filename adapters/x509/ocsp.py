"""OCSP questions and answers (RFC 6960): what is asked, and signed answers by a delegated responder."""

from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from adapters.x509.building import Authority, digest_for
from adapters.x509.crl import Lasting
from adapters.x509.reasons import reason_flag

MAX_REQUEST_BYTES = 4096
MAX_NONCE_BYTES = 32  # RFC 8954, 2.1
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}


class CertId(NamedTuple):
    """Which certificate is asked about (RFC 6960, 4.1.1); `algorithm` hashed the issuer's name and key."""

    algorithm: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int


class Question(NamedTuple):
    """One question; the answer repeats its nonce, where it has one."""

    about: CertId
    nonce: bytes | None


class Status(NamedTuple):
    """What is known of the certificate: `known` False means unknown, `revoked_at` None good."""

    known: bool
    revoked_at: datetime | None = None
    reason: str | None = None


def read_question(request: bytes) -> Question | bytes:
    """The question, or the (unsigned) answer to what is none: malformed, or about several certificates at once."""
    if len(request) > MAX_REQUEST_BYTES:
        return unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    try:
        asked = ocsp.load_der_ocsp_request(request)
        about = CertId(asked.hash_algorithm.name, asked.issuer_name_hash, asked.issuer_key_hash, asked.serial_number)
        nonce = _nonce(asked.extensions)
    except NotImplementedError:
        return unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    except Exception:  # noqa: BLE001 (its kinds are many and change: each means that it cannot be read)
        return unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    if nonce is not None and not 1 <= len(nonce) <= MAX_NONCE_BYTES:
        return unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    return Question(about, nonce)


def names_of(issuer: x509.Certificate) -> frozenset[tuple[str, bytes, bytes]]:
    """How questions may name an issuer: (algorithm, hash of its name, hash of its key)."""
    found: set[tuple[str, bytes, bytes]] = set()
    for kind in _HASHES.values():
        digest = hashes.Hash(kind())
        digest.update(issuer.subject.public_bytes())
        asked = ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, kind()).build()
        found.add((asked.hash_algorithm.name, digest.finalize(), asked.issuer_key_hash))
    return frozenset(found)


def answer(question: Question, status: Status, by: Authority, lasting: Lasting) -> bytes:
    """A signed answer (DER)."""
    about = question.about
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        about.issuer_name_hash,
        about.issuer_key_hash,
        about.serial_number,
        _HASHES[about.algorithm](),
        _cert_status(status),
        lasting.this_update,
        lasting.next_update,
        status.revoked_at.replace(microsecond=0) if status.revoked_at else None,
        reason_flag(status.reason) if status.revoked_at else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).certificates([by.certificate])
    if question.nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(question.nonce), critical=False)
    return builder.sign(by.key, digest_for(by.key)).public_bytes(serialization.Encoding.DER)


def unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    """An answer that says why there is none; it is not signed (RFC 6960, 2.3)."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)


UNAUTHORIZED = unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)


def _nonce(extensions: x509.Extensions) -> bytes | None:
    try:
        return extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None


def _cert_status(status: Status) -> ocsp.OCSPCertStatus:
    if not status.known:
        return ocsp.OCSPCertStatus.UNKNOWN
    return ocsp.OCSPCertStatus.REVOKED if status.revoked_at else ocsp.OCSPCertStatus.GOOD
