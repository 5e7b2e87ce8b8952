"""DER or PEM to `ParsedCertificate`. Hostile input is the normal case: the only exception that leaves is `Refused`.

`cryptography` parses lazily and raises ValueError, TypeError, DuplicateExtension and others late, so everything that
is ever asked of a certificate is asked here, once. Nothing named inside a certificate (AIA, CRL, OCSP) is fetched.
"""

from hashlib import sha256

import msgspec
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from adapters.x509.algorithms import algorithm_name
from adapters.x509.names import alternative_names, common_name_of, is_plain
from adapters.x509.pem import as_text, invalid, read_blocks
from domain.certificate_facts import CertificateFacts, Usage
from domain.errors import Refused

MAX_DER_BYTES = 64 * 1024
MAX_PEM_CHARACTERS = 2 * MAX_DER_BYTES


class ParsedCertificate(msgspec.Struct, frozen=True):
    """A certificate that was read: what it says, and its exact bytes."""

    facts: CertificateFacts
    der: bytes


def parse_certificate(data: bytes | str, *, pointer: str = "/certificate_pem") -> ParsedCertificate:
    """Read exactly one certificate, DER bytes or PEM text.

    Raises Refused(validation-failed) with a sentence and `pointer` for anything else: no or several PEM blocks,
    malformed or trailing data, unknown keys, more than 64 KiB of DER, texts with control characters.
    """
    return parse_der(certificate_der(data, pointer), pointer=pointer)


def certificate_der(data: bytes | str, pointer: str) -> bytes:
    """The DER bytes of the one certificate in `data`, not yet parsed."""
    if isinstance(data, bytes) and data[:1] == b"\x30":
        return data
    ders = certificate_ders(data, pointer, MAX_PEM_CHARACTERS)
    if len(ders) != 1:
        raise invalid(
            f"Exactly one certificate is expected here, {len(ders)} were found. Issuers belong into the chain.", pointer
        )
    return ders[0]


def certificate_ders(data: bytes | str, pointer: str, limit: int) -> list[bytes]:
    """The DER bytes of every CERTIFICATE block of a PEM text; refuses a text without blocks or with other ones."""
    blocks = read_blocks(as_text(data, limit, pointer), pointer)
    if not blocks:
        raise invalid("No PEM block was found; expected -----BEGIN CERTIFICATE-----.", pointer)
    if any(block.label != "CERTIFICATE" for block in blocks):
        raise invalid("Only CERTIFICATE blocks belong here; private keys and requests have their own fields.", pointer)
    return [block.body for block in blocks]


def parse_der(der: bytes, *, pointer: str = "/certificate_pem") -> ParsedCertificate:
    """Read one DER certificate, all of it, now. Raises Refused."""
    if len(der) > MAX_DER_BYTES:
        raise invalid(f"The certificate is larger than {MAX_DER_BYTES} bytes.", pointer)
    try:
        certificate = x509.load_der_x509_certificate(der)
        facts = _facts(certificate, der)
        _check_texts(facts, pointer)
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 (its kinds are many and change: each means unusable)
        raise invalid(f"This is not an X.509 certificate that can be used ({type(error).__name__}).", pointer) from None
    return ParsedCertificate(facts, der)


def _facts(certificate: x509.Certificate, der: bytes) -> CertificateFacts:
    extensions = certificate.extensions
    names = alternative_names(extensions)
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        common_name=common_name_of(certificate.subject) or next(iter(names), ""),
        subject_alternative_names=names,
        issuer=certificate.issuer.rfc4514_string(),
        issuer_common_name=common_name_of(certificate.issuer),
        serial_number=serial_hex(certificate.serial_number),
        fingerprint_sha256=sha256(der).hexdigest(),
        algorithm=algorithm_name(certificate.public_key()),
        digest=_digest(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        usage=_usage(extensions),
        is_ca=_is_ca(extensions),
        subject_key_id=_subject_key_id(extensions),
        authority_key_id=_authority_key_id(extensions),
    )


def serial_hex(serial_number: int) -> str:
    """Lower-case hex, two digits per byte. Raises ValueError for a negative number (RFC 5280, 4.1.2.2)."""
    if serial_number < 0:
        raise ValueError("the serial number is negative")
    digits = f"{serial_number:x}"
    return digits.zfill(len(digits) + len(digits) % 2)


def _digest(certificate: x509.Certificate) -> str:
    algorithm = certificate.signature_hash_algorithm
    return algorithm.name if algorithm else "none"


def _usage(extensions: x509.Extensions) -> Usage:
    try:
        allowed = set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return Usage.BOTH
    any_usage = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in allowed
    server = any_usage or ExtendedKeyUsageOID.SERVER_AUTH in allowed
    client = any_usage or ExtendedKeyUsageOID.CLIENT_AUTH in allowed
    if server and client:
        return Usage.BOTH
    return Usage.SERVER if server else Usage.CLIENT if client else Usage.OTHER


def _is_ca(extensions: x509.Extensions) -> bool:
    try:
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _subject_key_id(extensions: x509.Extensions) -> str | None:
    try:
        return extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    except x509.ExtensionNotFound:
        return None


def _authority_key_id(extensions: x509.Extensions) -> str | None:
    try:
        found = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None
    return found.hex() if found else None


def _check_texts(facts: CertificateFacts, pointer: str) -> None:
    texts = (facts.subject, facts.common_name, facts.issuer, facts.issuer_common_name)
    if not all(map(is_plain, texts)) or not all(map(is_plain, facts.subject_alternative_names)):
        raise invalid("A name in the certificate contains control characters.", pointer)
