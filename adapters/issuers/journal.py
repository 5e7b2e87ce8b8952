"""How far one attempt at an order has come, sealed in the vault: each step is written before the next one is taken.

What is noted is never changed: of two workers that take the same step the first one's note counts, and both go on with
it. After a crash the order is taken up behind the last note.
"""

from hashlib import sha256
from uuid import UUID

import msgspec

from adapters.keys.store import SealedStore
from application.issuing_ports import IssuedCertificate
from application.ports import CertificateReader
from application.vault_ports import KeyVault
from domain import ids


class Kept(msgspec.Struct, frozen=True):
    """What the authority gave for an order (DER), and the key (PKCS#8 DER) where it was made here."""

    leaf: bytes
    chain: tuple[bytes, ...]
    private_key: bytes | None

    def __repr__(self) -> str:
        return "Kept(...)"

    def read(self, reader: CertificateReader) -> IssuedCertificate:
        """As the use cases want it."""
        chain = tuple(map(reader.certificate, self.chain))
        return IssuedCertificate(reader.certificate(self.leaf), chain, self.private_key)


class Journal:
    """The notes of one attempt. Everything in it goes with the order's owner."""

    def __init__(self, store: SealedStore, order_id: UUID, attempt: int) -> None:
        self._store = store
        self._order_id = order_id
        self._name = f"order attempt {attempt}"

    async def noted(self, step: str) -> bytes | None:
        """What was noted at a step, or None."""
        return await self._store.kept(self._order_id, f"{self._name} {step}")

    async def note(self, step: str, value: bytes) -> bytes:
        """Note a step, durably; the answer is the note that counts."""
        return await self._store.keep_first(self._order_id, f"{self._name} {step}", value)

    async def forget(self) -> None:
        """The outcome of the attempt is recorded: nothing of it is needed any more."""
        await self._store.forget(self._order_id, self._name)

    async def answer(self) -> Kept | None:
        """What the authority gave, or None."""
        kept = await self._store.kept(self._order_id, self._name)
        return None if kept is None else msgspec.msgpack.decode(kept, type=Kept)

    async def keep_answer(self, given: Kept) -> Kept:
        """Keep what the authority gave; the answer is the one that counts."""
        note = msgspec.msgpack.encode(given)
        kept = await self._store.keep_first(self._order_id, self._name, note)
        return given if kept == note else msgspec.msgpack.decode(kept, type=Kept)

    async def keep_issued(self, vault: KeyVault, given: Kept, private_key: bytes) -> Kept:
        """The same, and with it the key of the certificate, where it is looked for: both or neither."""
        note, certificate_id = msgspec.msgpack.encode(given), ids.certificate_id(sha256(given.leaf).hexdigest())
        kept = await vault.keep_first_with_key(self._order_id, self._name, note, certificate_id, private_key)
        return given if kept == note else msgspec.msgpack.decode(kept, type=Kept)
