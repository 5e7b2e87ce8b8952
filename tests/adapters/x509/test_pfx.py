"""PFX files, opened by programs that nobody here wrote: OpenSSL and Java's keytool."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from adapters.x509.pfx import make_pfx
from adapters.x509.private_keys import PrivateKey, spki, to_pkcs8
from tests.adapters.x509.certificates import Made, cn, make, make_ca, san
from tests.support.components import require

PASSWORD = "k3mvq7-w9tz2h-cx5nrb-8fjpd4"
NAME = "www.example.org"
KEYS: dict[str, PrivateKey] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def run(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def issuer() -> Made:
    return make_ca("Issuing CA")


@pytest.fixture(params=KEYS)
def made(request: pytest.FixtureRequest, issuer: Made) -> Made:
    return make(cn(NAME), [san(NAME)], by=issuer, key=KEYS[request.param])


@pytest.fixture
def file(tmp_path: Path, made: Made, issuer: Made) -> Path:
    path = tmp_path / "www.pfx"
    key = to_pkcs8(made.key)
    path.write_bytes(make_pfx(name=NAME, private_key=key, leaf=made.der, chain=(issuer.der,), password=PASSWORD))
    return path


@pytest.mark.needs("openssl")
def test_openssl_opens_it_with_the_password_alone(file: Path, made: Made, issuer: Made) -> None:
    """Key, leaf and issuer come out; algorithms are today's; a wrong password opens nothing."""
    openssl = str(require("openssl"))
    opened = run(openssl, "pkcs12", "-in", str(file), "-passin", f"pass:{PASSWORD}", "-nodes", "-info")
    assert opened.returncode == 0, opened.stderr
    for each in (made.pem, issuer.pem):
        assert each in opened.stdout
    assert f"friendlyName: {NAME}" in opened.stdout
    for said in ("MAC: sha256", "PBES2, PBKDF2, AES-256-CBC, Iteration 20000, PRF hmacWithSHA256"):
        assert said in opened.stderr
    key = opened.stdout[opened.stdout.index("-----BEGIN PRIVATE KEY") :]
    public = subprocess.run(
        [openssl, "pkey", "-pubout", "-outform", "DER"], input=key.encode(), capture_output=True, check=True
    )
    assert public.stdout == spki(made.key)
    assert run(openssl, "pkcs12", "-in", str(file), "-passin", "pass:wrong", "-nodes").returncode != 0


@pytest.mark.needs("keytool")
def test_java_opens_it(file: Path, made: Made) -> None:
    """As one entry with its private key and its chain, under the friendly name."""
    keytool = str(require("keytool"))
    options = ("-keystore", str(file), "-storetype", "PKCS12", "-storepass", PASSWORD)
    listed = run(keytool, "-J-Xshare:auto", "-J-XX:TieredStopAtLevel=1", "-list", "-v", *options)
    assert listed.returncode == 0, listed.stdout
    for said in (f"Alias name: {NAME}", "Entry type: PrivateKeyEntry", "Certificate chain length: 2"):
        assert said in listed.stdout
    exported = run(keytool, "-exportcert", "-rfc", "-alias", NAME, *options)
    assert made.pem.strip().replace("\n", "") in exported.stdout.replace("\n", "").replace("\r", "")
