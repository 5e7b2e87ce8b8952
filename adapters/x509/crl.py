"""Full certificate revocation lists (RFC 5280, 5), signed by the CA that issued the certificates."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from adapters.x509.building import Authority, digest_for
from adapters.x509.reasons import reason_flag


class RevokedSerial(NamedTuple):
    """One entry."""

    serial_number: int
    revoked_at: datetime
    reason: str | None


class Lasting(NamedTuple):
    """thisUpdate and nextUpdate, whole seconds."""

    this_update: datetime
    next_update: datetime


class PublishedCrl(NamedTuple):
    """A list as it is published."""

    number: int
    this_update: datetime
    next_update: datetime
    der: bytes


def make_crl(by: Authority, number: int, entries: Iterable[RevokedSerial], lasting: Lasting) -> bytes:
    """A full CRL (DER). `number` has to rise from one to the next (RFC 5280, 5.2.3)."""
    key_id = by.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    # All entries at once: adding them one by one copies the list for each.
    builder = x509.CertificateRevocationListBuilder(revoked_certificates=[_entry(each) for each in entries])
    builder = (
        builder.issuer_name(by.certificate.subject)
        .last_update(lasting.this_update)
        .next_update(lasting.next_update)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    return builder.sign(by.key, digest_for(by.key)).public_bytes(serialization.Encoding.DER)


def lists(der: bytes, serial_number: int) -> bool:
    """Is it on this list?"""
    return x509.load_der_x509_crl(der).get_revoked_certificate_by_serial_number(serial_number) is not None


def _entry(revoked: RevokedSerial) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(revoked.serial_number)
        .revocation_date(revoked.revoked_at.replace(microsecond=0))
    )
    flag = reason_flag(revoked.reason)
    if flag is not None:
        builder = builder.add_extension(x509.CRLReason(flag), critical=False)
    return builder.build()
