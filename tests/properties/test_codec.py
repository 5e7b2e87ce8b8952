"""Every event is stored and read back without loss, and always in the same bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.codec import decode, encode
from domain.catalogue import TOPICS
from domain.entity import Event
from tests.properties.strategies import LAW, structs

TOPIC_NAMES = sorted(TOPICS)


@LAW
@given(st.sampled_from(TOPIC_NAMES).flatmap(lambda topic: structs(TOPICS[topic])))
def test_every_event_round_trips_byte_for_byte(event: Event) -> None:
    """Stored, read and stored again: the same event and the same bytes."""
    payload = encode(event)
    assert event == decode(event.topic, payload)
    assert payload == encode(decode(event.topic, payload))


@pytest.mark.parametrize("topic", TOPIC_NAMES)
@settings(LAW, max_examples=4)
@given(data=st.data())
def test_no_topic_is_left_to_luck(topic: str, data: st.DataObject) -> None:
    """The same for each topic by name."""
    event = data.draw(structs(TOPICS[topic]))
    assert event == decode(topic, encode(event))
    assert encode(event) == encode(decode(topic, encode(event)))


@LAW
@given(st.sampled_from(TOPIC_NAMES).flatmap(lambda topic: structs(TOPICS[topic])))
def test_subjects_are_ids_of_the_event(event: Event) -> None:
    """Every subject stands in the payload."""
    payload = encode(event).decode()
    assert all(str(subject) in payload for subject in event.subjects())
