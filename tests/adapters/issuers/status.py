"""Local PKI's revocation lists and OCSP responder over an inventory in memory, and OpenSSL as a client of them."""

import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from adapters.issuers.local_pki import LocalPki, ca_id, open_local_pki
from adapters.issuers.local_pki_crls import LocalPkiCrls
from adapters.issuers.local_pki_ocsp import LocalPkiOcsp
from adapters.simulated.vault import MemoryVault
from adapters.x509.crl import PublishedCrl
from adapters.x509.parsing import ParsedCertificate, parse_certificate
from application.pem import encode
from domain import ids
from domain.certificate import Certificate, status
from projections.inventory.view import CertificateFilter, CertificateRow, Sort
from tests.contracts.issuer_contract import wanted
from tests.support.components import require

URL = "http://pki.example.org"


class Turn:
    """Publishes into memory."""

    def __init__(self, store: "MemoryCrlStore", ca: str) -> None:
        self._store, self._ca = store, ca
        self.latest = store.lists.get(ca)

    async def keep(self, crl: PublishedCrl) -> None:
        self._store.lists[self._ca] = crl
        self._store.published += 1


class MemoryCrlStore:
    """Lists in memory."""

    def __init__(self) -> None:
        self.lists: dict[str, PublishedCrl] = {}
        self.published = 0

    async def latest(self, ca_id: str) -> PublishedCrl | None:
        return self.lists.get(ca_id)

    @asynccontextmanager
    async def next(self, ca_id: str) -> AsyncIterator[Turn]:
        yield Turn(self, ca_id)


class Bench:
    """A Local PKI with what it issued."""

    def __init__(self, pki: LocalPki, vault: MemoryVault, now: datetime) -> None:
        self.pki = pki
        self.vault = vault
        self.now = now
        self.rows: dict[str, CertificateRow] = {}
        self.store = MemoryCrlStore()
        self.ca = ca_id(pki.issuing.certificate)
        self.start()

    def start(self) -> None:
        """As a process that starts."""
        self.crls = LocalPkiCrls(self.pki.authorities, self, self.store, self.clock)
        self.ocsp = LocalPkiOcsp(self.pki.issuing, self, self.vault, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def issue(self, name: str = "www.example.org", provider: str = "local_pki") -> ParsedCertificate:
        """One more, in the inventory."""
        issued = await self.pki.issue(await wanted(name))
        found = parse_certificate(issued.leaf)
        self._keep(Certificate(facts=found.facts, der=found.der, provider=provider))
        return found

    def revoke(self, found: ParsedCertificate, reason: str, at: datetime | None = None) -> None:
        """As the inventory shows it."""
        known = Certificate(facts=found.facts, der=found.der, provider="local_pki")
        self._keep(msgspec.structs.replace(known, revoked_at=at or self.now, revocation_reason=reason))

    def _keep(self, state: Certificate) -> None:
        facts = state.facts
        self.rows[facts.serial_number] = CertificateRow(
            id=ids.certificate_id(facts.fingerprint_sha256),
            version=1,
            created_position=1,
            position=1,
            created_at=self.now,
            updated_at=self.now,
            quarantined_position=None,
            state=state,
        )

    async def by_issuer_serial(self, issuer: str, serial_number: str) -> CertificateRow | None:
        found = self.rows.get(serial_number)
        return found if found is not None and found.state.facts.issuer == issuer else None

    async def stream(
        self, narrow: CertificateFilter, *, sort: Sort = "not_after"
    ) -> AsyncIterator[Sequence[CertificateRow]]:
        assert sort == "created"
        yield [
            row
            for row in self.rows.values()
            if status(row.state, narrow.now) in narrow.status and row.state.provider in narrow.provider
        ]


async def bench(url: str = URL) -> Bench:
    """A new one, as of now: OpenSSL has no other time."""
    vault, moment = MemoryVault(), datetime.now(UTC)
    return Bench(await open_local_pki(vault, lambda: moment, url), vault, moment)


def pem(path: Path, der: bytes, label: str = "CERTIFICATE") -> Path:
    """A file that OpenSSL reads."""
    path.write_text(encode(label, der))
    return path


def openssl(*arguments: str | Path) -> tuple[int, str]:
    """What a second implementation says."""
    command = [str(require("openssl")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
