"""Local PKI issues what RFC 5280 and the CA/Browser Forum's rules describe, and nothing that was merely asked for."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from psycopg_pool import AsyncConnectionPool

from adapters.issuers.local_pki import LocalPki, open_local_pki
from adapters.keys.authorities import kept_authorities
from adapters.keys.master_key import MasterKey
from adapters.keys.postgres_vault import PostgresVault
from adapters.keys.vault import Envelope
from adapters.simulated.vault import MemoryVault
from adapters.x509.parsing import parse_certificate
from adapters.x509.private_keys import spki
from application.issuer_ports import IssuanceRequest
from application.pem import encode
from domain.certificate_facts import CertificateFacts, Usage
from domain.errors import Refused
from tests.adapters.issuers.test_local_pki_names import for_names
from tests.contracts.issuer_contract import IssuerContract, wanted
from tests.support.postgres import Pg


def today() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def pki() -> LocalPki:
    return await open_local_pki(MemoryVault(), today)


@pytest.fixture
def issuer(pki: LocalPki) -> LocalPki:
    return pki


@pytest.fixture
def root_pem(pki: LocalPki) -> str:
    return pki.root_pem


class TestLocalPki(IssuerContract):
    """The contract of an issuer."""


def shown(der: bytes) -> str:
    """`openssl x509 -text`, one space between words."""
    command = ["openssl", "x509", "-noout", "-text"]
    text = subprocess.run(command, input=encode("CERTIFICATE", der), capture_output=True, text=True, check=True).stdout
    return " ".join(text.split())


async def facts(pki: LocalPki, request: IssuanceRequest) -> CertificateFacts:
    return parse_certificate((await pki.issue(request)).leaf).facts


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("algorithm", "key_usage"),
    [
        ("rsa-2048", "Digital Signature, Key Encipherment"),
        ("ec-384", "Digital Signature"),
        ("ed25519", "Digital Signature"),
    ],
)
async def test_openssl_shows_exactly_these_extensions(pki: LocalPki, algorithm: str, key_usage: str) -> None:
    """Key usage follows the key, extended key usage the usage asked for; both identifiers are there."""
    text = shown((await pki.issue(await wanted("a.example", usage=Usage.BOTH, algorithm=algorithm))).leaf)
    assert "X509v3 Basic Constraints: critical CA:FALSE X509v3" in text
    assert f"X509v3 Key Usage: critical {key_usage} X509v3" in text
    assert "X509v3 Extended Key Usage: TLS Web Server Authentication, TLS Web Client Authentication X509v3" in text
    assert "X509v3 Subject Alternative Name: critical DNS:a.example" in text
    assert "X509v3 Subject Key Identifier:" in text
    assert "X509v3 Authority Key Identifier:" in text
    assert text.count("X509v3 ") == len(("extensions", "BC", "KU", "EKU", "SAN", "SKI", "AKI"))


@pytest.mark.needs("openssl")
async def test_the_cas_are_cas_and_only_that(pki: LocalPki) -> None:
    """The root signs one level of CAs, the issuing CA signs end entities only; neither certifies for TLS itself."""
    issued = await pki.issue(await wanted("a.example"))
    root = x509.load_pem_x509_certificate(pki.root_pem.encode()).public_bytes(serialization.Encoding.DER)
    for der, path_length in ((root, 1), (issued.chain[0], 0)):
        text = shown(der)
        assert f"X509v3 Basic Constraints: critical CA:TRUE, pathlen:{path_length} " in text
        assert "X509v3 Key Usage: critical Certificate Sign, CRL Sign " in text
    kinds = [parse_certificate(der).facts for der in (root, issued.chain[0], issued.leaf)]
    assert [("ec-384", "sha384"), ("ec-256", "sha384"), ("ec-256", "sha256")] == [
        (each.algorithm, each.digest) for each in kinds
    ]
    assert kinds[1].subject_key_id == kinds[2].authority_key_id
    assert kinds[0].subject_key_id == kinds[1].authority_key_id


async def test_days_are_counted_as_the_ca_browser_forum_counts(pki: LocalPki) -> None:
    """90 days are 90 * 86,400 seconds with both ends included; one second more would be 91 days."""
    found = await facts(pki, await wanted("a.example", days=90))
    assert found.not_after - found.not_before == timedelta(days=90) - timedelta(seconds=1)
    assert timedelta(0) <= today() - found.not_before < timedelta(minutes=5)


async def test_no_certificate_outlives_its_issuer() -> None:
    """Near the issuing CA's end a validity is cut; after it nothing is issued."""
    vault = MemoryVault()
    pki = await open_local_pki(vault, today)
    end = parse_certificate((await pki.issue(for_names("a.example"))).chain[0]).facts.not_after
    late = await open_local_pki(vault, lambda: end - timedelta(days=3))
    assert (await facts(late, await wanted("a.example", days=90))).not_after == end
    for now in (end + timedelta(seconds=1), today() - timedelta(days=1)):
        closed = await open_local_pki(vault, lambda now=now: now)
        with pytest.raises(Refused, match="not valid at this time"):
            await closed.issue(for_names("a.example"))


@pytest.mark.parametrize("days", [0, -1, 3651, 10**12])
async def test_an_odd_validity_is_refused(pki: LocalPki, days: int) -> None:
    """No negative, empty or endless validity, and no overflow either."""
    with pytest.raises(Refused) as caught:
        await pki.issue(await wanted("a.example", days=days))
    assert caught.value.pointer == "/validity_days"


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"garbage",
        spki(rsa.generate_private_key(65537, 1024)),
        spki(ec.generate_private_key(ec.SECP256K1())),
        x25519.X25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["empty", "garbage", "rsa-1024", "secp256k1", "x25519"],
)
async def test_unacceptable_keys_are_refused(pki: LocalPki, key: bytes) -> None:
    """Weak, exotic and unreadable keys get no certificate."""
    request = IssuanceRequest(public_key=key, names=("a.example",), validity_days=1)
    with pytest.raises(Refused) as caught:
        await pki.issue(request)
    assert caught.value.pointer == "/csr_pem"


async def test_a_usage_of_neither_kind_is_refused(pki: LocalPki) -> None:
    """Local PKI issues for TLS only."""
    with pytest.raises(Refused) as caught:
        await pki.issue(for_names("a.example", usage=Usage.OTHER))
    assert caught.value.pointer == "/usage"


async def test_a_common_name_that_is_too_long_leaves_the_subject_empty(pki: LocalPki) -> None:
    """X.509 allows 64 characters: a longer name stands in the alternative names alone, which are critical then."""
    long = f"{'a' * 60}.example"
    found = await facts(pki, for_names(common_name=long))
    assert ("", long, (long,)) == (found.subject, found.common_name, found.subject_alternative_names)
    leaf = x509.load_der_x509_certificate((await pki.issue(for_names(common_name=long))).leaf)
    assert leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    short = x509.load_der_x509_certificate((await pki.issue(for_names(common_name="a.example"))).leaf)
    assert not short.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


@pytest_asyncio.fixture
async def vault(pg: Pg) -> AsyncIterator[PostgresVault]:
    pool: AsyncConnectionPool = AsyncConnectionPool(pg.app_dsn, min_size=4, max_size=8, open=False)
    async with pool:
        yield PostgresVault(pool, Envelope(MasterKey(bytes(32))))


async def test_starts_that_race_share_one_pki(vault: PostgresVault) -> None:
    """API and worker starting on an empty database end with the same root, and a later start finds it again."""
    opened = await asyncio.gather(*(open_local_pki(vault, today) for _ in range(6)))
    roots = {pki.root_pem for pki in opened}
    assert len(roots) == 1
    assert {(await open_local_pki(vault, today)).root_pem} == roots
    chains = {(await pki.issue(for_names("a.example"))).chain for pki in opened}
    assert len(chains) == 1


async def test_the_ca_keys_are_sealed_in_the_database(pg: Pg, vault: PostgresVault) -> None:
    """Whoever has the database has no CA: the keys are not there in clear."""
    await open_local_pki(vault, today)

    def never() -> tuple[()]:
        raise AssertionError("the authorities were made again")

    with psycopg.connect(pg.owner_dsn) as connection:
        owner, sealed = connection.execute("SELECT owner_id, sealed FROM vault.secrets").fetchall()[0]
    authorities = await kept_authorities(vault, owner, never)
    assert len(authorities) == 2
    for authority in authorities:
        key = authority.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        secret = key.private_numbers().private_value.to_bytes(key.key_size // 8, "big")
        assert secret not in sealed
