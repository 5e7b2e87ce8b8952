"""PKCS#12 bundles that people import, made by OpenSSL and by hand; whatever the bytes are, they open or are refused."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.x509 import pkcs12 as reading
from adapters.x509.pfx import make_pfx
from adapters.x509.private_keys import to_pkcs8
from adapters.x509.reader import X509Reader
from domain.errors import Code, Refused
from tests.adapters.x509.certificates import Made, cn, make, make_ca, san

PASSWORD = "wörd"
ISSUER = make_ca("Issuing CA")
MADE = make(cn("www.example.org"), [san("www.example.org")], by=ISSUER)
GOOD = make_pfx(name="www", private_key=to_pkcs8(MADE.key), leaf=MADE.der, chain=(ISSUER.der,), password=PASSWORD)
READER = X509Reader()


def refusal(data: bytes, password: str = PASSWORD) -> tuple[str | None, str]:
    with pytest.raises(Refused) as caught:
        READER.pkcs12(data, password)
    assert Code.VALIDATION_FAILED is caught.value.code
    assert caught.value.__cause__ is None
    return caught.value.pointer, caught.value.detail


def bundle(certificate: Made | None, key: Made | None, *others: Made) -> bytes:
    """Without encryption, as the library writes it."""
    loaded = [x509.load_der_x509_certificate(each.der) for each in others]
    leaf = x509.load_der_x509_certificate(certificate.der) if certificate else None
    held = key.key if key else None
    return pkcs12.serialize_key_and_certificates(b"x", held, leaf, loaded, serialization.NoEncryption())


@pytest.mark.parametrize("flags", [(), ("-legacy",), ("-keypbe", "NONE", "-certpbe", "NONE"), ("-nomac",)])
def test_what_openssl_writes_is_read(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Today's ciphers, those of old Windows, and none at all: certificate, key and issuers come out."""
    for name, text in (("leaf", MADE.pem), ("key", MADE.key_pem), ("ca", ISSUER.pem)):
        (tmp_path / name).write_text(text)
    command = ["openssl", "pkcs12", "-export", *flags, "-in", "leaf", "-inkey", "key", "-certfile", "ca"]
    done = subprocess.run(
        [*command, "-out", "made.p12", "-passout", "pass:secret"], cwd=tmp_path, capture_output=True, check=False
    )
    if done.returncode:
        assert flags == ("-legacy",), done.stderr  # an OpenSSL without its legacy provider
        return
    found = READER.pkcs12((tmp_path / "made.p12").read_bytes(), "secret")
    assert (MADE.der, [ISSUER.der]) == (found.leaf.der, [each.der for each in found.chain])
    assert to_pkcs8(MADE.key) == found.private_key


def test_a_bundle_without_a_password() -> None:
    """And one without a key: a certificate with its issuers is enough."""
    assert to_pkcs8(MADE.key) == READER.pkcs12(bundle(MADE, MADE, ISSUER), "").private_key
    certificate_alone = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(x509.load_der_x509_certificate(MADE.der), b"x")], serialization.NoEncryption()
    )
    assert "no certificate in the bundle" in refusal(certificate_alone, "")[1]


def test_a_wrong_password_is_the_field_to_blame() -> None:
    """The same sentence as for bytes that are no bundle: neither tells more."""
    assert ("/password", "/password") == (refusal(GOOD, "wrong")[0], refusal(b"no bundle")[0])
    assert refusal(GOOD, "wrong")[1] == refusal(b"\x30\x80")[1]


def test_what_does_not_belong_together_is_refused() -> None:
    """Stray certificates, a CA instead of a leaf: as in PEM, with the bundle to blame."""
    stray = make_ca("Stranger")
    pointer, told = refusal(bundle(MADE, MADE, stray), "")
    assert ("/pkcs12", True) == (pointer, "Stranger" in told)
    assert "/pkcs12" == refusal(bundle(MADE, MADE, *[make_ca(f"CA {n}") for n in range(12)]), "")[0]
    assert "larger" in refusal(bytes(reading.MAX_PKCS12_BYTES + 1))[1]


def test_a_bundle_that_keeps_the_server_busy_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Billions of rounds are refused before the first one: the file says how many it wants."""
    monkeypatch.setattr(pkcs12, "load_pkcs12", lambda *_: pytest.fail("it was opened"))
    rounds = (20_000).to_bytes(2, "big")
    assert GOOD.count(b"\x02\x02" + rounds) >= 2
    many = GOOD.replace(b"\x02\x02" + rounds, b"\x02\x02\x7f\xff")
    monkeypatch.setattr(reading, "MOST_ROUNDS", 30_000)
    assert "rounds" in refusal(many)[1]


def outcome(data: bytes) -> str | None:
    """Where it was refused; None: it opened."""
    try:
        assert READER.pkcs12(data, PASSWORD).leaf.der
    except Refused as refused:
        return refused.pointer
    return None


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_the_bytes_are_they_open_or_are_refused(data: st.DataObject) -> None:
    """A few bytes of a good bundle replaced, dropped, repeated; nothing but a refusal leaves."""
    broken = bytearray(data.draw(st.sampled_from([GOOD, bundle(MADE, MADE, ISSUER)])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    assert outcome(bytes(broken)) in {"/pkcs12", "/password", None}
