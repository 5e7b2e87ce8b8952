"""Is a certificate to be renewed now? Each at an instant of its own, so that not all come at once."""

import base64
import datetime as dt
import hashlib

from cryptography import x509

from bridge.courier.config import Wanted
from bridge.courier.service import Service, Window


async def reason_to_order(service: Service, wanted: Wanted, leaf_pem: str | None, now: dt.datetime) -> str | None:
    """Why a certificate is to be ordered now; None: it is not."""
    if leaf_pem is None:
        return "no certificate is installed"
    leaf = x509.load_pem_x509_certificate(leaf_pem.encode())
    if _names(leaf) != {name.lower() for name in wanted.names}:
        return "other names are wanted"
    window = await _window(service, wanted, leaf)
    return "it is time to renew" if now >= instant_in(window, leaf) else None


def instant_in(window: Window, leaf: x509.Certificate) -> dt.datetime:
    """The instant of this certificate in the window: always the same one, different ones for different certificates."""
    part = int.from_bytes(hashlib.sha256(leaf.tbs_certificate_bytes).digest()[:4], "big") / 2**32
    return window.start + (window.end - window.start) * part


async def _window(service: Service, wanted: Wanted, leaf: x509.Certificate) -> Window:
    name = renewal_name(leaf)
    found = await service.renewal(name) if name is not None else None
    if found is not None:
        return found
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    start = leaf.not_valid_before_utc + lifetime * wanted.renew_after
    return Window(start, start + (leaf.not_valid_after_utc - start) / 4)


def renewal_name(leaf: x509.Certificate) -> str | None:
    """How a certificate is named in questions for its window (RFC 9773, 4.1); None where it names no issuer's key."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None
    serial = leaf.serial_number
    return f"{_b64(found)}.{_b64(serial.to_bytes(serial.bit_length() // 8 + 1, 'big'))}" if found else None


def _names(leaf: x509.Certificate) -> set[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value).lower() for name in names}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
