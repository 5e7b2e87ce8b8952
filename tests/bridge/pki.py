"""A certificate authority for tests: real certificates, made as RFC 5280 wants them."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
CA_KEY_USAGE = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip
USUAL = dt.timedelta(hours=1), dt.timedelta(days=30)
"""Since when, and until when, a certificate is valid."""
CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and the certificates above it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def fullchain_pem(self) -> str:
        return self.pem + "".join(each.public_bytes(Encoding.PEM).decode() for each in self.chain)

    @property
    def key_pem(self) -> str:
        return key_pem(self.key)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Paths of the chain and of the key."""
        chain, key = directory / f"{name}.pem", directory / f"{name}.key"
        chain.write_text(self.fullchain_pem)
        key.write_text(self.key_pem)
        return chain, key


def key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass(frozen=True)
class Authority:
    """A root that issues."""

    root: Issued

    @classmethod
    def create(cls, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, name, key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(CA_KEY_USAGE, critical=True)
        return cls(Issued(builder.sign(key, hashes.SHA256()), key))

    def server(self, name: str = "target.example") -> Issued:
        """A server certificate for a name, localhost and 127.0.0.1."""
        names: list[x509.GeneralName] = [x509.DNSName(name), x509.DNSName("localhost")]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        return self.issue(name, SERVER, x509.SubjectAlternativeName(names))

    def client(self, name: str = "bridge") -> Issued:
        return self.issue(name, CLIENT)

    def issue(self, name: str, *extensions: x509.ExtensionType) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        return Issued(self.sign(name, key.public_key(), *extensions), key, (self.root.certificate,))

    def sign(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        *extensions: x509.ExtensionType,
        lasting: tuple[dt.timedelta, dt.timedelta] = USUAL,
    ) -> x509.Certificate:
        builder = _builder(name, self._name, key, lasting)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root.key.public_key())
        builder = builder.add_extension(above, critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.root.key, hashes.SHA256())

    @property
    def _name(self) -> str:
        return str(self.root.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, lasting: tuple[dt.timedelta, dt.timedelta] = USUAL
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - lasting[0])
        .not_valid_after(now + lasting[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
