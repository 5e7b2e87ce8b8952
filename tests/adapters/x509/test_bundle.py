"""What a person imports is taken only when its parts belong together."""

import itertools
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519

from adapters.x509.bundle import read_bundle
from adapters.x509.private_keys import MAX_KEY_CHARACTERS, PrivateKey, from_pkcs8, read_private_key, spki
from adapters.x509.reader import X509Reader
from application.ports import CertificateReader
from domain.errors import Code, Refused
from tests.adapters.x509.certificates import Made, cn, key_pem, make, make_ca, san

ROOT = make_ca("Root")
MIDDLE = make_ca("Middle", ROOT)
ISSUING = make_ca("Issuing", MIDDLE)
LEAF = make(cn("www.example.org"), [san("www.example.org")], by=ISSUING)


def chain_names(*issuers: Made, leaf: Made = LEAF) -> list[str]:
    bundle = read_bundle(leaf.pem, None, "".join(each.pem for each in issuers))
    return [issuer.facts.common_name for issuer in bundle.chain]


def refusal(pointer: str, *fields: str) -> str:
    with pytest.raises(Refused) as caught:
        read_bundle(*fields)
    assert (Code.VALIDATION_FAILED, pointer) == (caught.value.code, caught.value.pointer)
    assert caught.value.__context__ is None or pointer != "/private_key_pem"  # parsers' errors quote what they read
    return caught.value.detail


def test_a_certificate_alone_is_a_bundle() -> None:
    """Key and chain are optional, and blank text counts as nothing."""
    bundle = read_bundle(LEAF.pem, " \n", "")
    assert (LEAF.der, (), None) == (bundle.leaf.der, bundle.chain, bundle.private_key)


@pytest.mark.parametrize("order", list(itertools.permutations([ROOT, MIDDLE, ISSUING])))
def test_issuers_are_put_in_order(order: tuple[Made, ...]) -> None:
    """People paste chains in any order; servers need the leaf's issuer first."""
    assert chain_names(*order) == ["Issuing", "Middle", "Root"]


def test_the_leaf_and_repetitions_in_the_chain_are_dropped() -> None:
    """A full chain file works in the chain field, and so does one with the same issuer twice."""
    assert chain_names(LEAF, ISSUING, MIDDLE, ISSUING) == ["Issuing", "Middle"]


def test_a_full_chain_file_is_taken_as_both() -> None:
    """Leaf first, issuers after it, as web servers have it; more issuers may still come beside it."""
    bundle = read_bundle(LEAF.pem + ISSUING.pem + MIDDLE.pem, None, ROOT.pem)
    assert LEAF.der == bundle.leaf.der
    assert ["Issuing", "Middle", "Root"] == [issuer.facts.common_name for issuer in bundle.chain]
    assert "CN=Stranger" in refusal("/certificate_pem", LEAF.pem + make_ca("Stranger").pem)
    assert "at most 10" in refusal("/certificate_pem", LEAF.pem + ISSUING.pem * 11)


def test_a_cross_signed_issuer_goes_before_its_root() -> None:
    """Where a CA's key has two certificates, the path leads on through the cross-signed one."""
    old_root, key = make_ca("Old root"), ec.generate_private_key(ec.SECP256R1())
    cross = make_ca("New root", old_root, key)
    leaf = make(cn("x"), by=cross)
    assert chain_names(old_root, cross, leaf=leaf) == ["New root", "Old root"]
    assert chain_names(make_ca("New root", key=key), leaf=leaf) == ["New root"]


def test_an_unrelated_certificate_in_the_chain_is_refused() -> None:
    """It would be served to every client for nothing, and it is usually the wrong file."""
    detail = refusal("/chain_pem", LEAF.pem, "", ISSUING.pem + make_ca("Stranger").pem)
    assert "CN=Stranger" in detail


def test_an_issuer_by_name_alone_is_refused() -> None:
    """A CA of the same name with another key did not sign this certificate."""
    assert "CN=Issuing" in refusal("/chain_pem", LEAF.pem, "", make_ca("Issuing", MIDDLE).pem)


def test_a_leaf_does_not_pass_as_an_issuer() -> None:
    """A certificate without the CA flag signs nothing, even where its signature verifies."""
    below = make(cn("below"), by=LEAF)
    assert "CN=www.example.org" in refusal("/chain_pem", below.pem, "", LEAF.pem)


def test_a_missing_link_is_refused() -> None:
    """Root without the CA between: the root is no issuer of what was given."""
    assert "CN=Root" in refusal("/chain_pem", LEAF.pem, "", ISSUING.pem + ROOT.pem)


def test_a_chain_that_runs_in_circles_ends() -> None:
    """Ten certificates that all issue each other cost ten steps, and nothing is served twice."""
    key = ec.generate_private_key(ec.SECP256R1())
    circle = [make_ca("Circle", key=key) for _ in range(10)]
    detail = refusal("/chain_pem", make(cn("x"), by=circle[0]).pem, "", "".join(each.pem for each in circle))
    assert "CN=Circle" in detail


def test_too_long_a_chain_is_refused() -> None:
    """Eleven issuers are more than any real chain has."""
    assert "at most 10" in refusal("/chain_pem", LEAF.pem, "", "".join(make_ca(f"CA {n}").pem for n in range(11)))


def test_a_ca_certificate_is_refused_as_leaf() -> None:
    """Whoever pushes a CA certificate to a server pushes the wrong file, perhaps with the CA's key."""
    assert "CA certificate" in refusal("/certificate_pem", ISSUING.pem, ISSUING.key_pem)


def test_a_self_signed_certificate_is_taken_even_when_it_calls_itself_a_ca() -> None:
    """`openssl req -x509` marks every certificate as a CA; a server may serve it all the same."""
    assert "Root" == read_bundle(ROOT.pem, ROOT.key_pem).leaf.facts.common_name


@pytest.mark.parametrize(
    ("key", "form"),
    [
        (rsa.generate_private_key(65537, 2048), serialization.PrivateFormat.PKCS8),
        (rsa.generate_private_key(65537, 2048), serialization.PrivateFormat.TraditionalOpenSSL),
        (ec.generate_private_key(ec.SECP384R1()), serialization.PrivateFormat.TraditionalOpenSSL),
        (ed25519.Ed25519PrivateKey.generate(), serialization.PrivateFormat.PKCS8),
    ],
)
def test_the_private_key_becomes_pkcs8(key: PrivateKey, form: serialization.PrivateFormat) -> None:
    """PKCS#8, PKCS#1 and SEC 1 all end as the same PKCS#8 DER, whose public key is the certificate's."""
    bundle = read_bundle(make(cn("x"), key=key).pem, key_pem(key, form))
    assert bundle.private_key is not None
    assert spki(key) == spki(from_pkcs8(bundle.private_key))


def test_the_output_of_openssl_ecparam_is_read(tmp_path: Path) -> None:
    """`openssl ecparam -genkey` puts an EC PARAMETERS block before the key."""
    command = ["openssl", "ecparam", "-genkey", "-name", "prime256v1"]
    text = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    assert "EC PARAMETERS" in text
    assert isinstance(read_private_key(text), ec.EllipticCurvePrivateKey)


def test_the_key_of_another_certificate_is_refused() -> None:
    """Pushing a certificate with a foreign key takes the service down, so it does not even get in."""
    other = key_pem(ec.generate_private_key(ec.SECP256R1()))
    assert "does not belong" in refusal("/private_key_pem", LEAF.pem, other)
    assert "does not belong" in refusal("/private_key_pem", LEAF.pem, key_pem(rsa.generate_private_key(65537, 2048)))


def test_a_key_with_the_certificates_public_point_but_another_secret_is_refused() -> None:
    """The public half written inside a private key is not believed."""
    other = ec.generate_private_key(ec.SECP256R1())
    form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    der = other.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    forged = der.replace(other.public_key().public_bytes(*form), LEAF.key.public_key().public_bytes(*form))
    assert "cannot be read" in refusal("/private_key_pem", LEAF.pem, _pem(forged))


def _pem(der: bytes) -> str:
    command = ["openssl", "base64", "-e"]
    body = subprocess.run(command, input=der, capture_output=True, check=True).stdout.decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("part", ["p", "q", "d", "dmp1", "dmq1", "iqmp"])
def test_an_rsa_key_whose_numbers_do_not_fit_is_refused(part: str) -> None:
    """A key damaged in one number would load, install, and then fail every handshake."""
    key = rsa.generate_private_key(65537, 2048)
    whole, numbers = _pkcs1(key), key.private_numbers()
    value = getattr(numbers, part).to_bytes((getattr(numbers, part).bit_length() + 7) // 8, "big")
    assert whole.count(value) == 1
    damaged = whole.replace(value, value[:-1] + bytes([value[-1] ^ 2]))
    pem = _pem(damaged).replace("PRIVATE", "RSA PRIVATE")
    assert "cannot be read" in refusal("/private_key_pem", make(cn("x"), key=key).pem, pem)


def primes(bits: int) -> tuple[int, int]:
    numbers = rsa.generate_private_key(65537, 2 * bits).private_numbers()
    return numbers.p, numbers.q


def rsa_pem(p: int, q: int, e: int, d: int) -> str:
    """A key whose numbers all follow from these, right or wrong, written without any check."""
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return key_pem(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def test_an_rsa_key_that_only_looks_consistent_is_refused() -> None:
    """An exponent that is not the inverse, and a factor that is no prime: every number fits, no signature does."""
    (p, q), (a, b) = primes(1024), primes(512)
    inverse, wrong = pow(65537, -1, (p - 1) * (q - 1)), pow(65539, -1, (p - 1) * (q - 1))
    composite = pow(65537, -1, (a * b - 1) * (q - 1))
    assert isinstance(read_private_key(rsa_pem(p, q, 65537, inverse)), rsa.RSAPrivateKey)
    for pem in (rsa_pem(p, q, 65537, wrong), rsa_pem(a * b, q, 65537, composite)):
        assert "cannot be read" in refusal("/private_key_pem", LEAF.pem, pem)


def _pkcs1(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def test_an_encrypted_key_is_refused_in_both_forms() -> None:
    """There is no place for a pass phrase; the sentence says what to do."""
    secret = serialization.BestAvailableEncryption(b"pass phrase")
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        pem = LEAF.key.private_bytes(serialization.Encoding.PEM, form, secret).decode()
        assert "encrypted" in refusal("/private_key_pem", LEAF.pem, pem)


@pytest.mark.parametrize(
    ("says", "key"),
    [
        ("Exactly one private key", "not a key"),
        ("Exactly one private key", LEAF.key_pem + LEAF.key_pem),
        ("not a private key", LEAF.pem),
        ("too long", "x" * (MAX_KEY_CHARACTERS + 1)),
        ("not supported", x25519.X25519PrivateKey.generate()),
        ("not supported", dsa.generate_private_key(2048)),
        ("too large", _pem(bytes(5_001))),
        ("cannot be read", _pem(b"garbage")),
        ("Unicode", LEAF.key_pem + "\ud800"),
        ("not Base64", LEAF.key_pem.replace("M", "!")),
        ("NUL", LEAF.key_pem + "\0"),
    ],
)
def test_other_keys_are_refused(says: str, key: object) -> None:
    """What is no usable private key is refused with the reason."""
    pem = key if isinstance(key, str) else key_pem(key)  # type: ignore[arg-type]
    assert says in refusal("/private_key_pem", LEAF.pem, pem)


def test_no_byte_of_a_key_shows_in_a_representation() -> None:
    """A bundle may end in a log line or a traceback; the key in it does not."""
    bundle = read_bundle(LEAF.pem, LEAF.key_pem)
    assert bundle.private_key is not None
    assert (
        f"Bundle({bundle.leaf.facts.fingerprint_sha256}, chain of 0, with private key)" == repr(bundle) == str(bundle)
    )


def test_an_issuer_that_cannot_be_read_is_blamed_on_the_chain() -> None:
    """The pointer names the field that the person has to mend."""
    broken = ISSUING.pem.replace("MII", "MIJ")
    assert refusal("/chain_pem", LEAF.pem, "", broken)


def test_a_version_1_certificate_is_no_issuer() -> None:
    """Without basicConstraints nothing says that a certificate may sign others."""
    plain = make(x509.Name([]), [])
    assert "without a subject" in refusal("/chain_pem", make(cn("x"), by=plain).pem, "", plain.pem)


def test_the_reader_is_what_the_use_cases_ask_for() -> None:
    """The port's two questions are answered by the functions tested above."""
    reader: CertificateReader = X509Reader()
    assert LEAF.der == reader.bundle(LEAF.pem, LEAF.key_pem, ISSUING.pem).leaf.der == reader.certificate(LEAF.der).der
