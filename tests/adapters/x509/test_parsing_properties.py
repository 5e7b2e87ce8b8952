"""Attackers' certificates: whatever the bytes are, the parser answers or refuses, and does nothing else."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from hypothesis import given
from hypothesis import strategies as st

from adapters.x509.bundle import Bundle, read_bundle
from adapters.x509.parsing import ParsedCertificate, parse_certificate
from domain.errors import Code, Refused
from tests.adapters.x509.certificates import cn, make, make_ca, san

pytestmark = pytest.mark.filterwarnings("error")

_CA = make_ca("CA")
_EXTENSIONS: list[x509.ExtensionType] = [
    san("a.test"),
    x509.BasicConstraints(ca=False, path_length=None),
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
    x509.SubjectKeyIdentifier(b"12345678901234567890"),
    x509.AuthorityKeyIdentifier(b"12345678901234567890", [x509.DirectoryName(cn("CA"))], 7),
    x509.NameConstraints([x509.DNSName("a.test")], None),
    x509.CRLDistributionPoints([x509.DistributionPoint([x509.DNSName("a.test")], None, None, None)]),
]
_SAMPLES = (
    make(cn("a.test"), _EXTENSIONS, by=_CA).der,
    make(cn("a.test"), _EXTENSIONS, key=rsa.generate_private_key(65537, 2048)).der,
    make(cn("a.test"), _EXTENSIONS, key=ed25519.Ed25519PrivateKey.generate()).der,
    make(x509.Name([]), [san("a.test")], key=ec.generate_private_key(ec.SECP384R1())).der,
)
_KNOWN = tuple(value for value in vars(ExtensionOID).values() if isinstance(value, x509.ObjectIdentifier))


def outcome(read: Callable[[], object]) -> object:
    try:
        return read()
    except Refused as refused:
        return refused


def answers_or_refuses(data: bytes | str) -> None:
    found = outcome(lambda: parse_certificate(data))
    if isinstance(found, Refused):
        assert (found.code, found.pointer) == (Code.VALIDATION_FAILED, "/certificate_pem")
    else:
        assert isinstance(found, ParsedCertificate)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real certificate with a few bytes replaced, inserted, dropped or repeated."""
    data = bytearray(draw(st.sampled_from(_SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        length = draw(st.integers(0, 8))
        data[at : at + length] = draw(st.binary(max_size=8) | st.just(bytes(data[at : at + length]) * 2))
    return bytes(data)


@given(st.binary(max_size=2_000) | st.text(max_size=2_000))
def test_arbitrary_input(data: bytes | str) -> None:
    """Random bytes and random text, lone surrogates among them, are refused."""
    answers_or_refuses(data)


@given(mutated())
def test_mutated_certificates(der: bytes) -> None:
    """A certificate that was tampered with anywhere is read or refused; nothing else happens."""
    answers_or_refuses(der)
    answers_or_refuses("-----BEGIN CERTIFICATE-----\n" + base64.b64encode(der).decode() + "\n-----END CERTIFICATE-----")


@given(st.sampled_from(_KNOWN), st.binary(max_size=64))
def test_garbage_inside_an_extension(oid: x509.ObjectIdentifier, value: bytes) -> None:
    """Extensions are parsed lazily by the library: garbage inside one shows here, not later."""
    answers_or_refuses(make(cn("a.test"), [x509.UnrecognizedExtension(oid, value)], by=_CA).der)


@given(st.lists(st.sampled_from(["-----BEGIN ", "-----END ", "CERTIFICATE", "-----", "\n", "MIIB", ":", " ", "\r"])))
def test_broken_pem(parts: list[str]) -> None:
    """Every arrangement of PEM's own pieces is refused or read."""
    answers_or_refuses("".join(parts))


@given(mutated(), st.binary(max_size=400), st.lists(mutated(), max_size=4))
def test_bundles_of_garbage(leaf: bytes, key: bytes, chain: list[bytes]) -> None:
    """An import of garbage in all three fields is refused, and the refusal quotes no byte of the key field."""

    def pem(label: str, der: bytes) -> str:
        return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n"

    fields: dict[str, Any] = {
        "certificate_pem": pem("CERTIFICATE", leaf),
        "private_key_pem": pem("PRIVATE KEY", key),
        "chain_pem": "".join(pem("CERTIFICATE", each) for each in chain),
    }
    found = outcome(lambda: read_bundle(**fields))
    assert isinstance(found, Bundle | Refused)
    if isinstance(found, Refused):
        assert Code.VALIDATION_FAILED is found.code
        assert len(key) < 6 or base64.b64encode(key).decode()[:8] not in found.detail
