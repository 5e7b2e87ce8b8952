"""What a certificate says that was made just now, by whoever made it: what `adapters.x509.parsing` reads of it."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from cryptography import x509

from adapters.x509.building import Authority, Validity, digest_for, subject_key_id
from adapters.x509.names import common_name_of, plain_names
from adapters.x509.parsing import serial_hex
from domain.certificate_facts import CertificateFacts, Usage


def describe_leaf(
    leaf: x509.Certificate,
    der: bytes,
    key_id: x509.SubjectKeyIdentifier,
    algorithm: str,
    subject: x509.Name,
    names: Sequence[x509.GeneralName],
    usage: Usage,
    lasting: Validity,
    by: Authority,
) -> CertificateFacts:
    """An end entity's certificate (RFC 5280), of what `make_leaf` made it of."""
    alternative = plain_names(names)
    issuer, issuer_common_name, authority_key_id = _issuer(by.certificate)
    digest = digest_for(by.key)
    return CertificateFacts(
        subject=subject.rfc4514_string(),
        common_name=common_name_of(subject) or next(iter(alternative), ""),
        subject_alternative_names=alternative,
        issuer=issuer,
        issuer_common_name=issuer_common_name,
        serial_number=serial_hex(leaf.serial_number),
        fingerprint_sha256=sha256(der).hexdigest(),
        algorithm=algorithm,
        digest=digest.name if digest else "none",
        not_before=lasting.not_before,
        not_after=lasting.not_after,
        usage=usage,
        is_ca=False,
        subject_key_id=key_id.digest.hex(),
        authority_key_id=authority_key_id,
    )


@lru_cache(maxsize=16)
def _issuer(certificate: x509.Certificate) -> tuple[str, str, str]:
    key_id = subject_key_id(certificate).digest.hex()
    return certificate.subject.rfc4514_string(), common_name_of(certificate.subject), key_id
