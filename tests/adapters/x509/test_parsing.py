"""A certificate is read exactly as other programs read it."""

import re
import subprocess
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from adapters.x509.parsing import parse_certificate
from adapters.x509.private_keys import PrivateKey
from domain.certificate_facts import Usage
from domain.errors import Code, Refused
from tests.adapters.x509.certificates import Made, cn, ip_san, make, make_ca, name, san

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def openssl(made: Made, *options: str) -> str:
    done = subprocess.run(
        ["openssl", "x509", "-noout", *options], input=made.pem, text=True, capture_output=True, check=True
    )
    return done.stdout.strip()


def refusal(data: bytes | str) -> Refused:
    with pytest.raises(Refused) as caught:
        parse_certificate(data)
    assert (caught.value.code, caught.value.pointer) == (Code.VALIDATION_FAILED, "/certificate_pem")
    return caught.value


def test_serial_number_fingerprint_and_dates_are_those_of_openssl() -> None:
    """What an auditor reads with `openssl x509` is what the inventory says."""
    made = make(cn("www.example.org"), serial_number=0x0A0B0C)
    facts = parse_certificate(made.pem).facts
    assert openssl(made, "-serial").removeprefix("serial=").lower() == facts.serial_number == "0a0b0c"
    fingerprint = openssl(made, "-fingerprint", "-sha256").partition("=")[2].replace(":", "").lower()
    assert fingerprint == facts.fingerprint_sha256
    end = openssl(made, "-enddate", "-dateopt", "iso_8601").removeprefix("notAfter=")
    assert datetime.fromisoformat(end) == facts.not_after
    assert datetime(2026, 1, 1, tzinfo=UTC) == facts.not_before


def test_names_are_rfc_4514_strings() -> None:
    """Subject and issuer read from the most specific part, with the special characters escaped, as openssl does it."""
    made = make(
        name((NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Ex, Ample"), (NameOID.COMMON_NAME, "a.test"))
    )
    facts = parse_certificate(made.der).facts
    assert facts.subject == facts.issuer == r"CN=a.test,O=Ex\, Ample,C=DE"
    assert openssl(made, "-subject", "-nameopt", "RFC2253").removeprefix("subject=") == facts.subject


def test_alternative_names_are_plain_strings_in_order() -> None:
    """DNS names, addresses, mail addresses and URIs stay in the certificate's order; other kinds are left out."""
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName("*.example.org"),
            ip_san("2001:db8::1"),
            x509.DirectoryName(cn("elsewhere")),
            ip_san("192.0.2.7"),
            x509.RFC822Name("ops@example.org"),
            x509.UniformResourceIdentifier("urn:example:1"),
        ]
    )
    facts = parse_certificate(make(cn("x"), [names]).pem).facts
    expected = ("*.example.org", "2001:db8::1", "192.0.2.7", "ops@example.org", "urn:example:1")
    assert expected == facts.subject_alternative_names


@pytest.mark.parametrize(
    ("expected", "subject", "extensions"),
    [
        ("b.test", name((NameOID.COMMON_NAME, "a.test"), (NameOID.COMMON_NAME, "b.test")), [san("c.test")]),
        ("c.test", x509.Name([]), [san("c.test", "d.test")]),
        ("c.test", name((NameOID.ORGANIZATION_NAME, "Example")), [san("c.test")]),
        ("", x509.Name([]), []),
    ],
    ids=["most specific CN", "empty subject", "subject without CN", "neither CN nor SAN"],
)
def test_common_name(expected: str, subject: x509.Name, extensions: list[x509.ExtensionType]) -> None:
    """The inventory has something to show even for the empty subjects that modern CAs issue."""
    assert expected == parse_certificate(make(subject, extensions).pem).facts.common_name


@pytest.mark.parametrize(
    ("expected", "usages"),
    [
        (Usage.BOTH, None),
        (Usage.SERVER, [SERVER]),
        (Usage.CLIENT, [CLIENT]),
        (Usage.BOTH, [SERVER, CLIENT]),
        (Usage.BOTH, [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
        (Usage.OTHER, [ExtendedKeyUsageOID.CODE_SIGNING]),
    ],
)
def test_usage_follows_the_extended_key_usage(expected: Usage, usages: list[x509.ObjectIdentifier] | None) -> None:
    """A certificate counts as server or client certificate only when a TLS peer would take it for one."""
    extensions = [x509.ExtendedKeyUsage(usages)] if usages else []
    assert expected == parse_certificate(make(cn("x"), extensions).pem).facts.usage


@pytest.mark.parametrize(
    ("expected", "digest", "key"),
    [
        ("rsa-2048", "sha256", rsa.generate_private_key(65537, 2048)),
        ("ec-256", "sha256", ec.generate_private_key(ec.SECP256R1())),
        ("ec-384", "sha256", ec.generate_private_key(ec.SECP384R1())),
        ("ec-521", "sha256", ec.generate_private_key(ec.SECP521R1())),
        ("ec-brainpoolP256r1", "sha256", ec.generate_private_key(ec.BrainpoolP256R1())),
        ("ed25519", "none", ed25519.Ed25519PrivateKey.generate()),
        ("ed448", "none", ed448.Ed448PrivateKey.generate()),
    ],
)
def test_algorithm_and_digest_have_public_names(expected: str, digest: str, key: PrivateKey) -> None:
    """Key kinds and signature digests are named the same way everywhere; Ed25519 has no digest apart."""
    facts = parse_certificate(make(cn("x"), key=key).der).facts
    assert (expected, digest) == (facts.algorithm, facts.digest)


def test_key_identifiers_link_a_leaf_to_its_issuer() -> None:
    """The authority key id of a leaf is the subject key id of its CA, both as lower-case hex."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = make(cn("CA"), [x509.BasicConstraints(ca=True, path_length=0), identifier], key=ca_key)
    leaf = make(cn("x"), [x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)], by=ca)
    ca_facts, leaf_facts = parse_certificate(ca.pem).facts, parse_certificate(leaf.pem).facts
    assert identifier.digest.hex() == ca_facts.subject_key_id == leaf_facts.authority_key_id
    assert (ca_facts.is_ca, leaf_facts.is_ca) == (True, False)
    assert (leaf_facts.issuer_common_name, leaf_facts.subject_key_id) == ("CA", None)


def test_text_around_the_block_and_odd_line_ends_do_not_matter() -> None:
    """`openssl x509 -text` output and Windows line ends are read like the bare block."""
    made = make(cn("www.example.org"))
    dressed = f"Certificate:\n    Data: Zürich\n{made.pem}\nbye\n".replace("\n", "\r\n")
    assert made.der == parse_certificate(dressed).der == parse_certificate(dressed.encode()).der


PEM = make(cn("www.example.org")).pem
DER = make(cn("www.example.org")).der


@pytest.mark.parametrize(
    ("says", "data"),
    [
        ("No PEM block", ""),
        ("No PEM block", "hello"),
        ("too long", "-----BEGIN" * 100_000),
        ("too long", "-----BEGIN CERTIFICATE-----\n" * 40_000),
        ("begins inside", "-----BEGIN CERTIFICATE-----\n" * 4_000),
        ("boundary line is malformed", "-----BEGIN " * 10_000),
        ("no end line", PEM[:200]),
        ("never began", "-----END CERTIFICATE-----"),
        ("another label", PEM.replace("END CERTIFICATE", "END X")),
        ("boundary line is malformed", PEM.replace("\n", "")),
        ("boundary line is malformed", PEM.replace("\n", r"\n")),
        ("NUL", PEM + "\0"),
        ("Unicode", PEM + "\ud800"),
        ("Unicode", PEM.encode() + b"\xff"),
        ("not Base64", PEM.replace("MII", "M!!")),
        ("not Base64", PEM.replace("MII", "Mé!")),
        ("2 were found", PEM + PEM),
        ("Only CERTIFICATE", PEM.replace("CERTIFICATE", "PRIVATE KEY")),
        ("Only CERTIFICATE", PEM.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
        ("not an X.509", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"),
        ("not an X.509", DER + b"\0"),
        ("not an X.509", DER[:-1]),
        ("larger than", b"\x30" + bytes(100_000)),
        ("No PEM block", b"\x02\x01\x01"),
    ],
)
def test_what_is_no_single_certificate_is_refused_with_a_sentence(says: str, data: bytes | str) -> None:
    """Every malformation is named, without quoting the input and without another exception."""
    assert says in refusal(data).detail


@pytest.mark.parametrize("bad", ["a\0b", "a\nb", "\x1b[31mred", "a\u2028b", "user\u202egnp.exe"])
def test_names_with_control_characters_are_refused(bad: str) -> None:
    """NUL, line breaks, terminal escapes and bidirectional overrides never get as far as a log line or a page."""
    assert "control characters" in refusal(make(cn(bad)).pem).detail


def test_a_key_kind_without_use_in_tls_is_refused() -> None:
    """A DSA certificate is not taken for something that can be pushed."""
    key = dsa.generate_private_key(2048)
    builder = make(cn("x"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(cn("x"))
        .issuer_name(cn("x"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(builder.certificate.not_valid_before_utc)
        .not_valid_after(builder.certificate.not_valid_after_utc)
        .sign(builder.key, builder.certificate.signature_hash_algorithm)  # type: ignore[arg-type]
    )
    assert "ValueError" in refusal(Made(certificate, builder.key).pem).detail


def test_a_doubled_extension_is_refused() -> None:
    """RFC 5280, 4.2 forbids it, and two programs would read two different certificates."""
    made = make(cn("x"), [san("a.test"), x509.IssuerAlternativeName([x509.DNSName("b.test")])])
    doubled = made.der.replace(bytes.fromhex("0603551d12"), bytes.fromhex("0603551d11"))  # issuerAltName -> subject's
    assert "DuplicateExtension" in refusal(doubled).detail


def test_a_negative_serial_number_is_refused() -> None:
    """RFC 5280, 4.1.2.2: serial numbers are positive; a sign would make two spellings of one identity."""
    made = make(cn("x"), serial_number=0x11223344)
    negative = made.der.replace(bytes.fromhex("020411223344"), bytes.fromhex("0204f1223344"))
    assert "not an X.509" in refusal(negative).detail


def test_addresses_inside_a_certificate_are_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """AIA and CRL URLs are data: reading a certificate opens no connection and resolves no name."""
    import socket

    def forbidden(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    url = x509.UniformResourceIdentifier("http://169.254.169.254/latest")
    aia = x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, url)])
    crl = x509.CRLDistributionPoints([x509.DistributionPoint([url], None, None, None)])
    assert parse_certificate(make(cn("x"), [aia, crl], by=make_ca("CA")).pem).facts.common_name == "x"


def test_a_serial_number_has_two_digits_per_byte() -> None:
    """One spelling of a serial number only: no `a` beside `0a`."""
    assert re.fullmatch("(?:[0-9a-f]{2})+", parse_certificate(make(cn("x"), serial_number=10).pem).facts.serial_number)
