"""What Local PKI issues, seen by pkilint: nothing against RFC 5280, for every key and every usage.

What the CA/Browser Forum wants of public CAs (policies) is not asked.
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from adapters.issuers.local_pki import LocalPki, open_local_pki
from adapters.simulated.vault import MemoryVault
from application.issuer_ports import IssuedCertificate
from application.pem import encode
from domain.certificate_facts import Usage
from tests.contracts.issuer_contract import wanted

_BIN = Path(sys.executable).parent
_PAIRS = [
    ("rsa-2048", Usage.SERVER),
    ("rsa-3072", Usage.CLIENT),
    ("rsa-4096", Usage.BOTH),
    ("ec-256", Usage.BOTH),
    ("ec-384", Usage.SERVER),
    ("ed25519", Usage.CLIENT),
]
_USAGES = Usage.SERVER, Usage.CLIENT, Usage.BOTH
_OTHER_PAIRS = [(key, usage) for key, _ in _PAIRS for usage in _USAGES if (key, usage) not in _PAIRS]


@pytest.fixture(params=["", "http://pki.example.org"], ids=["unreachable", "reachable"])
async def pki(request: pytest.FixtureRequest) -> LocalPki:
    """Without an address for clients, and with one, which is in every certificate then."""
    return await open_local_pki(MemoryVault(), lambda: datetime.now(UTC), request.param)


@pytest.fixture
async def reachable() -> LocalPki:
    """With an address for clients."""
    return await open_local_pki(MemoryVault(), lambda: datetime.now(UTC), "http://pki.example.org")


def said(program: str, *files: Path, options: tuple[str, ...] = ()) -> tuple[int, str]:
    """Everything from a notice upwards."""
    command = [sys.executable, str(_BIN / program), "lint", "-s", "NOTICE", *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip() + done.stderr.strip()


def written(folder: Path, issued: IssuedCertificate) -> tuple[Path, Path]:
    """Leaf and issuer as files."""
    leaf, issuer = folder / "leaf.pem", folder / "issuer.pem"
    leaf.write_text(encode("CERTIFICATE", issued.leaf))
    issuer.write_text(encode("CERTIFICATE", issued.chain[0]))
    return leaf, issuer


@pytest.mark.parametrize(("algorithm", "usage"), _PAIRS)
async def test_a_certificate_is_clean(pki: LocalPki, tmp_path: Path, algorithm: str, usage: Usage) -> None:
    """No notice, no warning, no error; and it fits its issuer."""
    names = "www.example.org", "10.0.0.1", "2001:db8::1"
    request = await wanted(*names, common_name=names[0], usage=usage, algorithm=algorithm)
    leaf, issuer = written(tmp_path, await pki.issue(request))
    assert (0, "") == said("lint_pkix_cert", leaf)
    assert (0, "") == said("lint_pkix_signer_signee_cert_chain", issuer, leaf)


@pytest.mark.parametrize(("algorithm", "usage"), _OTHER_PAIRS)
async def test_every_key_has_every_usage(reachable: LocalPki, tmp_path: Path, algorithm: str, usage: Usage) -> None:
    """Clean as well: which usages of the key go with it depends on both."""
    leaf, _ = written(tmp_path, await reachable.issue(await wanted("a.example", usage=usage, algorithm=algorithm)))
    assert (0, "") == said("lint_pkix_cert", leaf)


@pytest.mark.parametrize(
    ("common_name", "names", "usage"),
    [
        ("", ("www.example.org",), Usage.SERVER),
        (f"{'a' * 60}.example.org", (), Usage.SERVER),
        ("", ("10.0.0.1", "2001:db8::1"), Usage.SERVER),
        ("10.0.0.1", (), Usage.SERVER),
        ("xn--bcher-kva.example", (), Usage.BOTH),
        ("", tuple(f"a{n}.example.org" for n in range(100)), Usage.SERVER),
        ("Ann Bäcker", (), Usage.CLIENT),
        ("山田 太郎", ("10.0.0.1",), Usage.CLIENT),
        ("", ("ann@example.org",), Usage.CLIENT),
        ("", ("https://example.org/worker",), Usage.CLIENT),
    ],
    ids=["no CN", "CN too long", "addresses", "address as CN", "IDN", "many", "free text", "kanji", "mail", "URI"],
)
async def test_names_of_every_shape_are_clean(
    reachable: LocalPki, tmp_path: Path, common_name: str, names: tuple[str, ...], usage: Usage
) -> None:
    """With a subject or an empty one: then, and only then, the alternative names are critical (RFC 5280, 4.2.1.6)."""
    issued = await reachable.issue(await wanted(*names, common_name=common_name, usage=usage))
    assert names_are_critical(issued.leaf) is (common_name == "" or len(common_name) > 64)
    leaf, issuer = written(tmp_path, issued)
    assert (0, "") == said("lint_pkix_cert", leaf)
    assert (0, "") == said("lint_pkix_signer_signee_cert_chain", issuer, leaf)


def names_are_critical(der: bytes) -> bool:
    """Whether there are alternative names that nobody may pass over."""
    extensions = x509.load_der_x509_certificate(der).extensions
    return any(each.critical for each in extensions if each.oid == x509.SubjectAlternativeName.oid)


@pytest.mark.parametrize(
    ("name", "usage", "finding"),
    [
        ("*.example.org", Usage.SERVER, "pkix.invalid_domain_name_syntax"),
        ("localhost", Usage.SERVER, "pkix.invalid_domain_name_syntax"),
        ("spiffe://example.org/worker", Usage.CLIENT, "pkix.invalid_uri_syntax"),
        ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", Usage.CLIENT, "pkix.invalid_uri_syntax"),
    ],
)
async def test_names_that_pkilint_does_not_know(
    reachable: LocalPki, tmp_path: Path, name: str, usage: Usage, finding: str
) -> None:
    """It takes DNS names for public ones without wildcards, and URIs for addresses of the web. RFC 5280 leaves
    wildcards to others (RFC 9525), and wants of a URI no more than RFC 3986 does. It has nothing else to say.
    """
    leaf, issuer = written(tmp_path, await reachable.issue(await wanted(name, usage=usage)))
    status, text = said("lint_pkix_cert", leaf)
    _place, *findings = text.splitlines()
    assert (1, [True]) == (status, [each.strip().startswith(f"{finding} (ERROR)") for each in findings]), text
    assert f'"{name}"' in text
    assert (0, "") == said("lint_pkix_signer_signee_cert_chain", issuer, leaf)


async def test_the_cas_are_clean(pki: LocalPki, tmp_path: Path) -> None:
    """Root and issuing CA."""
    issued = await pki.issue(await wanted("www.example.org"))
    root, issuing = tmp_path / "root.pem", tmp_path / "issuing.pem"
    root.write_text(pki.root_pem)
    issuing.write_text(encode("CERTIFICATE", issued.chain[0]))
    for file in (root, issuing):
        assert (0, "") == said("lint_pkix_cert", file)
    assert (0, "") == said("lint_pkix_signer_signee_cert_chain", root, issuing)


async def test_the_linter_sees_what_is_wrong(pki: LocalPki, tmp_path: Path) -> None:
    """A certificate with an issuer that is not its own: the test above can fail."""
    other = await open_local_pki(MemoryVault(), lambda: datetime.now(UTC))
    leaf, issuer = tmp_path / "leaf.pem", tmp_path / "issuer.pem"
    leaf.write_text(encode("CERTIFICATE", (await pki.issue(await wanted("www.example.org"))).leaf))
    issuer.write_text(encode("CERTIFICATE", (await other.issue(await wanted("www.example.org"))).chain[0]))
    status, text = said("lint_pkix_signer_signee_cert_chain", issuer, leaf)
    assert status != 0
    assert text
