"""What the ledger proves of an event: the exact bytes of its Merkle leaf, and their hash.

A leaf names an event without telling its contents: they are bound by `data_sha256`, SHA-256 over a random salt and the
payload, so a payload can be erased while every proof stays valid. The log knows version, position and instant only when
it commits; it appends them to the head that is made here. Leaf hashes: RFC 6962, section 2.1.
"""

import hashlib
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import msgspec

from domain.entity import Actor, Event, Meta

SALT_BYTES = 16
LONGEST_LEAF = 65_535
_LONGEST_HEAD = LONGEST_LEAF - 128  # version, position and instant need at most 105 bytes
_NUL = b"\\u0000"


class NotStorable(ValueError):
    """The event cannot be kept: a text holds NUL or half a surrogate pair, or it names too many subjects."""


class _Head(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    v: int = msgspec.field(name="v")
    type: str
    stream: UUID
    subjects: list[UUID]
    actor: Actor
    correlation_id: UUID
    causation_position: int | None = None
    data_sha256: str = ""


_encode = msgspec.json.Encoder().encode


class Description(msgspec.Struct, frozen=True, gc=False):
    """What a leaf tells of an event in clear."""

    topic: str
    subjects: tuple[UUID, ...]
    meta: Meta


def describe(event: Event) -> Description:
    """An event's own description; its stream is added as the first subject."""
    return Description(event.topic, event.subjects(), event.meta)


def leaf_head(stream_id: UUID, event: Description, payload: bytes, salt: bytes) -> bytes:
    """The leaf's bytes up to `data_sha256`, without the closing brace."""
    meta = event.meta
    subjects = list(dict.fromkeys((stream_id, *event.subjects))) if event.subjects else [stream_id]
    digest = hashlib.sha256(salt + payload).hexdigest()
    head = _Head(1, event.topic, stream_id, subjects, meta.actor, meta.correlation_id, meta.causation_position, digest)
    encoded = _encode(head)[:-1]
    if len(encoded) > _LONGEST_HEAD:
        raise NotStorable(f"{event.topic} names too many subjects: its leaf would exceed {LONGEST_LEAF} bytes")
    return encoded


def complete_leaf(head: bytes, version: int, position: int, recorded_at: datetime) -> bytes:
    """The whole leaf, as the log writes it when it commits."""
    instant = recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return head + f',"version":{version},"position":{position},"recorded_at":"{instant}"}}'.encode()


def leaf_hash(leaf: bytes) -> bytes:
    """The 32 bytes that enter the tree."""
    return hashlib.sha256(b"\0" + leaf).digest()


def refuse_unstorable(topic: str, payload: bytes) -> None:
    """Raise NotStorable for a payload with a NUL in a text: PostgreSQL's text, and so every projection, has none."""
    if _NUL in payload and _holds_nul(msgspec.json.decode(payload)):
        raise NotStorable(f"{topic}: a text contains the character NUL")


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in cast("dict[str, object]", value).items() for part in pair)
    return isinstance(value, list) and any(map(_holds_nul, cast("list[object]", value)))
