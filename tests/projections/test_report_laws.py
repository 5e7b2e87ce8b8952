"""Every report for auditors is a function of the events up to its position: later ones, batches and rebuilds change
nothing.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import ids, review
from domain.review import ReviewDecision, ReviewFilter
from projections.catalogue import Views
from projections.inventory_review import parts
from projections.scope import Scope
from tests.projections.conftest import Town
from tests.projections.histories import DEEDS
from tests.projections.recorded import EVERY, QUESTION, THRESHOLDS, Records, reports
from tests.projections.world import DAY, T0, Change, World

MADE = reports()


def attest(world: World) -> tuple[Change, ...]:
    """Somebody reviews the inventory, or what one owner has, as it was a moment ago."""
    events = list(world.events)
    if not events:
        return ()
    only = world.one_of(None, ReviewFilter(owner=("rita",)), ReviewFilter(q="shop"))
    held = parts.at(Records(events).certificates.values(), only or review.EVERYTHING, len(events))
    attested = review.attest(
        world.by(),
        head=len(events),
        as_of_position=len(events),
        only=only,
        statement="all of it",
        decision=world.one_of(*ReviewDecision),
        certificates=len(held),
        inventory_sha256=parts.digest(held),
    )
    return ((world.new("review", ids.derive("review", len(events))), attested),)


def reviewed_history(seed: int, times: int) -> World:
    """A world in which the inventory is reviewed now and then."""
    world = World(Random(seed))
    world.live({**DEEDS, attest: 1}, times)
    return world


def scope_of(world: World, position: int, draw: Random) -> Scope:
    """Some window that ends before, at or after the position's time."""
    events = list(world.events)[:position]
    last = events[-1][1].meta.at if events else T0
    since = draw.choice([None, T0 + timedelta(hours=draw.randrange(40))])
    until = draw.choice([None, last, (since or T0) + timedelta(hours=draw.randrange(1, 60))])
    return Scope(since=since, until=until, position=position, now=last + draw.choice([timedelta(0), 30 * DAY]))


@pytest.mark.parametrize("name", MADE)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), times=st.integers(1, 400), share=st.floats(0.1, 1))
def test_a_report_is_a_fold_of_the_events_up_to_its_position(name: str, seed: int, times: int, share: float) -> None:
    """Made of the records of the whole ledger, or of those of its first events alone: the same, byte for byte."""
    world = reviewed_history(seed, times)
    events = list(world.events)
    position = max(int(len(events) * share), 1)
    scope = scope_of(world, position, Random(seed))
    late, early = (MADE[name](Records(told), scope) for told in (events, events[:position]))
    assert msgspec.json.encode(late) == msgspec.json.encode(early)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), times=st.integers(50, 400))
def test_every_position_of_a_report_is_an_event_of_the_ledger_up_to_its_position(seed: int, times: int) -> None:
    """What is counted can be looked up; nothing later is cited."""
    world = reviewed_history(seed, times)
    events = list(world.events)
    position = max(len(events) * 2 // 3, 1)
    scope = Scope(since=None, until=None, position=position, now=T0 + 30 * DAY)
    records = Records(events)
    for name, made in MADE.items():
        cited = list(_positions(msgspec.to_builtins(made(records, scope))))
        assert all(1 <= each <= position for each in cited), name


def _positions(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _positions(part, name)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _positions(part, key)
    elif isinstance(value, int) and "position" in key:
        yield value


@pytest.mark.parametrize("name", MADE)
async def test_what_is_read_from_the_database_is_what_a_look_at_every_event_gives(
    town: Town, ask: Views, name: str
) -> None:
    """The statements leave out nothing that a window and a position hold, and add nothing."""
    records, draw = Records(town.world.events), Random(5)
    names = {str(key): state.name for key in town.world.all("principal") if (state := town.world.states[key])}
    made = reports(names)[name]
    total = sum(1 for _ in town.world.events)
    for _ in range(6):
        scope = scope_of(town.world, draw.randrange(1, total + 1), draw)
        expected = msgspec.json.encode(made(records, scope))
        assert expected == msgspec.json.encode(await asked(ask, name, scope))


async def asked(ask: Views, name: str, scope: Scope) -> Any:
    """A report from the database."""
    if name == "separation_of_duties":
        return await ask.reports.separation_of_duties.report(scope, QUESTION)
    if name == "lead_times":
        return await ask.reports.lead_times.report(scope, persons=True)
    if name in ("expiry", "inventory"):
        return await getattr(ask.reports, name).report(scope, THRESHOLDS)
    if name == "review":
        return await ask.reports.review.report(scope, EVERY)
    return await getattr(ask.reports, name).report(scope)


def test_records_say_what_the_aggregates_say() -> None:
    """Owner, tags, source, successor and revocation of a certificate's record are those of the certificate itself."""
    world = reviewed_history(9, 1500)
    for key, record in Records(world.events).certificates.items():
        state = world.states[key]
        revoked_at: datetime | None = record.revoked.at if record.revoked else None
        assert (state.owner, state.tags, state.source) == (record.owner, record.tags, record.source)
        assert (state.renewed_to, state.revoked_at) == (
            record.renewed.renewed_to if record.renewed else None,
            revoked_at,
        )
