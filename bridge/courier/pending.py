"""An order under way: its key, its request, and how the service knows it. Kept before anybody else hears of it.

After a crash the very same order is gone on with: the request is sent again under the same Idempotency-Key.
"""

import ipaddress
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bridge import state
from bridge.courier.config import Wanted

_LONGEST_COMMON_NAME = 64
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """`wanted`: what was asked for; another wish is another order."""

    wanted: Wanted
    private_key_pem: str
    csr_pem: str
    idempotency_key: str
    order_id: UUID | None = None

    def __repr__(self) -> str:
        return f"Pending({self.order_id})"


def read_pending(directory: Path, name: str) -> Pending | None:
    """The order under way for a certificate, if there is one. StateRefused."""
    try:
        return msgspec.json.decode((directory / _file(name)).read_bytes(), type=Pending)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        # `from None`: an error about a key's text could quote it.
        raise state.StateRefused(f"{directory / _file(name)} cannot be read. Move it away to order anew.") from None


def save_pending(directory: Path, name: str, pending: Pending) -> Pending:
    """Keep it, durably, 0600."""
    state.save(directory, _file(name), msgspec.json.encode(pending).decode())
    return pending


def forget_pending(directory: Path, name: str) -> None:
    """It has come to its end."""
    (directory / _file(name)).unlink(missing_ok=True)
    state.sync_directory(directory)


def begin(wanted: Wanted) -> Pending:
    """A new key and its request."""
    key = _new_key(wanted.key_algorithm)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Pending(
        wanted=wanted, private_key_pem=private, csr_pem=_request(key, wanted), idempotency_key=f"courier-{uuid4()}"
    )


def _file(name: str) -> str:
    return f"{name}.pending.json"


def _new_key(algorithm: str) -> PrivateKey:
    kind, _, size = algorithm.partition("-")
    if kind == "rsa":
        return rsa.generate_private_key(65537, int(size))
    if kind == "ec":
        return ec.generate_private_key(ec.SECP384R1() if size == "384" else ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def _request(key: PrivateKey, wanted: Wanted) -> str:
    """Names only: everything else the issuer decides."""
    first = wanted.names[0]
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, first)] if len(first) <= _LONGEST_COMMON_NAME else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    alternative = x509.SubjectAlternativeName([_name(name) for name in wanted.names])
    builder = builder.add_extension(alternative, critical=False)
    unhashed = isinstance(key, ed25519.Ed25519PrivateKey)
    return builder.sign(key, None if unhashed else hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
