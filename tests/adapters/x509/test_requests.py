"""Of a certificate request the key and the plain names are read, everything else is refused or ignored."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from adapters.x509.private_keys import PrivateKey, spki
from adapters.x509.requests import SigningRequest, read_request
from application.issuer_ports import RequestReader
from domain.errors import Code, Refused
from tests.adapters.x509.certificates import cn, ip_san
from tests.adapters.x509.test_parsing_properties import outcome

pytestmark = pytest.mark.filterwarnings("error")

NAMES = x509.SubjectAlternativeName([x509.DNSName("b.test"), ip_san("192.0.2.1"), x509.DirectoryName(cn("x"))])


def request(key: PrivateKey, *extensions: x509.ExtensionType, subject: x509.Name | None = None) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(cn("a.test") if subject is None else subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.DER)


def pem(der: bytes, label: str = "CERTIFICATE REQUEST") -> str:
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n"


EC_KEY = ec.generate_private_key(ec.SECP256R1())
SAMPLE = request(EC_KEY, NAMES, x509.BasicConstraints(ca=True, path_length=0))


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("rsa-2048", rsa.generate_private_key(65537, 2048)),
        ("ec-256", EC_KEY),
        ("ed25519", ed25519.Ed25519PrivateKey.generate()),
    ],
)
def test_key_and_plain_names_are_read(algorithm: str, key: PrivateKey) -> None:
    """The key, its kind, the CN, and the DNS names and addresses that were asked for."""
    reader: RequestReader = read_request
    found = reader(pem(request(key, NAMES)))
    assert found == SigningRequest(spki(key), algorithm, "a.test", ("b.test", "192.0.2.1"))


def test_a_request_may_name_nothing() -> None:
    """No subject and no extension: the order has to say the names. Microsoft's label is understood as well."""
    found = read_request(pem(request(EC_KEY, subject=x509.Name([])), "NEW CERTIFICATE REQUEST"))
    assert (found.common_name, found.names) == (None, ())


@pytest.mark.parametrize(
    ("says", "der"),
    [
        ("rsa-1024", request(rsa.generate_private_key(65537, 1024))),
        ("ec-secp256k1", request(ec.generate_private_key(ec.SECP256K1()))),
        ("not a certificate request", request(dsa.generate_private_key(2048))),  # type: ignore[arg-type]
        ("not a certificate request", SAMPLE + b"\0"),
        ("control characters", request(EC_KEY, subject=cn("a\r\nb"))),
        ("signature is wrong", SAMPLE[:-1] + bytes([SAMPLE[-1] ^ 1])),
    ],
)
def test_other_requests_are_refused(says: str, der: bytes) -> None:
    """Weak and unknown keys, trailing bytes, control characters, signatures that prove nothing."""
    with pytest.raises(Refused, match=says) as caught:
        read_request(pem(der))
    assert caught.value.pointer == "/csr_pem"


@given(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=8), st.integers(0, 8))
def test_mutated_requests(at: int, data: bytes, length: int) -> None:
    """A request that was tampered with anywhere is refused, unless nothing was changed."""
    changed = SAMPLE[:at] + data + SAMPLE[at + length :]
    found = outcome(lambda: read_request(pem(changed)))
    if isinstance(found, Refused):
        assert (found.code, found.pointer) == (Code.VALIDATION_FAILED, "/csr_pem")
    else:
        assert isinstance(found, SigningRequest)
        assert changed == SAMPLE


@given(st.binary(max_size=500) | st.text(max_size=500))
def test_arbitrary_input_is_refused(data: bytes | str) -> None:
    """Random bytes and text are no request."""
    assert isinstance(outcome(lambda: read_request(data)), Refused)
