"""What a person imports: a certificate, perhaps its private key, perhaps its issuers in any order."""

from collections.abc import Sequence

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from adapters.x509.parsing import MAX_PEM_CHARACTERS, ParsedCertificate, certificate_ders, parse_certificate, parse_der
from adapters.x509.pem import invalid
from adapters.x509.private_keys import read_private_key, spki, to_pkcs8

MAX_CHAIN = 10
MAX_CHAIN_CHARACTERS = 4 * MAX_PEM_CHARACTERS


class Bundle(msgspec.Struct, frozen=True):
    """A certificate ready for the inventory.

    `chain`: the issuers, the leaf's own issuer first; may end before the root. `private_key`: PKCS#8 DER or None; it
    never shows in `repr`.
    """

    leaf: ParsedCertificate
    chain: tuple[ParsedCertificate, ...]
    private_key: bytes | None

    def __repr__(self) -> str:
        kept = "with" if self.private_key else "without"
        return f"Bundle({self.leaf.facts.fingerprint_sha256}, chain of {len(self.chain)}, {kept} private key)"


def read_bundle(
    certificate_pem: bytes | str, private_key_pem: bytes | str | None = None, chain_pem: bytes | str | None = None
) -> Bundle:
    """Read and check what belongs together.

    Raises Refused(validation-failed) with pointer `/certificate_pem`, `/private_key_pem` or `/chain_pem`: unreadable
    parts, a CA certificate as the leaf, a key of another certificate, an encrypted or unsupported key, certificates in
    the chain that are no issuers of this leaf. An empty or blank key or chain counts as not given. A file of the leaf
    followed by its issuers (what web servers call a full chain; RFC 8446, 4.4.2) is taken as both.
    """
    leaf, following = _certificate_file(certificate_pem)
    # `openssl req -x509` marks every self-signed certificate as a CA, and many servers serve just such a one.
    if leaf.facts.is_ca and not is_issued_by(leaf, leaf):
        raise invalid("This is a CA certificate; import the server's or client's own certificate.", "/certificate_pem")
    issuers = [*following, *(_issuers(chain_pem) if _given(chain_pem) else ())]
    chain = order_chain(leaf, issuers, "/chain_pem" if _given(chain_pem) else "/certificate_pem")
    return Bundle(leaf, chain, _checked_key(leaf, private_key_pem) if _given(private_key_pem) else None)


def order_chain(
    leaf: ParsedCertificate, issuers: Sequence[ParsedCertificate], pointer: str = "/chain_pem"
) -> tuple[ParsedCertificate, ...]:
    """The issuers from the leaf's own upwards, by name and signature; the leaf itself and repetitions are dropped.

    Raises Refused when a certificate is left over: it would be served to clients that have no use for it.
    """
    pool = {found.der: found for found in issuers if found.der != leaf.der}
    path = _path(leaf, tuple(pool.values()))
    unrelated = [found for found in pool.values() if found not in path]
    if unrelated:
        name = unrelated[0].facts.subject[:200] or "a certificate without a subject"
        raise invalid(f"The chain contains {name}, which is no issuer in the chain of this certificate.", pointer)
    return path


def is_issued_by(certificate: ParsedCertificate, issuer: ParsedCertificate) -> bool:
    """Is `issuer` a CA of the right name whose key made the signature?"""
    if not issuer.facts.is_ca or certificate.facts.issuer != issuer.facts.subject:
        return False
    try:
        loaded = x509.load_der_x509_certificate(certificate.der)
        loaded.verify_directly_issued_by(x509.load_der_x509_certificate(issuer.der))
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _path(leaf: ParsedCertificate, pool: Sequence[ParsedCertificate]) -> tuple[ParsedCertificate, ...]:
    """Upwards one issuer at a time, never back: at most n steps of n signature checks, whatever was sent."""
    path: list[ParsedCertificate] = []
    rest = list(pool)
    current = leaf
    while rest and not is_issued_by(current, current):
        issuers = [found for found in rest if is_issued_by(current, found)]
        if not issuers:
            break
        current = min(issuers, key=lambda found: is_issued_by(found, found))  # a cross-signed CA before its root
        rest.remove(current)
        path.append(current)
    return tuple(path)


def _certificate_file(data: bytes | str) -> tuple[ParsedCertificate, list[ParsedCertificate]]:
    """The first certificate, and those after it."""
    if isinstance(data, bytes) and data[:1] == b"\x30":
        return parse_certificate(data), []
    first, *following = certificate_ders(data, "/certificate_pem", MAX_PEM_CHARACTERS)
    if len(following) > MAX_CHAIN:
        raise invalid(
            f"{len(following)} certificates follow the first; at most {MAX_CHAIN} are read.", "/certificate_pem"
        )
    return parse_der(first), [parse_der(der) for der in following]


def _issuers(chain_pem: bytes | str | None) -> list[ParsedCertificate]:
    ders = certificate_ders(chain_pem or "", "/chain_pem", MAX_CHAIN_CHARACTERS)
    if len(ders) > MAX_CHAIN:
        raise invalid(f"The chain has {len(ders)} certificates; at most {MAX_CHAIN} are read.", "/chain_pem")
    return [parse_der(der, pointer="/chain_pem") for der in ders]


def _given(text: bytes | str | None) -> bool:
    return bool(text and text.strip())


def _checked_key(leaf: ParsedCertificate, private_key_pem: bytes | str | None) -> bytes:
    key = read_private_key(private_key_pem or "")
    if spki(key) != spki(x509.load_der_x509_certificate(leaf.der).public_key()):
        raise invalid("The private key does not belong to this certificate.", "/private_key_pem")
    return to_pkcs8(key)
