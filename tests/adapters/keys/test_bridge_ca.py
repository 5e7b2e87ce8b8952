"""A bridge is who the Bridge CA says it is; no other certificate in the world passes for one."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from adapters.keys.bridge_ca import BridgeCa, open_bridge_ca
from adapters.simulated.vault import MemoryVault
from adapters.x509.parsing import parse_certificate
from adapters.x509.private_keys import PrivateKey, spki
from application.enrolling import BridgeSigner
from domain.certificate_facts import Usage
from domain.errors import Code, Refused
from tests.adapters.x509.certificates import Made, cn, make, make_ca

BRIDGE = UUID("6a3e2f4c-1b5d-4e6f-8a7b-9c0d1e2f3a4b")
NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


class HandClock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def ca(clock: HandClock) -> BridgeCa:
    return await open_bridge_ca(MemoryVault(), clock)


def csr(key: PrivateKey = KEY, *extensions: x509.ExtensionType, subject: str = "whoever") -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(cn(subject))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def der(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)


def forbidden(ca: BridgeCa, certificate: bytes) -> str:
    with pytest.raises(Refused) as caught:
        ca.identify(certificate)
    assert caught.value.code is Code.FORBIDDEN
    return caught.value.detail


def refused(ca: BridgeCa, request: str) -> str:
    with pytest.raises(Refused) as caught:
        ca.sign(request, BRIDGE)
    expected = Code.VALIDATION_FAILED, "/csr_pem"
    assert expected == (caught.value.code, caught.value.pointer)
    return caught.value.detail


def test_a_signed_bridge_is_recognised(ca: BridgeCa) -> None:
    """The certificate is for the request's key, lasts 24 hours, and names the bridge in its one URI."""
    signer: BridgeSigner = ca
    signed = signer.sign(csr(), BRIDGE)
    found = parse_certificate(signed.certificate_pem)
    assert BRIDGE == ca.identify(found.der)
    assert (f"urn:certferry:bridge:{BRIDGE}",) == found.facts.subject_alternative_names
    assert signed.fingerprint_sha256 == found.facts.fingerprint_sha256
    assert Usage.CLIENT is found.facts.usage
    assert spki(KEY) == spki(x509.load_der_x509_certificate(found.der).public_key())
    assert found.facts.not_before == NOW.replace(microsecond=0)
    assert found.facts.not_after == signed.not_after == NOW.replace(microsecond=0) + timedelta(hours=24, seconds=-1)


def test_nothing_of_a_request_but_its_key_is_taken(ca: BridgeCa) -> None:
    """CA bits, key usages, constraints, foreign names: whatever is asked for is not even read."""
    wishes = (
        x509.BasicConstraints(ca=True, path_length=5),
        x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:certferry:bridge:{UUID(int=9)}")]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CODE_SIGNING]),
        x509.NameConstraints([x509.DNSName("example.org")], None),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"garbage"),
    )
    signed = ca.sign(csr(KEY, *wishes, subject=f"bridge {UUID(int=9)}"), BRIDGE)
    certificate = x509.load_pem_x509_certificate(signed.certificate_pem.encode())
    assert BRIDGE == ca.identify(der(signed.certificate_pem))
    plain = x509.load_pem_x509_certificate(ca.sign(csr(), BRIDGE).certificate_pem.encode())
    assert [each.oid for each in plain.extensions] == [each.oid for each in certificate.extensions]
    assert plain.subject == certificate.subject
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_request_that_proves_no_key_is_refused(ca: BridgeCa) -> None:
    """A request with another's public key and a signature of one's own is not signed."""
    text, other = csr(), ec.generate_private_key(ec.SECP256R1())
    form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    body = x509.load_pem_x509_csr(text.encode()).public_bytes(serialization.Encoding.DER)
    forged = body.replace(KEY.public_key().public_bytes(*form), other.public_key().public_bytes(*form))
    pem = x509.load_der_x509_csr(forged).public_bytes(serialization.Encoding.PEM).decode()
    assert "signature is wrong" in refused(ca, pem)


@pytest.mark.parametrize(
    ("says", "request_text"),
    [
        ("Exactly one", ""),
        ("Exactly one", csr() + csr()),
        ("Exactly one", make(cn("x")).pem),
        ("not a certificate request", "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----"),
        ("too long", "-----BEGIN" * 100_000),
        ("rsa-1024", csr(rsa.generate_private_key(65537, 1024))),
        ("control characters", csr(subject="a\nb")),
    ],
)
def test_bad_requests_are_refused(ca: BridgeCa, says: str, request_text: str) -> None:
    """Whatever is no usable request gets a sentence at its field."""
    assert says in refused(ca, request_text)


def test_an_old_certificate_does_not_identify(ca: BridgeCa, clock: HandClock) -> None:
    """24 hours, to the second: a stolen old certificate is worth nothing."""
    certificate = der(ca.sign(csr(), BRIDGE).certificate_pem)
    clock.now = NOW.replace(microsecond=0) + timedelta(hours=24, seconds=-1)
    assert BRIDGE == ca.identify(certificate)
    clock.now += timedelta(seconds=1)
    assert "not valid at this time" in forbidden(ca, certificate)
    clock.now = NOW - timedelta(hours=1)
    assert "not valid at this time" in forbidden(ca, certificate)


def like_a_bridge(by: Made) -> bytes:
    """Everything a bridge's certificate has, from a CA of somebody else."""
    uri = x509.UniformResourceIdentifier(f"urn:certferry:bridge:{BRIDGE}")
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return make(cn(f"bridge {BRIDGE}"), [x509.SubjectAlternativeName([uri]), usage], by=by).der


async def test_the_same_contents_from_another_ca_do_not_identify(ca: BridgeCa, clock: HandClock) -> None:
    """Neither a stranger's CA nor one with the Bridge CA's name, nor the Bridge CA of another installation."""
    own_name = x509.load_pem_x509_certificate(ca.certificate_pem.encode()).subject
    impostor = make(own_name, [x509.BasicConstraints(ca=True, path_length=0)])
    elsewhere = await open_bridge_ca(MemoryVault(), clock)
    certificates = (
        like_a_bridge(make_ca("Local PKI")),
        like_a_bridge(impostor),
        der(elsewhere.sign(csr(), BRIDGE).certificate_pem),
    )
    for certificate in certificates:
        assert "not issued by the Bridge CA" in forbidden(ca, certificate)


def test_a_certificate_below_a_bridges_certificate_does_not_identify(ca: BridgeCa) -> None:
    """A bridge cannot use its own certificate as a CA."""
    own = x509.load_pem_x509_certificate(ca.sign(csr(), BRIDGE).certificate_pem.encode())
    assert "not issued by the Bridge CA" in forbidden(ca, like_a_bridge(Made(own, KEY)))


def test_the_cas_other_certificates_do_not_identify(ca: BridgeCa) -> None:
    """The CA certificate itself and the listener's server certificate are no bridges."""
    listener = ca.listener_certificate(["localhost"])
    assert "not a bridge's" in forbidden(ca, der(ca.certificate_pem))
    assert "not a bridge's" in forbidden(ca, der(listener.chain_pem))


def test_garbage_does_not_identify(ca: BridgeCa) -> None:
    """Bytes that are no certificate are refused like foreign ones."""
    assert "cannot be read" in forbidden(ca, b"\x30garbage")


def test_the_pin_is_the_hash_openssl_shows(ca: BridgeCa, tmp_path: Path) -> None:
    """An operator compares the pin with `openssl x509 -fingerprint -sha256`."""
    path = tmp_path / "ca.pem"
    path.write_text(ca.certificate_pem)
    command = ["openssl", "x509", "-in", str(path), "-noout", "-fingerprint", "-sha256"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ca.pin == shown.strip().partition("=")[2].replace(":", "").lower()


@pytest.mark.needs("openssl")
def test_openssl_accepts_both_chains(ca: BridgeCa, tmp_path: Path) -> None:
    """A bridge's certificate is good as a TLS client's and only so; the listener's as a server's under its names."""
    (tmp_path / "ca.pem").write_text(ca.certificate_pem)
    (tmp_path / "bridge.pem").write_text(ca.sign(csr(), BRIDGE).certificate_pem)
    (tmp_path / "listener.pem").write_text(ca.listener_certificate(["bridges.example", "127.0.0.1"]).chain_pem)

    def verify(name: str, *options: str) -> int:
        at = str(int(NOW.timestamp()) + 5)
        command = ["openssl", "verify", "-x509_strict", "-attime", at, "-CAfile", "ca.pem", *options, f"{name}.pem"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode

    assert verify("bridge", "-purpose", "sslclient") == 0
    assert verify("bridge", "-purpose", "sslserver") != 0
    assert verify("listener", "-purpose", "sslserver", "-verify_hostname", "bridges.example") == 0
    assert verify("listener", "-purpose", "sslserver", "-verify_ip", "127.0.0.1") == 0
    assert verify("listener", "-purpose", "sslclient") != 0
    assert verify("listener", "-purpose", "sslserver", "-verify_hostname", "other.example") != 0


async def test_the_ca_outlives_a_restart(clock: HandClock) -> None:
    """Opened again on the same vault it is the same CA: bridges enrolled before stay who they are."""
    vault = MemoryVault()
    first = await open_bridge_ca(vault, clock)
    signed = first.sign(csr(), BRIDGE)
    second = await open_bridge_ca(vault, clock)
    assert first.pin == second.pin
    assert BRIDGE == second.identify(der(signed.certificate_pem))


def test_a_listener_without_a_name_is_refused(ca: BridgeCa) -> None:
    """No bridge could check a certificate without names."""
    with pytest.raises(ValueError, match="at least one name"):
        ca.listener_certificate([])


def test_no_key_shows_in_a_representation(ca: BridgeCa) -> None:
    """The listener's key may pass through code that logs what it handles."""
    assert "PRIVATE" not in repr(ca.listener_certificate(["localhost"]))
