"""The stored shape of every event, byte for byte. The ledger keeps these bytes for ever, and hashes them.

A changed shape fails here. If it is meant: bytes that are stored already must still be read, so either the change only
adds optional fields (delete the golden file, run `python -m tests.golden.write`, and keep the old bytes in
`events/older/`), or it gets a new `schema_version` and an upcaster.
"""

from typing import Any

import msgspec
import pytest

from application.codec import UnknownTopic, decode, encode
from domain.catalogue import TOPICS
from domain.entity import Meta
from tests.golden.write import EVENTS, path_of, shape_of
from tests.support.examples import example


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_an_event_is_stored_in_its_golden_shape(topic: str) -> None:
    """Every topic has a golden file, and today's program writes exactly its bytes."""
    assert path_of(topic).is_file(), f"no golden file for {topic}: run python -m tests.golden.write"
    assert path_of(topic).read_bytes() == shape_of(topic)


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_the_golden_bytes_are_read_back(topic: str) -> None:
    """Reading the stored bytes gives the event, and writing it again gives the bytes."""
    event = decode(topic, path_of(topic).read_bytes())
    assert example(TOPICS[topic]) == event
    assert path_of(topic).read_bytes() == encode(event)


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_the_example_leaves_no_field_out(topic: str) -> None:
    """A field that hides behind its default would not be seen to change."""
    stored = path_of(topic).read_bytes()
    assert all(f'"{name}":'.encode() in stored for name in TOPICS[topic].__struct_fields__)


def test_every_golden_file_has_its_topic() -> None:
    """An event that is in the ledger cannot be forgotten: its class stays."""
    assert {path.name for path in EVENTS.glob("*.json")} == {path_of(topic).name for topic in TOPICS}


def test_all_that_was_ever_stored_is_read() -> None:
    """The golden bytes of today and of earlier versions can be read for ever."""
    for path in (*EVENTS.glob("*.json"), *EVENTS.glob("older/*.json")):
        topic = path.name.rsplit(".v", 1)[0]
        assert isinstance(decode(topic, path.read_bytes()), TOPICS[topic])


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_optional_fields_may_be_missing(topic: str) -> None:
    """What is left out when it is stored is read as its default, and left out again."""
    required = {f.name for f in msgspec.structs.fields(TOPICS[topic]) if f.required}
    fields: dict[str, msgspec.Raw] = msgspec.json.decode(path_of(topic).read_bytes(), type=dict[str, msgspec.Raw])
    bare = msgspec.json.encode({name: raw for name, raw in fields.items() if name in required})
    assert bare == encode(decode(topic, bare))


META, AT, COMMENT = ("meta", Meta), ("level", int), ("comment", str | None, None)


@pytest.mark.parametrize(
    "fields",
    [
        (META, AT, COMMENT, ("ticket", str | None, None)),
        (META, AT),
        (META, AT, ("remark", str | None, None)),
        (META, ("level", str), COMMENT),
        (META, COMMENT, AT),
    ],
    ids=["added", "removed", "renamed", "another type", "another order"],
)
def test_a_changed_shape_would_be_seen(fields: tuple[Any, ...]) -> None:
    """Any change to the fields of `work_order.push.rejected` makes other bytes."""
    changed = msgspec.defstruct("PushRejected", fields, frozen=True, kw_only=True, omit_defaults=True)
    same = msgspec.defstruct("PushRejected", (META, AT, COMMENT), frozen=True, kw_only=True, omit_defaults=True)
    golden = path_of("work_order.push.rejected").read_bytes()
    assert golden == msgspec.json.encode(example(same))
    assert golden != msgspec.json.encode(example(changed))


def test_an_unknown_topic_is_said_to_be_unknown() -> None:
    """A ledger of a newer version is not read by guessing."""
    with pytest.raises(UnknownTopic, match=r"work_order\.push\.unheard_of"):
        decode("work_order.push.unheard_of", b"{}")
