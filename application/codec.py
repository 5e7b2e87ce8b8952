"""Events to stored bytes and back: (topic, UTF-8 JSON). The bytes are what the ledger hashes, so they never change."""

import msgspec

from domain.catalogue import TOPICS
from domain.entity import Event

_encode = msgspec.json.Encoder().encode
_decoders: dict[str, msgspec.json.Decoder[Event]] = {}


class UnknownTopic(ValueError):
    """The ledger holds a topic that this version of the program does not know. Upgrade before reading it."""


def encode(event: Event) -> bytes:
    """The payload of an event: its fields and its `meta`."""
    return _encode(event)


def decode(topic: str, payload: bytes) -> Event:
    """The event of a stored payload; raises UnknownTopic, or msgspec.ValidationError for bytes of another shape."""
    decoder = _decoders.get(topic)
    if decoder is None:
        decoder = _decoders[topic] = msgspec.json.Decoder(_class_of(topic))
    return decoder.decode(payload)


def _class_of(topic: str) -> type[Event]:
    try:
        return TOPICS[topic]
    except KeyError:
        raise UnknownTopic(f"the ledger holds events of type {topic}, which this version does not know") from None
