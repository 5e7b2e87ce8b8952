"""Making certificates as RFC 5280 wants them: everything in them is decided here, nothing is copied from a request."""

import functools
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from adapters.x509.private_keys import PrivateKey, PublicKey
from domain.certificate_facts import Usage
from domain.errors import Code, Refused

MAX_COMMON_NAME = 64  # ub-common-name, RFC 5280, appendix A.1
_EXTENDED = {
    Usage.SERVER: [ExtendedKeyUsageOID.SERVER_AUTH],
    Usage.CLIENT: [ExtendedKeyUsageOID.CLIENT_AUTH],
    Usage.BOTH: [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
}


class Authority(msgspec.Struct, frozen=True):
    """A CA that can sign: its certificate and its key."""

    certificate: x509.Certificate
    key: PrivateKey

    def __repr__(self) -> str:
        return f"Authority({self.certificate.subject.rfc4514_string()})"


class StatusPlaces(msgspec.Struct, frozen=True):
    """Where clients ask whether a certificate is revoked, and find its issuer (RFC 5280, 4.2.1.13 and 4.2.2.1)."""

    crl: str
    ocsp: str
    issuer: str


class Validity(msgspec.Struct, frozen=True):
    """From the first second to the last, both included."""

    not_before: datetime
    not_after: datetime


def validity(now: datetime, length: timedelta, issuer: x509.Certificate | None = None) -> Validity:
    """A validity that starts now and counts as the CA/Browser Forum does (Baseline Requirements, 6.3.2).

    Both ends belong to it, so N days end one second before now + N days. It never reaches beyond the issuer's own end;
    raises Refused when the issuer is not valid now.
    """
    start = now.replace(microsecond=0)
    end = start + length - timedelta(seconds=1)
    if issuer is None:
        return Validity(start, end)
    if not issuer.not_valid_before_utc <= start <= issuer.not_valid_after_utc:
        raise Refused(
            Code.CERTIFICATE_NOT_ACTIVE, f"The CA {issuer.subject.rfc4514_string()} is not valid at this time."
        )
    return Validity(start, min(end, issuer.not_valid_after_utc))


def make_root(name: x509.Name, key: PrivateKey, lasting: Validity, *, path_length: int) -> Authority:
    """A self-signed CA."""
    builder = _ca_builder(name, key.public_key(), lasting, path_length).issuer_name(name)
    builder = builder.add_extension(_authority_key_id(key.public_key()), critical=False)
    return Authority(_sign(builder, key), key)


def make_intermediate(name: x509.Name, key: PrivateKey, lasting: Validity, by: Authority) -> Authority:
    """A CA below another one; below it there are end entities only."""
    builder = _ca_builder(name, key.public_key(), lasting, path_length=0)
    return Authority(_issue(builder, by), key)


def make_leaf(
    subject: x509.Name,
    public_key: PublicKey,
    names: Sequence[x509.GeneralName],
    usage: Usage,
    lasting: Validity,
    by: Authority,
    status: StatusPlaces | None = None,
    key_id: x509.SubjectKeyIdentifier | None = None,
) -> x509.Certificate:
    """An end entity's certificate; `status`: where clients may ask whether it is revoked. `key_id`: of the public key,
    for whoever knows it already.
    """
    key_id = key_id or x509.SubjectKeyIdentifier.from_public_key(public_key)
    common = _leaf_of(by.certificate, usage, isinstance(public_key, rsa.RSAPublicKey), status)
    builder = _named(common, subject, lasting).public_key(public_key).add_extension(key_id, critical=False)
    if names:
        critical = not list(subject)  # RFC 5280, 4.1.2.6
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=critical)
    return _sign(builder, by.key)


@functools.lru_cache(maxsize=64)
def _leaf_of(
    issuer: x509.Certificate, usage: Usage, enciphers: bool, status: StatusPlaces | None
) -> x509.CertificateBuilder:
    """What all leaves of one kind have in common; encoded once: walking through the objects takes longer than signing.

    RSA keys may encipher session keys of old TLS versions; the others only sign (RFC 5480, 3; RFC 8410, 5).
    """
    uses = ("digital_signature", "key_encipherment") if enciphers else ("digital_signature",)
    common: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(*uses), True),
        (x509.ExtendedKeyUsage(_EXTENDED[usage]), False),
        *((each, False) for each in (_telling(status) if status is not None else ())),
        (_key_id_of(issuer), False),
    ]
    builder = x509.CertificateBuilder().issuer_name(issuer.subject)
    for extension, critical in common:
        encoded = x509.UnrecognizedExtension(extension.oid, extension.public_bytes())
        builder = builder.add_extension(encoded, critical=critical)
    return builder


def make_ocsp_responder(name: x509.Name, key: PrivateKey, lasting: Validity, by: Authority) -> Authority:
    """Who signs OCSP answers in the CA's name (RFC 6960, 4.2.2.2), and is not asked about itself (4.2.2.2.1)."""
    builder = (
        _builder(name, key.public_key(), lasting)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .add_extension(x509.OCSPNoCheck(), critical=False)
    )
    return Authority(_issue(builder, by), key)


def _telling(status: StatusPlaces) -> tuple[x509.ExtensionType, ...]:
    point = x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(status.crl)], relative_name=None, reasons=None, crl_issuer=None
    )
    access = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(status.ocsp)),
        x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(status.issuer)),
    ]
    return x509.AuthorityInformationAccess(access), x509.CRLDistributionPoints([point])


def _builder(subject: x509.Name, public_key: PublicKey, lasting: Validity) -> x509.CertificateBuilder:
    return _with_key(_named(x509.CertificateBuilder(), subject, lasting), public_key)


def _named(builder: x509.CertificateBuilder, subject: x509.Name, lasting: Validity) -> x509.CertificateBuilder:
    return (
        builder.serial_number(1 << 127 | secrets.randbits(127))
        .subject_name(subject)
        .not_valid_before(lasting.not_before)
        .not_valid_after(lasting.not_after)
    )


def _with_key(builder: x509.CertificateBuilder, public_key: PublicKey) -> x509.CertificateBuilder:
    key_id = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return builder.public_key(public_key).add_extension(key_id, critical=False)


def _ca_builder(name: x509.Name, public_key: PublicKey, lasting: Validity, path_length: int) -> x509.CertificateBuilder:
    return (
        _builder(name, public_key, lasting)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
    )


def _issue(builder: x509.CertificateBuilder, by: Authority) -> x509.Certificate:
    builder = builder.issuer_name(by.certificate.subject).add_extension(_key_id_of(by.certificate), critical=False)
    return _sign(builder, by.key)


def subject_key_id(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier:
    """What tells the key of a CA made here (RFC 5280, 4.2.1.2)."""
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value


def _key_id_of(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_key_id(issuer))


def _authority_key_id(public_key: PublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key)


def _key_usage(*allowed: str) -> x509.KeyUsage:
    bits = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in allowed for bit in bits})


def _sign(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.Certificate:
    return builder.sign(key, digest_for(key))


def digest_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | None:
    """The hash that goes with a signing key; None for those that have none apart."""
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return None
    large = isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 256
    return hashes.SHA384() if large else hashes.SHA256()
