"""Evidence of one push: what belongs to it, all of it, and what the verifier finds where something does not fit."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.evidence import verify
from adapters.evidence.choosing import Born, NoSuchPush, Placed, chosen, named, people_of, placed, requested, streams_of
from adapters.evidence.story import summary
from adapters.evidence.writing import Push, write_push
from adapters.keys.ed25519 import verify_ed25519
from adapters.postgres.raw import RawEvent
from application.pem import certificates
from domain.transparency.hashing import leaf_hash
from domain.transparency.tlog_proof import check_tlog_proof, parse_tlog_proof
from tests.adapters.evidence.ledgers import KEY, ORIGIN, SealedLedger, raw_events, saved
from tests.adapters.evidence.test_verify import contents, rewritten
from tests.projections.histories import history
from tests.projections.world import World

histories = st.builds(history, st.integers(0, 2**32), st.integers(50, 400))


def told(order_id: UUID, events: Sequence[RawEvent]) -> list[Placed]:
    """What is chosen of a ledger."""
    asked = requested(order_id, placed(e for e in events if e.stream == order_id.bytes))
    wanted = {key.bytes for key in streams_of(order_id, asked)}
    found = chosen(order_id, placed(event for event in events if event.stream in wanted))
    people = {key.bytes for key in people_of(found)}
    of_people = named(placed(event for event in events if event.stream in people))
    return sorted({each.row.position: each for each in (*found, *of_people)}.values(), key=lambda e: e.row.position)


def push_archive(ledger: SealedLedger, order_id: UUID) -> bytes:
    found = told(order_id, ledger.events)
    born = next(each.event for each in found if isinstance(each.event, Born))
    pem = certificates([born.der, *getattr(born, "chain", ())])
    out = io.BytesIO()
    further = {"summary.json": json.dumps(summary(found)).encode()}
    write_push(out, ledger.anchor(), Push(order_id, [each.row for each in found], pem, further))
    return out.getvalue()


def orders(world: World) -> list[UUID]:
    return world.all("work_order")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=histories)
def test_every_push_of_any_history_holds(world: World, tmp_path: Path) -> None:
    """Whatever became of it: digest, people, certificate and proofs are in order."""
    if not orders(world):
        return
    ledger = SealedLedger(raw_events(world))
    for order_id in orders(world)[:5]:
        assert 0 == verify.main([str(saved(tmp_path, push_archive(ledger, order_id)))]), verify.wrong


@settings(max_examples=25, deadline=None)
@given(world=histories)
def test_all_that_belongs_to_it_and_nothing_of_others(world: World) -> None:
    """The work order's own events all; each deployment with what became of it; handshakes that were its first."""
    events = raw_events(world)
    for order_id in orders(world)[:8]:
        found = told(order_id, events)
        own = [event.position for event in events if event.stream == order_id.bytes]
        assert set(own) <= {each.row.position for each in found}
        for each in found:
            fields = json.loads(each.row.payload)
            assert fields.get("work_order_id", str(order_id)) == str(order_id)
            assert each.row.topic.startswith("work_order.") is (each.stream == order_id or "refused" in each.row.topic)
        deployments = {
            json.loads(e.row.payload)["deployment_id"] for e in found if "deployment.requested" in e.row.topic
        }
        expected = [e.position for e in events if json.loads(e.payload).get("deployment_id") in deployments]
        assert set(expected) <= {each.row.position for each in found}


@pytest.fixture(scope="module")
def world() -> World:
    return history(12, 900)


@pytest.fixture(scope="module")
def ledger(world: World) -> SealedLedger:
    return SealedLedger(raw_events(world))


@pytest.fixture(scope="module")
def order_id(world: World) -> UUID:
    """A push with decisions, a deployment that succeeded and a handshake."""
    done = [
        key
        for key in orders(world)
        if {"work_order.push.approved", "work_order.push.completed"} <= {e.topic for e in world.streams[key]}
        and any(
            getattr(e, "work_order_id", None) == key
            for _, e in world.events
            if e.topic == "connector.validation.changed"
        )
    ]
    return done[0]


@pytest.fixture(scope="module")
def archive(ledger: SealedLedger, order_id: UUID) -> bytes:
    return push_archive(ledger, order_id)


def test_the_story(archive: bytes, order_id: UUID) -> None:
    """Request, decisions with their digest, dispatch, confirmation, handshake: each with its position."""
    story: dict[str, list[dict[str, Any]]] = json.loads(contents(archive)["summary.json"])
    steps = [step["what"] for step in story["decisions"]]
    assert "work_order.push.requested" == steps[0]
    assert "work_order.push.completed" in steps
    [digest] = {step["digest"] for step in story["decisions"] if "digest" in step}
    assert [digest] * len(story["dispatch"]) == [step["digest"] for step in story["dispatch"]]
    assert "certificate.deployment.success" in {step["what"] for step in story["confirmation"]}
    assert story["handshakes"][0]["evidence"]
    assert story["certificate"][0]["facts"]["fingerprint_sha256"]
    positions = [step["position"] for section in story.values() for step in section]
    told_positions = [json.loads(line)["position"] for line in contents(archive)["events.ndjson"].splitlines()]
    assert set(positions) <= set(told_positions)


def test_each_event_has_a_proof_of_its_own(archive: bytes, ledger: SealedLedger) -> None:
    """A C2SP tlog-proof that our other reading of the format accepts, too."""
    files = contents(archive)
    for line in files["events.ndjson"].splitlines():
        event = json.loads(line)
        proof = parse_tlog_proof(files[f"proofs/{event['position']}.tlog-proof"].decode())
        assert event["position"] - 1 == proof.index
        check_tlog_proof(proof, leaf_hash(event["leaf"].encode()), ORIGIN, [KEY.key], verify_ed25519)


def test_what_does_not_fit_is_named(world: World, order_id: UUID, tmp_path: Path) -> None:
    """In ledgers whose every leaf is proven: another digest approved, one person twice, other settings sent."""
    for topic, change, said in (
        ("work_order.push.approved", {"digest": "0" * 64}, "is about something else than what was requested"),
        ("certificate.deployment.requested", {"target_system_id": str(UUID(int=7))}, None),
        (
            "certificate.deployment.requested",
            {"settings": {"version": 99}},
            "what was sent is not what its digest says",
        ),
        ("work_order.push.approved", {"meta": "of the requester"}, "one person gave two"),
    ):
        forged = SealedLedger(raw_events(_changed(world, order_id, topic, change)))
        status = verify.main([str(saved(tmp_path, push_archive(forged, order_id)))])
        assert status == (said is not None), (topic, change, verify.wrong)
        assert said is None or any(said in sentence for sentence in verify.wrong)


def _changed(world: World, order_id: UUID, topic: str, change: dict[str, Any]) -> World:
    """The same history, with another first event of a topic in this push's streams."""
    import copy

    import msgspec

    other = copy.copy(world)
    asked = requested(order_id, placed(e for e in raw_events(world) if e.stream == order_id.bytes))
    commands = []
    done = False
    for command in world.commands:
        changes = []
        for stream, events in command:
            kept = list(events)
            for number, event in enumerate(events):
                mine = stream == order_id or getattr(event, "work_order_id", None) == order_id
                if not done and mine and event.topic == topic:
                    fields = msgspec.to_builtins(event)
                    for name, value in change.items():
                        if name == "meta":
                            fields["meta"]["actor"] = msgspec.to_builtins(
                                next(e for s, e in world.events if s == order_id).meta.actor
                            )
                        else:
                            fields[name] = {**fields[name], **value} if isinstance(value, dict) else value
                    kept[number] = msgspec.convert(fields, type(event))
                    done = True
            changes.append((stream, tuple(kept)))
        commands.append(tuple(changes))
    assert done, (asked, topic)
    other.commands = commands
    return other


def test_another_certificate_beside_is_named(archive: bytes, tmp_path: Path) -> None:
    """The PEM must be the certificate that the ledger knows."""
    other = certificates([b"another"]).encode()
    path = saved(tmp_path, rewritten(archive, **{"certificate.pem": other}))
    assert 1 == verify.main([str(path)])
    assert any(sentence.startswith("certificate.pem: ") for sentence in verify.wrong)


def test_there_is_no_such_push(ledger: SealedLedger) -> None:
    with pytest.raises(NoSuchPush):
        told(UUID(int=1), ledger.events)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere(archive: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """As in every archive."""
    at, bit = data.draw(st.integers(0, len(archive) - 1)), data.draw(st.integers(0, 7))
    path = saved(tmp_path, archive[:at] + bytes([archive[at] ^ 1 << bit]) + archive[at + 1 :])
    assert 1 == verify.main([str(path)])
