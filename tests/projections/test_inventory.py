"""The inventory's answers, compared with a look at every certificate one by one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import colour
from domain.certificate import CertificateStatus, KeyOrigin, Source, days_until_expiry, status
from domain.certificate_facts import Usage
from domain.colour import Colour, Thresholds
from domain.connector_events import SyncState
from projections.catalogue import Views
from projections.inventory import searching
from projections.inventory.view import CertificateFilter, Sort, colour_ranges
from projections.rows import BadCursor
from tests.projections.conftest import Known, Town
from tests.projections.paging import walk
from tests.projections.world import DAY

Matches = Callable[[Known], bool]


@pytest.mark.parametrize(("after", "spread"), [(0.0, 0.0), (0.3, 0.5), (0.9, 0.05)])
async def test_what_is_due_for_renewal(town: Town, ask: Views, after: float, spread: float) -> None:
    """Ordered here, its key here or made on its target system, no successor, neither revoked nor expired, and old
    enough; next to expire first.
    """
    now = town.world.now + 3 * DAY
    due = [known for known in _renewable(town) if _old_enough(known, now, after, spread)]
    expected = _next_to_expire_first(due)
    assert expected == list(await ask.inventory.due_for_renewal(now, after, spread, 1000))
    assert expected[:2] == list(await ask.inventory.due_for_renewal(now, after, spread, 2))
    assert after > 0 or expected


@pytest.mark.parametrize("provider", ["local_pki", "acme"])
async def test_what_can_be_renewed_through_a_provider(town: Town, ask: Views, provider: str) -> None:
    """The same, however old, and of no other provider; also what has its key on its target system."""
    now = town.world.now + 3 * DAY
    meant = [each for each in _renewable(town) if each.state.provider == provider and each.state.facts.not_after >= now]
    found = [row.id async for rows in ask.inventory.renewable(now, provider) for row in rows]
    assert _next_to_expire_first(meant) == found != []
    on_target = any(each.state.key_origin is KeyOrigin.ENDPOINT for each in meant)
    assert on_target == (provider == "local_pki")


def _renewable(town: Town) -> list[Known]:
    """Ordered here, with a key that a new one can take the place of without anybody, and no successor."""
    return [
        known
        for known in _all(town)
        if known.state.provider is not None
        and known.state.key_origin is not KeyOrigin.NONE
        and known.state.renewed_to is None
        and known.state.revoked_at is None
    ]


def _next_to_expire_first(found: list[Known]) -> list[UUID]:
    return [certificate_id for _, certificate_id in sorted((known.state.facts.not_after, known.id) for known in found)]


def _old_enough(known: Known, now: datetime, after: float, spread: float) -> bool:
    facts = known.state.facts
    share = after + spread * int.from_bytes(known.id.bytes[:2]) / 65536
    return bool(facts.not_before + (facts.not_after - facts.not_before) * share <= now <= facts.not_after)


def _all(town: Town) -> list[Known]:
    return town.known("certificate")


def _connected(town: Town, match: Callable[[Any], bool]) -> set[Any]:
    states = [town.world.states[c] for c in town.world.all("connector")]
    return {state.certificate_id for state in states if state.associated and match(state)}


def _cases(town: Town) -> dict[str, tuple[dict[str, Any], Matches]]:
    now = town.world.now
    target = town.world.all("target")[0]
    synced = _connected(town, lambda c: c.sync is SyncState.OUT_OF_SYNC)
    on_target = _connected(town, lambda c: c.target_system_id == target)
    return {
        "nothing": ({}, lambda c: True),
        "q in a name, whatever the case": ({"q": "MAIL"}, lambda c: "mail" in _texts(c)),
        "q with a wildcard means itself": ({"q": "i_1"}, lambda c: "i_1" in _texts(c)),
        "q beyond ASCII": ({"q": "Ä"}, lambda c: "ä" in _texts(c)),
        "q in a SAN": ({"q": "alt-1"}, lambda c: "alt-1" in _texts(c)),
        "source": ({"source": (Source.DISCOVERED,)}, lambda c: c.state.source is Source.DISCOVERED),
        "provider or imported": (
            {"provider": ("acme", None)},
            lambda c: c.state.provider in {"acme", None},
        ),
        "provider": ({"provider": ("acme",)}, lambda c: c.state.provider == "acme"),
        "usage, two": (
            {"usage": (Usage.CLIENT, Usage.BOTH)},
            lambda c: c.state.facts.usage in {Usage.CLIENT, Usage.BOTH},
        ),
        "private key": ({"has_private_key": True}, lambda c: c.state.has_private_key),
        "no private key": ({"has_private_key": False}, lambda c: not c.state.has_private_key),
        "owner": ({"owner": ("team",)}, lambda c: c.state.owner == "team"),
        "tags": ({"tag": ("db", "other")}, lambda c: "db" in c.state.tags),
        "a tag with quotes": ({"tag": ('quo"te\\',)}, lambda c: 'quo"te\\' in c.state.tags),
        "issuer": ({"issuer": ("external",)}, lambda c: "External" in c.state.facts.issuer),
        "expires within": (
            {"expires_within": timedelta(days=30)},
            lambda c: now <= c.state.facts.not_after <= now + 30 * DAY,
        ),
        "out of sync": ({"sync": (SyncState.OUT_OF_SYNC,)}, lambda c: c.id in synced),
        "on a target": ({"target_system_id": (target,)}, lambda c: c.id in on_target),
        "two fields": (
            {"q": "shop", "has_private_key": True},
            lambda c: "shop" in _texts(c) and c.state.has_private_key,
        ),
    }


def _texts(known: Known) -> str:
    facts = known.state.facts
    return "\n".join((facts.common_name, *facts.subject_alternative_names)).lower()


@pytest.mark.parametrize("case", range(19))
async def test_a_filter_finds_what_a_look_at_every_certificate_finds(town: Town, ask: Views, case: int) -> None:
    """Filters narrow by one field with "or", by several with "and"; pages of seven miss and repeat nothing."""
    name, (narrow, matches) = list(_cases(town).items())[case]
    expected = {known.id for known in _all(town) if matches(known)}
    narrowed = CertificateFilter(now=town.world.now, **narrow)
    found = await walk(lambda cursor: ask.inventory.list(narrowed, limit=7, cursor=cursor))
    assert expected == {row.id for row in found}, name
    assert len(expected) == len(found)
    assert expected != set(), f"the town has nothing to find for: {name}"


@pytest.mark.parametrize(("reach", "stretch"), [(1, 25), (20, 1), (10_000, 30_000)])
async def test_however_far_the_list_is_walked_the_answer_is_the_same(
    town: Town, ask: Views, monkeypatch: pytest.MonkeyPatch, reach: int, stretch: int
) -> None:
    """By the index of terms alone, by both, and by walking alone: every filter, every order, page after page."""
    monkeypatch.setattr(searching, "REACH", reach)
    monkeypatch.setattr(searching, "STRETCH", stretch)
    for name, (narrow, matches) in _cases(town).items():
        narrowed = CertificateFilter(now=town.world.now, **narrow)
        for sort in ALL_WAYS:
            ordered = sorted(filter(matches, _all(town)), key=ORDERS[sort.lstrip("-")], reverse=sort[0] == "-")
            assert [known.id for known in ordered] == await _walked(ask, narrowed, sort), (name, sort)


async def _walked(ask: Views, narrow: CertificateFilter, sort: Sort) -> list[UUID]:
    found = await walk(lambda cursor: ask.inventory.list(narrow, sort=sort, limit=40, cursor=cursor))
    return [row.id for row in found]


@pytest.mark.parametrize("wanted", list(CertificateStatus))
async def test_status_follows_the_clock(town: Town, ask: Views, wanted: CertificateStatus) -> None:
    """Asked at several instants, a status finds the certificates that have it then."""
    for days in (-3, 0, 5, 60, 400):
        now = town.world.now + days * DAY
        expected = {k.id for k in _all(town) if status(k.state, now) is wanted}
        narrow = CertificateFilter(now=now, status=(wanted,))
        assert expected == {row.id for row in (await ask.inventory.list(narrow, limit=1000)).items}


@pytest.mark.parametrize("wanted", [(c,) for c in Colour] + [(Colour.BLACK, Colour.ORANGE), ()])
async def test_a_colour_is_a_range_of_dates(town: Town, ask: Views, wanted: tuple[Colour, ...]) -> None:
    """The colour filter agrees with the colour of each certificate, also exactly at its boundaries."""
    thresholds = Thresholds(blue=60, yellow=20, orange=5)
    some = _all(town)[3].state.facts.not_after
    for now in (town.world.now, some, some - 5 * DAY, some - 20 * DAY, some - 60 * DAY):
        expected = {k.id for k in _all(town) if colour.of_certificate(k.state, now, thresholds).colour in wanted}
        narrow = CertificateFilter(now=now, colours=colour_ranges(wanted, now, thresholds))
        assert expected == {row.id for row in (await ask.inventory.list(narrow, limit=1000)).items}


ALL_WAYS: tuple[Sort, ...] = ("-not_after", "common_name", "-created")
ORDERS: dict[str, Callable[[Known], Any]] = {
    "not_after": lambda k: (k.state.facts.not_after, k.id),
    "common_name": lambda k: (k.state.facts.common_name.lower().encode(), k.id),
    "created": lambda k: k.created_position,
}


@pytest.mark.parametrize("sort", ["not_after", "common_name", "created"])
async def test_pages_follow_the_sort_order_both_ways(town: Town, ask: Views, sort: Sort) -> None:
    """Page after page, in order, ties by id; `-` turns it round; a stream is the same list."""
    narrow = CertificateFilter(now=town.world.now)
    ordered = [known.id for known in sorted(_all(town), key=ORDERS[sort])]
    found = await walk(lambda cursor: ask.inventory.list(narrow, sort=sort, limit=9, cursor=cursor))
    assert ordered == [row.id for row in found]
    down: Any = f"-{sort}"
    backwards = await walk(lambda cursor: ask.inventory.list(narrow, sort=down, limit=9, cursor=cursor))
    assert ordered[::-1] == [row.id for row in backwards]
    assert ordered == [row.id async for rows in ask.inventory.stream(narrow, sort=sort) for row in rows]


async def test_a_row_has_everything_but_the_bytes(town: Town, ask: Views) -> None:
    """Rows carry the state, version and positions; DER and chain come only with `der`."""
    for known in _all(town):
        row = await ask.inventory.get(known.id)
        assert row is not None
        assert (known.id, known.version, known.created_position, known.position) == (
            row.id,
            row.version,
            row.created_position,
            row.position,
        )
        assert (known.state.facts, known.state.tags, b"", ()) == (
            row.state.facts,
            row.state.tags,
            row.state.der,
            row.state.chain,
        )
        assert known.state.has_private_key == row.state.has_private_key
        assert days_until_expiry(known.state, town.world.now) == days_until_expiry(row.state, town.world.now)
        der = await ask.inventory.der(known.id)
        assert der is not None
        assert der == (known.state.der, known.state.chain, known.state.facts.common_name.lower())


async def test_lookups_by_what_is_unique(town: Town, ask: Views) -> None:
    """By fingerprint, and by issuer and serial number."""
    known = _all(town)[5]
    facts = known.state.facts
    by_fingerprint = await ask.inventory.by_fingerprint(facts.fingerprint_sha256)
    by_serial = await ask.inventory.by_issuer_serial(facts.issuer, facts.serial_number)
    assert by_fingerprint is not None
    assert known.id == by_fingerprint.id
    assert by_serial == by_fingerprint
    assert await ask.inventory.by_issuer_serial("CN=Nobody", facts.serial_number) is None
    unknown = "00" * 32
    assert {facts.fingerprint_sha256} == await ask.inventory.known_fingerprints([facts.fingerprint_sha256, unknown])


async def test_detail_counts_what_decides_on_actions(town: Town, ask: Views) -> None:
    """Associated connectors and open work orders."""
    states = town.world.states
    for known in _all(town):
        connectors = [states[c] for c in town.world.all("connector") if states[c].certificate_id == known.id]
        orders = [states[o] for o in town.world.all("work_order") if states[o].certificate_id == known.id]
        detail = await ask.inventory.detail(known.id)
        assert detail is not None
        assert sum(c.associated for c in connectors) == detail.connectors
        assert sum(o.open for o in orders) == detail.open_work_orders


async def test_a_cursor_of_another_list_is_refused(town: Town, ask: Views) -> None:
    """A cursor that was made up, or belongs to another sort order, is an error that names the reason."""
    narrow = CertificateFilter(now=town.world.now)
    page = await ask.inventory.list(narrow, sort="not_after", limit=2)
    with pytest.raises(BadCursor, match="sort order"):
        await ask.inventory.list(narrow, sort="created", cursor=page.next_cursor)
    for made_up in ("", "%%%", "bm9uc2Vuc2U", "WyJub3RfYWZ0ZXIiLCJ4IiwieSJd", "ä"):
        with pytest.raises(BadCursor):
            await ask.inventory.list(narrow, sort="not_after", cursor=made_up)


async def test_what_is_not_there(town: Town, ask: Views) -> None:
    """None, not an error."""
    unknown = town.world.all("target")[0]
    assert await ask.inventory.get(unknown) is None
    assert await ask.inventory.detail(unknown) is None
    assert await ask.inventory.der(unknown) is None
    assert await ask.inventory.by_fingerprint("no") is None
