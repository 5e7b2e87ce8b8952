"""What Local PKI issues, seen by pkilint: nothing against RFC 5280, for every key and every usage.

What the CA/Browser Forum wants of public CAs (policies) is not asked.
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.issuers.local_pki import LocalPki, open_local_pki
from adapters.simulated.vault import MemoryVault
from application.pem import encode
from domain.certificate_facts import Usage
from tests.contracts.issuer_contract import wanted

_BIN = Path(sys.executable).parent


@pytest.fixture(params=["", "http://pki.example.org"], ids=["unreachable", "reachable"])
async def pki(request: pytest.FixtureRequest) -> LocalPki:
    """Without an address for clients, and with one, which is in every certificate then."""
    return await open_local_pki(MemoryVault(), lambda: datetime.now(UTC), request.param)


def said(program: str, *files: Path, options: tuple[str, ...] = ()) -> tuple[int, str]:
    """Everything from a notice upwards."""
    command = [sys.executable, str(_BIN / program), "lint", "-s", "NOTICE", *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip() + done.stderr.strip()


@pytest.mark.parametrize(
    ("algorithm", "usage"),
    [
        ("rsa-2048", Usage.SERVER),
        ("rsa-3072", Usage.CLIENT),
        ("rsa-4096", Usage.BOTH),
        ("ec-256", Usage.BOTH),
        ("ec-384", Usage.SERVER),
        ("ed25519", Usage.CLIENT),
    ],
)
async def test_a_certificate_is_clean(pki: LocalPki, tmp_path: Path, algorithm: str, usage: Usage) -> None:
    """No notice, no warning, no error; and it fits its issuer."""
    names = "www.example.org", "10.0.0.1", "2001:db8::1"
    request = await wanted(*names, common_name=names[0], usage=usage, algorithm=algorithm)
    issued = await pki.issue(request)
    leaf, issuer = tmp_path / "leaf.pem", tmp_path / "issuer.pem"
    leaf.write_text(encode("CERTIFICATE", issued.leaf))
    issuer.write_text(encode("CERTIFICATE", issued.chain[0]))
    assert (0, "") == said("lint_pkix_cert", leaf)
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
