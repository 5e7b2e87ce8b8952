"""The audit trail's answers, compared with the whole ledger."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
import pytest

from application import codec
from application.leaf import leaf_hash
from domain.access import CertificateViewed
from domain.entity import Event
from projections.audit_trail.scanning import scan
from projections.audit_trail.view import AuditFilter
from projections.catalogue import Views
from tests.projections.conftest import Town
from tests.projections.ledger import in_read

Found = tuple[int, UUID, Event]


def _subjects(found: Found) -> set[UUID]:
    return {found[1], *found[2].subjects()}


FILTERS: dict[str, Callable[[Town], tuple[AuditFilter, Callable[[Found], bool]]]] = {
    "everything": lambda town: (AuditFilter(), lambda found: True),
    "a type": lambda town: (
        AuditFilter(types=("certificate.deployment.success",)),
        lambda found: found[2].topic == "certificate.deployment.success",
    ),
    "types, one with a star": lambda town: (
        AuditFilter(types=("certificate.deployment.*", "role.granted")),
        lambda found: found[2].topic.startswith("certificate.deployment.") or found[2].topic == "role.granted",
    ),
    "a star with an underscore before it": lambda town: (
        AuditFilter(types=("work_order.*",)),
        lambda found: found[2].topic.startswith("work_order."),
    ),
    "a subject": lambda town: (
        AuditFilter(subjects=(town.world.all("connector")[0],)),
        lambda found: town.world.all("connector")[0] in _subjects(found),
    ),
    "subjects": lambda town: (
        AuditFilter(subjects=(town.world.all("connector")[1], town.world.all("bridge")[0])),
        lambda found: bool({town.world.all("connector")[1], town.world.all("bridge")[0]} & _subjects(found)),
    ),
    "an actor": lambda town: (AuditFilter(actors=("rita",)), lambda found: _by(found, "rita")),
    "a machine": lambda town: (AuditFilter(actors=("dispatcher",)), lambda found: _by(found, "dispatcher")),
    "a conversation": lambda town: (
        AuditFilter(correlation_ids=(town.events[7][2].meta.correlation_id,)),
        lambda found: found[2].meta.correlation_id == town.events[7][2].meta.correlation_id,
    ),
    "two fields": lambda town: (
        AuditFilter(types=("work_order.push.*",), actors=("anton",)),
        lambda found: found[2].topic.startswith("work_order.push.") and _by(found, "anton"),
    ),
    "up to a position": lambda town: (AuditFilter(until_position=100), lambda found: found[0] <= 100),
}


def _by(found: Found, who: str) -> bool:
    actor = found[2].meta.actor
    return who in {actor.id, actor.on_behalf_of}


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filter_finds_what_a_look_at_the_whole_ledger_finds(town: Town, ask: Views, name: str) -> None:
    """Forwards in pages, backwards, and step by step."""
    narrow, matches = FILTERS[name](town)
    expected = [found[0] for found in town.events if matches(found)]
    assert expected
    forwards: list[int] = []
    while page := await ask.audit_trail.list(narrow, after_position=forwards[-1] if forwards else 0, limit=70):
        forwards += [event.position for event in page]
    assert expected == forwards
    for batch, span in ((90, 10_000), (10_000, 90), (7, 11)):
        steps = [step async for step in scan(ask.audit_trail, narrow, 0, len(town.events), batch=batch, span=span)]
        assert expected == [event.position for step in steps for event in step.events]
        assert steps[-1].position == min(len(town.events), narrow.until_position or len(town.events))
        assert all(earlier.position < later.position <= earlier.position + span for earlier, later in pairwise(steps))
    backwards: list[int] = []
    while page := await ask.audit_trail.latest(narrow, before_position=backwards[-1] if backwards else None, limit=70):
        backwards += [event.position for event in page]
    assert expected[::-1] == backwards


async def test_an_event_is_told_with_everything_that_proves_it(town: Town, ask: Views) -> None:
    """The exact payload and leaf, the salt and the leaf hash; and what the leaf says, in fields."""
    for position, stream_id, event in town.events[::40]:
        found = await ask.audit_trail.get(position)
        assert found is not None
        meta = event.meta
        assert (event.topic, stream_id, meta.actor, meta.correlation_id, meta.causation_position) == (
            found.type,
            found.stream_id,
            found.actor,
            found.correlation_id,
            found.causation_position,
        )
        assert tuple(dict.fromkeys((stream_id, *event.subjects()))) == found.subjects
        assert codec.encode(event) == found.payload == bytes(found.data)
        leaf = msgspec.json.decode(found.leaf)
        assert hashlib.sha256(found.salt + found.payload).hexdigest() == leaf["data_sha256"]
        assert (position, found.version) == (leaf["position"], leaf["version"])
        assert leaf_hash(found.leaf) == found.leaf_hash
    assert await ask.audit_trail.get(0) is None
    assert await ask.audit_trail.get(len(town.events) + 1) is None


async def test_a_certificates_events_are_also_those_of_its_connectors_and_work_orders(town: Town, ask: Views) -> None:
    """Approvals and validations name the work order or the connector only; they are found all the same."""
    states = town.world.states
    for certificate_id in town.world.all("certificate")[:8]:
        about = {certificate_id}
        about |= {c for c in town.world.all("connector") if states[c].certificate_id == certificate_id}
        about |= {o for o in town.world.all("work_order") if states[o].certificate_id == certificate_id}
        expected = [found[0] for found in town.events if about & _subjects(found)]
        found = await ask.audit_trail.of_certificate(certificate_id, limit=10_000)
        assert expected == [event.position for event in found]
        second = await ask.audit_trail.of_certificate(certificate_id, after_position=expected[0], limit=2)
        assert expected[1:3] == [event.position for event in second]


async def test_instants_become_positions(town: Town, ask: Views) -> None:
    """`since` belongs to the window, `until` does not; before the first event there is position 0."""
    recorded = dict(in_read(town.pg, "SELECT notification_id, recorded_at FROM ledger.events"))
    for instant in [*list(recorded.values())[::97], recorded[1] - timedelta(1), recorded[len(recorded)] + timedelta(1)]:
        expected = max((p for p, at in recorded.items() if at <= instant), default=0)
        assert expected == await ask.audit_trail.position_at(instant)
        window = AuditFilter(since=instant, until=recorded[len(recorded)])
        inside = [p for p, at in sorted(recorded.items()) if instant <= at < recorded[len(recorded)]]
        assert inside == [e.position for e in await ask.audit_trail.list(window, limit=10_000)]


async def test_reading_is_found_by_whom_it_was_about(town: Town, ask: Views) -> None:
    """Access logs are streams of their own; their events name their subject."""
    viewed = next(event for _, _, event in town.events if isinstance(event, CertificateViewed))
    narrow = AuditFilter(subjects=(viewed.certificate_id,), types=("certificate.view.accessed",))
    found: Any = await ask.audit_trail.list(narrow)
    assert found
    assert all(viewed.certificate_id in event.subjects for event in found)
