"""Certificates as PEM over REST: which ones, in which order, and what OpenSSL makes of them."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.adapters.x509.certificates import cn, make, make_ca, san
from tests.api.desk import Desk
from tests.api.issuing import ordered
from tests.api.walking import API, Story


async def downloaded(desk: Desk, certificate_id: str, wanted: str) -> str:
    """The PEM text of one format."""
    url = f"{API}/certificates/{certificate_id}/download"
    answer = await desk.as_("operator").get(url, params={"format": wanted})
    assert answer.status_code == 200, answer.text
    return answer.text


def read(text: str) -> list[x509.Certificate]:
    """The certificates of a PEM text; there is nothing beside them."""
    found = x509.load_pem_x509_certificates(text.encode())
    assert "".join(each.public_bytes(Encoding.PEM).decode() for each in found) == text
    return found


async def test_each_format_has_its_certificates_in_their_order(desk: Desk) -> None:
    """pem: the leaf alone; chain: the issuing CA alone; fullchain: exactly the leaf, then the issuing CA, as servers
    send them. The root, which clients have, is in none.
    """
    certificate_id = await ordered(desk)
    shown = await Story(desk).get(f"certificates/{certificate_id}")
    [leaf] = read(await downloaded(desk, certificate_id, "pem"))
    assert f"{leaf.serial_number:x}" == shown["serial_number"].lstrip("0").lower()
    assert read(await downloaded(desk, certificate_id, "chain")) == [desk.core.local_pki.issuing.certificate]
    full = read(await downloaded(desk, certificate_id, "fullchain"))
    assert full == [leaf, desk.core.local_pki.issuing.certificate]
    full[0].verify_directly_issued_by(full[1])


@pytest.mark.needs("openssl")
async def test_openssl_verifies_the_chain_up_to_the_root(desk: Desk, tmp_path: Path) -> None:
    """With the chain and the root that the service tells of; without the chain it finds no way."""
    certificate_id = await ordered(desk)
    (tmp_path / "root.pem").write_text((await desk.as_(None).get("/pki/ca.pem")).text)
    for name in ("pem", "chain", "fullchain"):
        (tmp_path / f"{name}.pem").write_text(await downloaded(desk, certificate_id, name))

    def verifies(leaf: str, *options: str) -> bool:
        command = ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", *options, leaf]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0

    assert verifies("pem.pem", "-untrusted", "chain.pem")
    assert verifies("fullchain.pem", "-untrusted", "fullchain.pem")
    assert not verifies("pem.pem")


async def test_imported_issuers_stand_in_the_order_of_the_chain(desk: Desk) -> None:
    """However they were given: from the leaf's issuer upwards, as TLS wants it."""
    root = make_ca("Root")
    upper = make_ca("Upper", by=root)
    lower = make_ca("Lower", by=upper)
    made = make(cn("www.example.org"), [san("www.example.org")], by=lower)
    body = {"certificate_pem": made.pem, "chain_pem": upper.pem + lower.pem}
    certificate_id = (await Story(desk).post("operator", "certificates", body, 201))["id"]
    subjects = [each.subject for each in read(await downloaded(desk, certificate_id, "fullchain"))]
    assert subjects == [cn("www.example.org"), cn("Lower"), cn("Upper")]
