"""`application.personal.PersonalTexts`: one key per subject, opened keys in memory for as long as they are good.

A key that was destroyed is dropped by every process within `LIFE` seconds: before a text is opened, the count of
destructions is looked at unless that was done a moment ago, and where it has grown, all keys are read anew. While the
database cannot be asked, nothing is opened.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from os import urandom
from typing import Protocol
from uuid import UUID, uuid4

from adapters.keys.personal import KEY_BYTES, NotGenuine, SealedText, open_text, parse, seal_text, text_key
from adapters.keys.vault import CannotOpen
from application.personal import SubjectGone
from domain.personal import ERASED, UNREADABLE
from projections.stopping import asked_to_stop

LIFE = 0.5
ADDRESS = "address"
_REMEMBERED = 20_000
_ADDRESSES = 100


class SubjectKeys(Protocol):
    """Where keys are kept. They are given and taken as they are; keeping them sealed is the keeper's business."""

    async def destructions(self) -> int:
        """How many keys were destroyed so far."""
        ...

    async def load(self, subjects: Collection[UUID]) -> Mapping[UUID, bytes | None]:
        """The keys of those that ever had one; None: destroyed, or to be destroyed."""
        ...

    async def make(self, subject: UUID, key: bytes) -> None:
        """Keep a first key, unless there is or was one."""
        ...

    async def destroy(self, subject: UUID) -> None:
        """Destroy the key, and forget the names."""
        ...

    async def find_name(self, digest: bytes) -> UUID | None:
        """Who reserved a name."""
        ...

    async def reserve_name(self, digest: bytes, subject: UUID) -> UUID:
        """Who reserved it first."""
        ...


class Subjects:
    """Seals and opens. `names`: a secret that names are hashed with, the same for ever; `clock` in seconds."""

    def __init__(self, keys: SubjectKeys, names: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._names = hashlib.sha256(b"certferry/subject-names|" + names).digest()
        self._clock = clock
        self._opened: dict[UUID, bytes] = {}
        self._addresses: dict[UUID, dict[str, str]] = {}
        self._destructions = -1
        self._checked = float("-inf")
        self._checking = asyncio.Lock()

    async def seal(self, subject: UUID, kind: str, text: str) -> str:
        """See PersonalTexts.seal. Where somebody comes from is sealed once while their key is in memory."""
        key = await self._key(subject)
        if kind != ADDRESS:
            return seal_text(key, subject, kind, text)
        known = self._addresses.setdefault(subject, {})
        if text not in known:
            if len(known) >= _ADDRESSES:
                known.clear()
            known[text] = seal_text(key, subject, kind, text)
        return known[text]

    async def open(self, sealed: Iterable[str]) -> dict[str, str]:
        """See PersonalTexts.open."""
        parsed = {text: _parsed(text) for text in sealed}
        keys = await self._found({each.subject for each in parsed.values() if each is not None})
        return {text: UNREADABLE if each is None else _shown(each, keys) for text, each in parsed.items()}

    async def text_keys(self, sealed: Iterable[str]) -> dict[str, tuple[str, bytes]]:
        """Texts with their own keys, for archives that disclose them; of those that open."""
        parsed = {text: _parsed(text) for text in sealed}
        keys = await self._found({each.subject for each in parsed.values() if each is not None})
        found: dict[str, tuple[str, bytes]] = {}
        for text, each in parsed.items():
            key = keys.get(each.subject) if each is not None else None
            if each is not None and key is not None:
                with suppress(NotGenuine):
                    found[text] = open_text(key, each), text_key(key, each)
        return found

    async def id_of(self, name: str) -> UUID | None:
        """See PersonalTexts.id_of."""
        return await self._keys.find_name(self._digest(name))

    async def reserve(self, name: str) -> UUID:
        """See PersonalTexts.reserve."""
        return await self.id_of(name) or await self._keys.reserve_name(self._digest(name), uuid4())

    async def keys(self, subject: UUID) -> int:
        """See PersonalTexts.keys."""
        return sum(key is not None for key in (await self._keys.load([subject])).values())

    async def destroy(self, subject: UUID) -> None:
        """See PersonalTexts.destroy."""
        self.forget(subject)
        await self._keys.destroy(subject)
        self.forget(subject)

    def forget(self, subject: UUID) -> None:
        """Drop an opened key at once."""
        self._opened.pop(subject, None)
        self._addresses.pop(subject, None)

    async def refresh(self) -> None:
        """Look at the count of destructions now."""
        started = self._clock()
        if (found := await self._keys.destructions()) != self._destructions:
            self._drop()
            self._destructions = found
        self._checked = started

    async def keep_fresh(self) -> None:
        """For ever: nobody who opens a text has to wait for the count. A failure is left to whoever opens next."""
        while not asked_to_stop():
            with suppress(Exception):  # whoever opens a text asks again, and fails where it matters
                await self.refresh()
            await asyncio.sleep(LIFE / 2)

    async def _fresh(self) -> None:
        if self._clock() - self._checked < LIFE:
            return
        async with self._checking:
            if self._clock() - self._checked >= LIFE:
                await self.refresh()

    async def _found(self, subjects: Collection[UUID]) -> dict[UUID, bytes | None]:
        """Keys by subject; None: destroyed. Who never had one is left out."""
        if not subjects:
            return {}
        await self._fresh()
        found: dict[UUID, bytes | None] = {s: self._opened[s] for s in subjects if s in self._opened}
        if missing := [subject for subject in subjects if subject not in found]:
            known = self._destructions
            loaded = await self._keys.load(missing)
            found.update(loaded)
            if known == self._destructions:
                self._remember(loaded)
        return found

    async def _key(self, subject: UUID) -> bytes:
        await self._fresh()
        if (opened := self._opened.get(subject)) is not None:
            return opened
        found = await self._found([subject])
        if subject not in found:
            await self._keys.make(subject, urandom(KEY_BYTES))
            found = await self._found([subject])
        if subject not in found:
            raise CannotOpen(f"the vault cannot open the key of subject {subject}: its row was changed or put there")
        key = found[subject]
        if key is None:
            raise SubjectGone
        return key

    def _remember(self, loaded: Mapping[UUID, bytes | None]) -> None:
        if len(self._opened) > _REMEMBERED:
            self._drop()
        self._opened.update({subject: key for subject, key in loaded.items() if key is not None})

    def _drop(self) -> None:
        self._opened.clear()
        self._addresses.clear()

    def _digest(self, name: str) -> bytes:
        return hmac.digest(self._names, name.casefold().encode(), "sha256")

    def __repr__(self) -> str:
        return "Subjects(...)"


def _parsed(text: str) -> SealedText | None:
    try:
        return parse(text)
    except NotGenuine:
        return None


def _shown(sealed: SealedText, keys: Mapping[UUID, bytes | None]) -> str:
    if sealed.subject not in keys:
        return UNREADABLE
    key = keys[sealed.subject]
    if key is None:
        return ERASED
    try:
        return open_text(key, sealed)
    except NotGenuine:
        return UNREADABLE
