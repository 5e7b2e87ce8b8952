"""PKCS#12 bundles (RFC 7292) that people import: the certificate whose key is inside, its key, the other certificates.

The password opens the bundle and goes nowhere else.
"""

from collections.abc import Iterator

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from adapters.x509.pem import invalid
from application.pem import encode

POINTER, PASSWORD = "/pkcs12", "/password"
MAX_PKCS12_BYTES = 256 * 1024
MOST_ROUNDS = 1_000_000
"""Of deriving a key: a second of one processor. What needs more was made to keep a server busy."""
_SEQUENCE, _OCTETS, _INTEGER, _CONSTRUCTED = 0x30, 0x04, 0x02, 0x20
_DEEPEST = 24


class Opened:
    """What was inside, as PEM, as the other fields of an import have it."""

    def __init__(self, certificate_pem: str, private_key_pem: str | None, chain_pem: str | None) -> None:
        self.certificate_pem = certificate_pem
        self.private_key_pem = private_key_pem
        self.chain_pem = chain_pem

    def __repr__(self) -> str:
        return "Opened(...)"


def open_pkcs12(data: bytes, password: str) -> Opened:
    """Open a bundle. Raises Refused(validation-failed) at `/pkcs12` or `/password`, and nothing else."""
    if len(data) > MAX_PKCS12_BYTES:
        raise invalid(f"The PKCS#12 bundle is larger than {MAX_PKCS12_BYTES} bytes.", POINTER)
    if any(rounds > MOST_ROUNDS for rounds in _rounds(data)):
        raise invalid(f"The bundle derives its keys in more than {MOST_ROUNDS} rounds; make it anew.", POINTER)
    found = _load(data, password)
    if found is None:
        raise invalid("This is no PKCS#12 bundle, or the password does not open it.", PASSWORD)
    if found.cert is None:
        raise invalid("There is no certificate in the bundle that its private key belongs to.", POINTER)
    others = "".join(_pem(each) for each in found.additional_certs)
    return Opened(_pem(found.cert), _key_pem(found.key), others or None)


def _load(data: bytes, password: str) -> pkcs12.PKCS12KeyAndCertificates | None:
    """None for what cannot be opened: no exception of the parser's is passed on, it might quote what it read."""
    try:
        return pkcs12.load_pkcs12(data, password.encode() or None)
    except Exception:  # noqa: BLE001 (its kinds are many and change: each means unusable)
        return None


def _pem(found: pkcs12.PKCS12Certificate) -> str:
    return encode("CERTIFICATE", found.certificate.public_bytes(serialization.Encoding.DER))


def _key_pem(key: object) -> str | None:
    """What is no key of a supported kind is refused by whoever reads the PEM."""
    if key is None:
        return None
    try:
        der = key.private_bytes(  # type: ignore[attr-defined]
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    except Exception:  # noqa: BLE001 - as above
        raise invalid("The private key in the bundle is of no supported kind.", POINTER) from None
    return encode("PRIVATE KEY", der)


def _rounds(data: bytes, depth: int = 0) -> Iterator[int]:
    """Every count of rounds that stands open in the bundle: the INTEGER after a salt (RFC 8018, A.2 and A.3)."""
    before = None
    for tag, body in _elements(data):
        if tag == _INTEGER and before == _OCTETS and len(body) <= 8:
            yield int.from_bytes(body, "big")
        if depth < _DEEPEST and (tag & _CONSTRUCTED or (tag == _OCTETS and body[:1] == bytes([_SEQUENCE]))):
            yield from _rounds(body, depth + 1)
        before = tag


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of DER (X.690), as far as it is any."""
    at = 0
    while at + 2 <= len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            return
        yield tag, data[at : at + length]
        at += length
