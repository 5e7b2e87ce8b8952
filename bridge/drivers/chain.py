"""The order of a chain: each certificate issued by the one after it (RFC 8446, 4.4.2), for stores that do not look."""

import itertools

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from bridge.drivers.failure import DriverFailure
from bridge.drivers.pair import Pair
from bridge.protocol import FailureCause


def check_chain(pair: Pair) -> None:
    """DriverFailure where a certificate was not issued, or not signed, by the next one."""
    chain = x509.load_pem_x509_certificates(pair.fullchain)
    for number, (below, above) in enumerate(itertools.pairwise(chain), start=1):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature) as error:
            message = f"Certificate {number + 1} of the chain did not issue certificate {number}"
            why = f": {error}" if str(error) else ""
            raise DriverFailure(FailureCause.INVALID_CERTIFICATE_OR_KEY, f"{message}{why}.") from error


def split(fullchain: bytes) -> tuple[bytes, bytes]:
    """(leaf, the certificates above it) as PEM; the second is empty where there are none."""
    end = b"-----END CERTIFICATE-----\n"
    leaf, found, above = fullchain.partition(end)
    return leaf + found, above


def normalised(pem: bytes) -> bytes:
    """The same certificates, written as we write them; stores are free with line breaks. Empty where there are none."""
    try:
        chain = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return b""
    return b"".join(each.public_bytes(Encoding.PEM) for each in chain)
