"""The OCSP responder of Local PKI: good, revoked or unknown, as the inventory says at the moment of the question.

Answers are signed by a delegated responder, whose key lasts a few weeks. An answer without a nonce is signed once and
given again for a while, as long as nothing has changed.
"""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from adapters.issuers.local_pki import ca_id
from adapters.keys.authorities import kept_authorities
from adapters.keys.store import SealedStore
from adapters.x509.building import Authority, make_ocsp_responder, validity
from adapters.x509.crl import Lasting
from adapters.x509.names import named
from adapters.x509.ocsp import UNAUTHORIZED, CertId, Question, Status, answer, names_of, read_question
from adapters.x509.parsing import serial_hex
from application.ports import Clock
from domain import ids
from domain.certificate_order import Provider
from projections.inventory.view import CertificateRow

RESPONDER_LIFETIME = timedelta(days=30)
RESPONDER_PERIOD = timedelta(days=10)
ANSWER_LIFETIME = timedelta(days=1)
KEPT_FOR = timedelta(hours=1)
_MOST_KEPT = 20_000


class Issued(Protocol):
    """Where certificates are found (projections.inventory.view.Inventory is one)."""

    async def by_issuer_serial(self, issuer: str, serial_number: str) -> CertificateRow | None:
        """See Inventory.by_issuer_serial."""
        ...


class OcspAnswer(NamedTuple):
    """DER, and until when it may be kept; None: not at all (it is for one question, or is none)."""

    der: bytes
    lasting: Lasting | None


class LocalPkiOcsp:
    """The responder of one issuing CA."""

    def __init__(self, authority: Authority, inventory: Issued, store: SealedStore, clock: Clock) -> None:
        self._authority = authority
        self._names = names_of(authority.certificate)
        self._issuer = authority.certificate.subject.rfc4514_string()
        self._key_id = ca_id(authority.certificate)
        self._inventory = inventory
        self._store = store
        self._clock = clock
        self._responders: dict[int, Authority] = {}
        self._kept: dict[tuple[CertId, Status], tuple[bytes, Lasting]] = {}

    async def answer(self, request: bytes) -> OcspAnswer:
        """The answer to a request (DER)."""
        question = read_question(request)
        if isinstance(question, bytes):
            return OcspAnswer(question, None)
        about = question.about
        if (about.algorithm, about.issuer_name_hash, about.issuer_key_hash) not in self._names:
            return OcspAnswer(UNAUTHORIZED, None)
        status = await self._status(about.serial_number)
        if question.nonce is not None:
            return OcspAnswer(answer(question, status, await self._responder(), self._lasting()), None)
        return await self._kept_answer(question, status)

    async def _status(self, serial_number: int) -> Status:
        if serial_number < 0:
            return Status(known=False)
        row = await self._inventory.by_issuer_serial(self._issuer, serial_hex(serial_number))
        if row is None or row.state.provider != Provider.LOCAL_PKI or not self._is_ours(row):
            return Status(known=False)
        state = row.state
        if state.revoked_at is None:
            return Status(known=True)
        return Status(known=True, revoked_at=state.revoked_at, reason=state.revocation_reason)

    def _is_ours(self, row: CertificateRow) -> bool:
        return row.state.facts.authority_key_id == self._key_id

    async def _kept_answer(self, question: Question, status: Status) -> OcspAnswer:
        kept = self._kept.get((question.about, status))
        if kept is None or kept[1].this_update + KEPT_FOR <= self._clock():
            lasting = self._lasting()
            kept = answer(question, status, await self._responder(), lasting), lasting
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[question.about, status] = kept
        return OcspAnswer(*kept)

    def _lasting(self) -> Lasting:
        now = self._clock().replace(microsecond=0)
        return Lasting(now, now + ANSWER_LIFETIME)

    async def _responder(self) -> Authority:
        """Of this period: the same in every process, made by the first one that needs it."""
        now = self._clock()
        period = int(now.timestamp() // RESPONDER_PERIOD.total_seconds())
        found = self._responders.get(period)
        if found is None:
            [found] = await kept_authorities(self._store, self._owner(period), lambda: (self._make(now),))
            self._responders = {period: found}
            await self._store.forget(self._owner(period - 3))
        return found

    def _owner(self, period: int) -> UUID:
        return ids.derive("ocsp-responder", self._key_id, period)

    def _make(self, now: datetime) -> Authority:
        lasting = validity(now, RESPONDER_LIFETIME, self._authority.certificate)
        key = ec.generate_private_key(ec.SECP256R1())
        return make_ocsp_responder(named("certferry OCSP Responder"), key, lasting, self._authority)
