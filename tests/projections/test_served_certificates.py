"""What an endpoint served before its current push."""

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.connector_events import DeploymentSucceeded, TargetSystemAssociated, ValidationChanged
from domain.entity import Event
from projections.catalogue import Views
from projections.served_certificates.projection import DEPLOYED, SEEN, SERVED_CERTIFICATES
from projections.served_certificates.view import Place
from tests.projections.conftest import Town
from tests.projections.histories import history
from tests.projections.in_memory import entries, fold
from tests.projections.world import World

Seen = dict[Place, list[tuple[int, str]]]


def _expected(world: World) -> dict[Place, set[str]]:
    """By a look at every event: first sightings before the last deployment at the place."""
    first: dict[tuple[Place, str], int] = {}
    last: dict[Place, int] = {}
    associated: dict[UUID, TargetSystemAssociated] = {}
    for position, (stream_id, event) in enumerate(world.events, 1):
        if isinstance(event, TargetSystemAssociated):
            associated[stream_id] = event
        for place, fingerprint, deployed in _sightings(world, associated.get(stream_id), event):
            first.setdefault((place, fingerprint), position)
            if deployed:
                last[place] = position
    found: dict[Place, set[str]] = {}
    for (place, fingerprint), position in first.items():
        if position < last.get(place, 0):
            found.setdefault(place, set()).add(fingerprint)
    return found


def _sightings(world: World, where: TargetSystemAssociated | None, event: Event) -> list[tuple[Place, str, bool]]:
    if where is None:
        return []
    if isinstance(event, ValidationChanged) and event.evidence.served_fingerprint_sha256:
        return [((event.endpoint, where.server_name), event.evidence.served_fingerprint_sha256, False)]
    if isinstance(event, DeploymentSucceeded):
        leaf = world.states[event.certificate_id].facts.fingerprint_sha256
        return [((endpoint, where.server_name), leaf, True) for endpoint in where.endpoints]
    return []


async def test_what_was_seen_before_the_last_deployment_was_served_before(town: Town, ask: Views) -> None:
    """Deployed certificates and ones that a verification saw, by place; a place that is unknown is missing."""
    expected = _expected(town.world)
    assert any(len(fingerprints) > 2 for fingerprints in expected.values())
    places: list[Place] = [*expected, ("10.9.9.9:443", None), ("10.0.0.1:443", "nobody.example.com")]
    assert expected == await ask.served_certificates.served_before(places)
    one = next(iter(expected))
    assert {one: expected[one]} == await ask.served_certificates.served_before([one])
    assert {} == await ask.served_certificates.served_before([])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.integers(1, 200))
def test_first_sightings_stay(seed: int, cut: int) -> None:
    """However the ledger is cut into batches, the first position of a sighting and the last of a deployment remain."""
    found = entries(history(seed, 400).events)
    _, at_once = fold([SERVED_CERTIFICATES], found)
    kept: dict[object, tuple[object, ...]] = {}
    last: dict[object, tuple[object, ...]] = {}
    engine, rows = fold([SERVED_CERTIFICATES], found[:cut])
    for batch in (found[start : start + cut] for start in range(cut, len(found) + cut, cut)):
        for key, row in rows.get(SEEN.name, {}).items():
            kept.setdefault(key, row)
        last.update(rows.get(DEPLOYED.name, {}))
        engine.settle(keep=10_000)
        engine.digest(batch)
        engine.fold()
        rows = {w.table.name: {row[: w.table.key]: row for row in w.rows} for w in engine.writes()}
    assert at_once.get(SEEN.name, {}) == kept
    assert at_once.get(DEPLOYED.name, {}) == last
