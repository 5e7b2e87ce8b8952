"""The revocation lists of Local PKI, read and checked by OpenSSL (RFC 5280, 5)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from adapters.issuers.local_pki_crls import LIFETIME, REFRESHED_AFTER
from adapters.keys.authorities import certificate_der
from domain.revocation import RevocationReason
from tests.adapters.issuers.status import Bench, bench, openssl, pem
from tests.adapters.issuers.test_linted import said

DAY = timedelta(days=1)


@pytest.fixture
async def pki() -> Bench:
    return await bench()


async def listed(pki: Bench) -> x509.CertificateRevocationList:
    found = await pki.crls.current(pki.ca)
    assert found is not None
    return x509.load_der_x509_crl(found.der)


def chain(pki: Bench, folder: Path) -> tuple[Path, Path]:
    root = folder / "root.pem"
    root.write_text(pki.pki.root_pem)
    return root, pem(folder / "issuing.pem", certificate_der(pki.pki.issuing.certificate))


@pytest.mark.needs("openssl")
async def test_openssl_refuses_what_is_on_the_list_and_nothing_else(pki: Bench, tmp_path: Path) -> None:
    """`openssl verify -crl_check`: good before, revoked afterwards; the other certificate stays good."""
    one, other = await pki.issue("one.example.org"), await pki.issue("two.example.org")
    root, issuing = chain(pki, tmp_path)

    async def verified(der: bytes) -> tuple[int, str]:
        pki.start()
        found = await pki.crls.current(pki.ca)
        assert found is not None
        crl = pem(tmp_path / "list.pem", found.der, "X509 CRL")
        leaf = pem(tmp_path / "leaf.pem", der)
        return openssl(
            "verify", "-x509_strict", "-crl_check", "-CAfile", root, "-untrusted", issuing, "-CRLfile", crl, leaf
        )

    assert 0 == (await verified(one.der))[0]
    pki.revoke(one, "keyCompromise")
    await pki.crls.list_revoked(pki.ca, int(one.facts.serial_number, 16))
    status, text = await verified(one.der)
    assert status != 0
    assert "certificate revoked" in text
    assert 0 == (await verified(other.der))[0]


@pytest.mark.needs("openssl")
async def test_openssl_reads_the_list(pki: Bench, tmp_path: Path) -> None:
    """Signed by the CA, with number, both instants, the issuer's key id and the reasons; unspecified is left out."""
    for reason in RevocationReason:
        pki.revoke(await pki.issue(f"{reason.lower()}.example.org"), reason.value)
    found = await pki.crls.current(pki.ca)
    assert found is not None
    _, issuing = chain(pki, tmp_path)
    file = pem(tmp_path / "list.pem", found.der, "X509 CRL")
    status, text = openssl("crl", "-in", file, "-noout", "-text", "-CAfile", issuing)
    assert status == 0
    assert "verify OK" in text
    words = ["Key Compromise", "CA Compromise", "Affiliation Changed", "Superseded", "Cessation Of Operation"]
    for expected in [*words, "X509v3 CRL Number", "X509v3 Authority Key Identifier", "Next Update"]:
        assert expected in text, expected
    assert "Unspecified" not in text
    assert 6 == text.count("Serial Number: ")


async def test_a_list_is_clean(pki: Bench, tmp_path: Path) -> None:
    """pkilint has nothing to say of it, empty or not."""
    for revoked in (False, True):
        if revoked:
            pki.revoke(await pki.issue(), "superseded")
            pki.now += 2 * DAY
            pki.start()
        found = await pki.crls.current(pki.ca)
        assert found is not None
        file = pem(tmp_path / "list.pem", found.der, "X509 CRL")
        assert (0, "") == said("lint_crl", file, options=("-t", "CRL", "-p", "PKIX"))


async def test_numbers_rise(pki: Bench) -> None:
    """Each list has a greater number, also across processes that publish at once; a list that will do is kept."""
    numbers = []
    for number in range(3):
        found = await pki.issue(f"{number}.example.org")
        pki.revoke(found, "superseded")
        serial = int(found.facts.serial_number, 16)
        lists = await asyncio.gather(*(pki.crls.list_revoked(pki.ca, serial) for _ in range(4)))
        assert 1 == len(set(lists))
        numbers.append(lists[0].number)
    assert sorted(set(numbers)) == numbers
    assert await shown_number(pki) == numbers[-1]


async def shown_number(pki: Bench) -> int:
    return (await listed(pki)).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


async def test_no_number_comes_again_after_a_restored_backup(pki: Bench) -> None:
    """What was published after the backup is forgotten by the database, and not by clients."""
    before = await publish_one(pki, "before.example.org")
    backup = dict(pki.store.lists)
    after = [await publish_one(pki, f"{n}.example.org") for n in range(3)]
    pki.store.lists = backup
    pki.now += timedelta(seconds=1)
    pki.start()
    assert before < min(after) <= max(after) < await publish_one(pki, "restored.example.org")


async def publish_one(pki: Bench, name: str) -> int:
    found = await pki.issue(name)
    pki.revoke(found, "superseded")
    return (await pki.crls.list_revoked(pki.ca, int(found.facts.serial_number, 16))).number


async def test_a_list_lasts_a_week_and_is_a_day_old_at_most(pki: Bench) -> None:
    """Asked again and again it is the same bytes; after a day there is a new one."""
    first = await listed(pki)
    assert LIFETIME == first.next_update_utc - first.last_update_utc  # type: ignore[operator] # it has one
    pki.now += REFRESHED_AFTER - timedelta(seconds=2)
    pki.start()
    assert first == await listed(pki)
    pki.now += timedelta(seconds=2)
    pki.start()
    assert first != await listed(pki)
    assert 2 == pki.store.published


async def test_what_is_asked_for_again_costs_nothing(pki: Bench) -> None:
    """Neither a signature nor a question to the store."""
    await listed(pki)
    pki.store.lists.clear()
    assert await listed(pki) is not None
    assert 1 == pki.store.published


async def test_an_entry_stays_until_a_week_after_the_end(pki: Bench) -> None:
    """Of the certificate, or of the revocation where that came later (RFC 5280, 3.3)."""
    found = await pki.issue()
    pki.revoke(found, "superseded")
    end = found.facts.not_after
    for now, is_there in ((end, True), (end + LIFETIME, True), (end + LIFETIME + timedelta(seconds=1), False)):
        pki.now = now
        pki.store.lists.clear()
        pki.start()
        assert is_there == (len(await listed(pki)) == 1), now
    pki.revoke(found, "superseded", at=end + 30 * DAY)
    pki.now = end + 30 * DAY
    assert 1 == len(
        x509.load_der_x509_crl((await pki.crls.list_revoked(pki.ca, int(found.facts.serial_number, 16))).der)
    )


async def test_the_root_has_a_list_of_its_own(pki: Bench) -> None:
    """An empty one; other CAs have none here."""
    assert pki.ca in pki.pki.authorities
    [root] = set(pki.pki.authorities) - {pki.ca}
    pki.revoke(await pki.issue(), "superseded")
    found = await pki.crls.current(root)
    assert found is not None
    assert 0 == len(x509.load_der_x509_crl(found.der))
    assert await pki.crls.current("00" * 20) is None
