"""Personal texts in evidence: the events hold them sealed, the story shows them, and single keys prove that it does."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from application.opening import in_json, replaced, sealed_in
from domain.personal import ERASED


class Disclosed(msgspec.Struct, frozen=True):
    """One text: as the events hold it, in clear, and the key that opens it and no other (base64)."""

    sealed: str
    text: str
    key: bytes

    def __repr__(self) -> str:
        return "Disclosed(...)"


class Discloses(Protocol):
    """What evidence asks whoever holds the keys (adapters.keys.subjects.Subjects)."""

    async def text_keys(self, sealed: Iterable[str]) -> dict[str, tuple[str, bytes]]:
        """Texts and their own keys, of those that can be opened."""
        ...


async def disclosed(texts: Discloses, payloads: Iterable[bytes]) -> list[Disclosed]:
    """Every text of these events that is not erased."""
    sealed = sorted({each for payload in payloads for each in sealed_in(payload)})
    found = await texts.text_keys(sealed)
    return [Disclosed(each, *found[each]) for each in sealed if each in found]


def shown(content: bytes, found: Iterable[Disclosed]) -> bytes:
    """JSON with the texts in it in clear."""
    texts = {each.sealed: in_json(each.text) for each in found}
    return replaced(content, lambda sealed: texts.get(sealed, ERASED))
