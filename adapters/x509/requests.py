"""PKCS#10 requests (RFC 2986): what may be taken from one, and that is little."""

import msgspec
from cryptography import x509

from adapters.x509.algorithms import algorithm_name
from adapters.x509.names import alternative_names, common_name_of, is_plain
from adapters.x509.pem import as_text, invalid, read_blocks
from adapters.x509.private_keys import spki
from domain.errors import Refused

MAX_CSR_CHARACTERS = 64 * 1024
_ISSUABLE = frozenset({"ec-256", "ec-384", "ec-521", "ed25519", "ed448"})
_LABELS = ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")


class SigningRequest(msgspec.Struct, frozen=True):
    """A request whose signature proves that the sender holds the private key.

    `public_key`: SubjectPublicKeyInfo DER. Extensions that were asked for (CA, key usage, constraints) are not even
    read; whoever issues decides them. `names`: the DNS names and addresses asked for, as plain strings.
    """

    public_key: bytes
    algorithm: str
    common_name: str | None
    names: tuple[str, ...]


def read_request(data: bytes | str, *, pointer: str = "/csr_pem") -> SigningRequest:
    """Read one PEM request and check its signature. Raises Refused(validation-failed) for everything else."""
    blocks = read_blocks(as_text(data, MAX_CSR_CHARACTERS, pointer), pointer)
    if len(blocks) != 1 or blocks[0].label not in _LABELS:
        raise invalid("Exactly one certificate request is expected (-----BEGIN CERTIFICATE REQUEST-----).", pointer)
    try:
        found, signed = _read(blocks[0].body)
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 (the parser's kinds are many and change: each means unusable)
        raise invalid(
            f"This is not a certificate request that can be used ({type(error).__name__}).", pointer
        ) from None
    if not signed:
        raise invalid("The request's signature is wrong: nobody has shown to hold the private key.", pointer)
    if not all(map(is_plain, (found.common_name or "", *found.names))):
        raise invalid("A name in the request contains control characters.", pointer)
    check_issuable(found.algorithm, pointer)
    return found


def check_issuable(algorithm: str, pointer: str) -> None:
    """Refuse keys that no CA should certify today: RSA below 2048 bits (or above 8192), curves few programs know."""
    kind, _, size = algorithm.partition("-")
    if algorithm not in _ISSUABLE and not (kind == "rsa" and 2048 <= int(size) <= 8192):
        raise invalid(
            f"No certificate is issued for {algorithm} keys; use rsa-2048 or more, ec-256 or ed25519.", pointer
        )


def _read(der: bytes) -> tuple[SigningRequest, bool]:
    request = x509.load_der_x509_csr(der)
    key = request.public_key()
    return (
        SigningRequest(
            public_key=spki(key),
            algorithm=algorithm_name(key),
            common_name=common_name_of(request.subject) or None,
            names=alternative_names(request.extensions),
        ),
        request.is_signature_valid,
    )
