"""Messages of RFC 5424, read back by its grammar."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.syslog.events import SEVERITIES, event_message, in_ascii, severity_of
from adapters.syslog.messages import Message, Severity, encoded
from domain.catalogue import TOPICS
from domain.entity import Actor, ActorKind
from projections.audit_trail.cloud_events import Origin
from projections.audit_trail.cloud_events import encoded as cloud_event
from projections.audit_trail.view import AuditEvent
from tests.adapters.syslog.by_the_book import parse

ORIGIN = Origin("ledger.example/certferry", "https://certferry.example.org")
NAMES = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=32)
TEXTS = st.text(max_size=80) | st.text('"\\]\n\r=[ é\x00\u2028', max_size=20)
AT = datetime(2026, 3, 14, 9, 26, 53, 5, tzinfo=UTC)
CONTROLS = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0xD800, 0xE000)}


@given(
    st.sampled_from(Severity),
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),
    st.text(max_size=50),
    st.lists(st.tuples(NAMES, TEXTS), max_size=8),
)
def test_a_message_says_what_it_was_made_of(
    severity: Severity, at: datetime, kind: str, values: list[tuple[str, str]]
) -> None:
    """Whatever stands in the values: quotes, brackets, lines, any alphabet. It is always one line."""
    made = encoded(Message(severity=severity, at=at, kind=kind, element="event", values=tuple(values), text="{}"))
    found = parse(made)
    assert (found.facility, found.severity, found.at, found.app_name) == (13, severity, at, "certferry")
    assert (found.element, found.text) == ("event@32473", b"{}")
    assert found.parameters == [(name, _without_controls(value)) for name, value in values]
    assert len(made.splitlines()) == 1


def _without_controls(text: str) -> str:
    return "".join("\ufffd" if ord(character) in CONTROLS else character for character in text)


def happened(data: object, *, actor: str = "ann", topic: str = "certificate.issued") -> AuditEvent:
    return AuditEvent(
        position=42,
        type=topic,
        stream_id=UUID(int=1),
        version=3,
        subjects=(),
        actor=Actor(ActorKind.BRIDGE, actor, "bob"),
        correlation_id=UUID(int=2),
        causation_position=41,
        recorded_at=AT,
        salt=bytes(16),
        leaf=b"leaf",
        leaf_hash=bytes(range(32)),
        payload=msgspec.json.encode(data),
    )


def test_an_event_says_who_did_what_when_and_which_leaf_proves_it() -> None:
    """The structured data is enough to find the event and its proof; the text is its CloudEvent."""
    event = happened({"name": 'é "]\n'})
    found = parse(event_message(event, ORIGIN, 8192))
    assert (found.kind, found.severity, found.at) == ("certificate.issued", Severity.NOTICE, AT)
    assert dict(found.parameters) == {
        "position": "42",
        "source": "ledger.example/certferry",
        "type": "certificate.issued",
        "stream": str(UUID(int=1)),
        "actorkind": "bridge",
        "actorid": "ann",
        "actoronbehalfof": "bob",
        "correlationid": str(UUID(int=2)),
        "causationposition": "41",
        "leafhash": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    }
    assert found.text.isascii()
    assert json.loads(found.text) == json.loads(cloud_event(event, ORIGIN))


@given(st.recursive(st.none() | st.integers() | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_the_same_json_in_ascii(value: Any) -> None:
    """No character beyond ASCII, no line break, and the same value."""
    text = in_ascii(json.dumps(value, ensure_ascii=False))
    assert text.isascii()
    assert len(text.splitlines()) <= 1
    assert json.loads(text) == value


@given(st.integers(0, 9000), st.integers(2048, 9000), st.text(max_size=400))
def test_no_message_is_longer_than_the_receiver_takes(size: int, longest: int, actor: str) -> None:
    """Where the data does not fit, `dataref` says where it is; what says which event it is always fits."""
    made = event_message(happened({"x": "y" * size}, actor=actor), ORIGIN, longest)
    assert len(made) <= longest
    found = parse(made)
    assert dict(found.parameters)["position"] == "42"
    event = json.loads(found.text or "{}")
    assert "data" in event or event.get("dataref", "").endswith("/audit-events/42/payload") or not found.text


def test_what_fits_to_the_octet_is_sent_whole() -> None:
    """One octet less, and the data is left out; never cut in the middle."""
    event = happened({"x": "é" * 1000})
    whole = event_message(event, ORIGIN, 65_000)
    assert event_message(event, ORIGIN, len(whole)) == whole
    assert "dataref" in json.loads(parse(event_message(event, ORIGIN, len(whole) - 1)).text)


def test_a_long_type_is_whole_in_the_structured_data() -> None:
    """A message id has 32 characters at most."""
    found = parse(event_message(happened({}, topic="certificate.request_automated.submitted"), ORIGIN, 8192))
    assert found.kind == "certificate.request_automated.su"
    assert dict(found.parameters)["type"] == "certificate.request_automated.submitted"


@pytest.mark.parametrize(
    ("topic", "severity"),
    [
        ("certificate.deployment.failed", Severity.ERROR),
        ("access.denied", Severity.WARNING),
        ("work_order.push.approved", Severity.NOTICE),
        ("audit.log.read", Severity.INFORMATIONAL),
    ],
)
def test_severity_follows_the_type(topic: str, severity: Severity) -> None:
    """Failures, refusals, changes, reads."""
    assert severity_of(topic) is severity


def test_every_type_with_a_severity_of_its_own_exists() -> None:
    """And has one only."""
    told = [topic for _, topics in SEVERITIES for topic in topics]
    assert set(told) <= set(TOPICS)
    assert len(told) == len(set(told))
