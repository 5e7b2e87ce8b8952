"""What every issuer promises (application.issuer_ports.Issuer).

A module that tests an issuer makes the fixtures `issuer` and `root_pem` and subclasses IssuerContract.
"""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from adapters.keys.generating import generate_key
from adapters.x509.parsing import parse_certificate
from adapters.x509.private_keys import spki
from application.issuer_ports import IssuanceRequest, IssuedCertificate, Issuer
from application.pem import certificates
from domain.certificate_facts import Usage
from domain.errors import Code, Refused


async def wanted(
    *names: str, common_name: str = "", usage: Usage = Usage.SERVER, days: int = 90, algorithm: str = "ec-256"
) -> IssuanceRequest:
    """A request for a new key."""
    key = (await generate_key(algorithm)).public_key
    return IssuanceRequest(public_key=key, common_name=common_name, names=names, usage=usage, validity_days=days)


def openssl_verifies(issued: IssuedCertificate, root_pem: str, folder: Path, *options: str) -> bool:
    """Whether OpenSSL, strictly, finds a path from the leaf through the chain to the root."""
    (folder / "root.pem").write_text(root_pem)
    (folder / "chain.pem").write_text(certificates(issued.chain))
    (folder / "leaf.pem").write_text(certificates((issued.leaf,)))
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "chain.pem", *options]
    return subprocess.run([*command, "leaf.pem"], cwd=folder, capture_output=True, check=False).returncode == 0


class IssuerContract:
    """The promises; a subclass says of which issuer."""

    @pytest.mark.needs("openssl")
    async def test_openssl_accepts_the_chain(self, issuer: Issuer, root_pem: str, tmp_path: Path) -> None:
        """The leaf verifies for its names and its usage up to the root, and for no other name or usage."""
        issued = await issuer.issue(await wanted("www.example.org", "192.0.2.1"))
        server = "-purpose", "sslserver"
        assert openssl_verifies(issued, root_pem, tmp_path, *server, "-verify_hostname", "www.example.org")
        assert openssl_verifies(issued, root_pem, tmp_path, *server, "-verify_ip", "192.0.2.1")
        assert not openssl_verifies(issued, root_pem, tmp_path, *server, "-verify_hostname", "example.org")
        assert not openssl_verifies(issued, root_pem, tmp_path, "-purpose", "sslclient")

    @pytest.mark.parametrize("usage", [Usage.SERVER, Usage.CLIENT, Usage.BOTH])
    async def test_the_usage_is_the_one_asked_for(self, issuer: Issuer, usage: Usage) -> None:
        """Server, client or both; never a CA."""
        facts = parse_certificate((await issuer.issue(await wanted("a.example", usage=usage))).leaf).facts
        assert usage is facts.usage
        assert not facts.is_ca

    @pytest.mark.parametrize("algorithm", ["rsa-2048", "ec-256", "ec-384", "ed25519"])
    async def test_the_key_is_the_one_given(self, issuer: Issuer, algorithm: str) -> None:
        """The certificate is for exactly the public key of the request."""
        request = await wanted("a.example", algorithm=algorithm)
        leaf = x509.load_der_x509_certificate((await issuer.issue(request)).leaf)
        assert request.public_key == spki(leaf.public_key())

    async def test_serial_numbers_are_random_and_positive(self, issuer: Issuer) -> None:
        """Enough of them differ, are positive, and are long enough not to be guessed (RFC 5280, 4.1.2.2)."""
        request = await wanted("a.example")
        issued = [await issuer.issue(request) for _ in range(20)]
        numbers = [int(parse_certificate(each.leaf).facts.serial_number, 16) for each in issued]
        assert len(set(numbers)) == 20
        assert all(64 < number.bit_length() < 160 for number in numbers)

    async def test_what_cannot_be_issued_is_refused_at_its_field(self, issuer: Issuer) -> None:
        """A refusal names the field of the request that has to be changed."""
        with pytest.raises(Refused) as caught:
            await issuer.issue(await wanted("a.example", "under_score.example"))
        expected = Code.VALIDATION_FAILED, "/subject_alternative_names/1"
        assert expected == (caught.value.code, caught.value.pointer)
