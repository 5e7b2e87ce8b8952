"""Every filter of GET /certificates (api contract) over a history in which it gives some and leaves out some.

What it must give is told by the certificates' own states, as the domain folded them: no read model has a say in it.
"""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import colour
from domain.certificate import Certificate, status
from domain.certificate_facts import CertificateFacts
from tests.api.desk import Desk, in_one_task, only_read_models, open_desk
from tests.api.test_refusals import refused
from tests.api.walking import API
from tests.projections.histories import DEEDS
from tests.projections.ledger import Recorder
from tests.projections.world import DAY, World
from tests.support.postgres import PostgresServer, database

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIVES = ((-10, 2), (-1, 17), (-10, 29), (-1, 60), (-1, 200), (40, 200))
"""From day to day: one for each status that the clock decides, and for each colour."""
KEYS = ("0a" * 20, "0b" * 20)
Matches = Callable[["Filters", UUID, Certificate], bool]


class Shifting(World):
    """A world of twelve days ago."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.now = datetime.now(UTC) - 12 * DAY

    def facts(self) -> CertificateFacts:
        start, end = self.one_of(*LIVES)
        dates = {"not_before": self.now + start * DAY, "not_after": self.now + end * DAY}
        return msgspec.structs.replace(super().facts(), **dates, authority_key_id=self.one_of(*KEYS))


class Filters(NamedTuple):
    """The service over the history, asked as of its end."""

    desk: Desk
    world: World
    position: int

    @property
    def target(self) -> UUID:
        """A target system that has certificates."""
        found: UUID = next(s.target_system_id for s in self.connectors() if s.associated)
        return found

    def connectors(self) -> list[Any]:
        return [self.world.states[each] for each in self.world.all("connector")]

    def connected(self, certificate_id: UUID, **fields: Any) -> bool:
        """Has it a connector that is associated, and of which this is true?"""
        mine = (s for s in self.connectors() if s.associated and s.certificate_id == certificate_id)
        return any(all(getattr(s, name) == value for name, value in fields.items()) for s in mine)

    async def found(self, *query: tuple[str, str]) -> set[str]:
        """The ids that the API gives, all of them."""
        asked: list[tuple[str, Any]] = [
            (name, str(self.target) if value == "target" else value) for name, value in query
        ]
        asked.append(("as_of_position", str(self.position)))
        client = self.desk.as_("auditor")
        answer = await client.get(f"{API}/certificates", params=asked, headers={"Accept": "application/x-ndjson"})
        assert answer.status_code == 200, answer.text
        ids = [json.loads(line)["id"] for line in answer.text.splitlines()]
        assert len(ids) == len(set(ids))
        return set(ids)

    def expected(self, matches: Matches) -> set[str]:
        known = {each: self.world.states[each] for each in self.world.all("certificate")}
        return {str(each) for each, state in known.items() if matches(self, each, state)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filters(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Filters]:
    world = Shifting(Random(42))
    world.live(DEEDS, 1200)
    with database(postgres_server) as pg:
        async with pg.log() as log:
            position = await Recorder(log).record(world.commands)
        async with in_one_task(open_desk(pg, tmp_path_factory.mktemp("data"), work=only_read_models)) as desk:
            yield Filters(desk, world, position)


def _is(name: str, *steps: str) -> Callable[[str], Matches]:
    """A field of the state that has the value."""

    def having(value: str) -> Matches:
        def matches(_: Filters, __: UUID, state: Certificate) -> bool:
            found: Any = state
            for step in (name, *steps):
                found = getattr(found, step)
            return bool(found == (None if value == "none" else value))

        return matches

    return having


def _expires(days: float) -> Matches:
    return lambda _, __, state: timedelta() <= state.facts.not_after - datetime.now(UTC) <= days * DAY


def _names(text: str) -> Matches:
    return lambda _, __, state: text in f"{state.facts.common_name} {state.facts.subject_alternative_names}".lower()


def _status(value: str) -> Matches:
    return lambda _, __, state: status(state, datetime.now(UTC)).value == value


def _colour(value: str) -> Matches:
    return lambda _, __, state: colour.of_certificate(state, datetime.now(UTC)).colour.value == value


def _sync(value: str) -> Matches:
    return lambda found, each, _: found.connected(each, sync=value)


def _tag(value: str) -> Matches:
    return lambda _, __, state: value in state.tags


FILTERS: dict[tuple[str, str], Matches] = {
    ("q", "MAIL"): _names("mail"),
    ("q", "alt-1"): _names("alt-1"),
    ("q", "Ä"): _names("ä"),
    **{("status", value): _status(value) for value in ("active", "not_yet_valid", "expired", "revoked")},
    **{("source", value): _is("source")(value) for value in ("managed", "discovered")},
    **{("provider", value): _is("provider")(value) for value in ("none", "local_pki", "acme", "external_ca")},
    **{("usage", value): _is("facts", "usage")(value) for value in ("server", "client", "both")},
    **{("colour", value): _colour(value) for value in ("green", "blue", "yellow", "orange", "red", "black")},
    **{("sync", value): _sync(value) for value in ("unknown", "in_sync", "out_of_sync")},
    ("has_private_key", "true"): lambda _, __, state: state.has_private_key,
    ("has_private_key", "false"): lambda _, __, state: not state.has_private_key,
    ("target_system_id", "target"): lambda found, each, _: found.connected(each, target_system_id=found.target),
    **{("owner", value): _is("owner")(value) for value in ("rita", "team")},
    **{("tag", value): _tag(value) for value in ("web", 'quo"te\\')},
    ("issuer", "external"): lambda _, __, state: "external" in state.facts.issuer.lower(),
    ("issuer_key_id", KEYS[0]): _is("facts", "authority_key_id")(KEYS[0]),
    **{("key_algorithm", value): _is("facts", "algorithm")(value) for value in ("ec-256", "rsa-2048")},
    ("expires_within", "240h"): _expires(10),
    ("expires_within", "30d"): _expires(30),
    ("expires_within", "10w"): _expires(70),
}
CASES = list(FILTERS)
ONE_OF_EACH = list({name: (name, value) for name, value in CASES}.values())
TWICE = sorted({name for name, _ in CASES} - {"q", "has_private_key", "expires_within", "target_system_id"})


@pytest.mark.parametrize("case", CASES, ids="=".join)
async def test_a_filter_alone(filters: Filters, case: tuple[str, str]) -> None:
    """It gives what has the value and leaves out the rest; there is some of both."""
    expected = filters.expected(FILTERS[case])
    everything = filters.expected(lambda *_: True)
    assert set() < expected < everything
    assert expected == await filters.found(case)


async def test_without_a_filter_there_is_everything(filters: Filters) -> None:
    """And with one whose value nothing has, nothing."""
    assert filters.expected(lambda *_: True) == await filters.found()
    nobody = ("target_system_id", str(UUID(int=7)))
    for case in (nobody, ("owner", "nobody"), ("colour", "gray"), ("colour", "mid_purple"), ("q", "%"), ("tag", "w")):
        assert set() == await filters.found(case), case


@pytest.mark.parametrize("first", ONE_OF_EACH, ids="=".join)
async def test_two_filters_are_an_and(filters: Filters, first: tuple[str, str]) -> None:
    """What both give, for every pair."""
    alone = await filters.found(first)
    for second in ONE_OF_EACH:
        if second[0] != first[0]:
            assert alone & filters.expected(FILTERS[second]) == await filters.found(first, second), second


@pytest.mark.parametrize("name", TWICE)
async def test_a_filter_twice_is_an_or(filters: Filters, name: str) -> None:
    """What either gives."""
    values = [case for case in CASES if case[0] == name] + [(name, "no such")] * (name in {"owner", "tag", "issuer"})
    expected = set[str]().union(*(filters.expected(FILTERS[case]) for case in values if case in FILTERS))
    assert expected == await filters.found(*values)


@given(chosen=st.lists(st.sampled_from(CASES), max_size=6, unique=True))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_filters(filters: Filters, chosen: list[tuple[str, str]]) -> None:
    """Values of one field: or; of several: and."""
    by_name: dict[str, list[tuple[str, str]]] = {}
    for case in chosen:
        if case[0] in TWICE:
            by_name.setdefault(case[0], []).append(case)
        else:
            by_name[case[0]] = [case]
    expected = filters.expected(lambda *_: True)
    for cases in by_name.values():
        expected &= set[str]().union(*(filters.expected(FILTERS[case]) for case in cases))
    assert expected == await filters.found(*(case for cases in by_name.values() for case in cases))


WRONG = [
    *((name, "nonsense") for name in ("status", "source", "provider", "usage", "colour", "sync", "has_private_key")),
    *((name, "nonsense") for name in ("target_system_id", "key_algorithm", "expires_within", "limit", "sort")),
    *((name, "nonsense") for name in ("as_of", "as_of_position", "min_position", "cursor")),
    *(("expires_within", text) for text in ("", "0d", "30", "d", "-1d", "1.5d", "999999d", "30D", " 30d")),
    *(("issuer_key_id", text) for text in ("XYZ", "0", "0A", "")),
    ("q", "x" * 201),
    ("status", "ACTIVE"),
    ("status", ""),
    ("usage", "other "),
    ("limit", "0"),
    ("limit", "201"),
    ("as_of_position", "-1"),
    ("target_system_id", ""),
    ("unheard", "of"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
async def test_a_wrong_value_is_a_clear_problem(filters: Filters, name: str, value: str) -> None:
    """Which parameter it is, is said."""
    answer = await filters.desk.as_("auditor").get(f"{API}/certificates", params={name: value})
    problem = refused(answer, 422, "validation-failed")
    [error] = problem["errors"]
    assert (name, "query") == (error["pointer"].strip("/").partition("/")[0], error["in"]), problem


@pytest.mark.parametrize("name", ["owner", "tag", "issuer"])
async def test_too_many_values(filters: Filters, name: str) -> None:
    """Fifty of one field are enough."""
    asked: list[tuple[str, Any]] = [(name, str(number)) for number in range(51)]
    answer = await filters.desk.as_("auditor").get(f"{API}/certificates", params=asked)
    assert name in str(refused(answer, 422, "validation-failed")["errors"])


@given(name=st.sampled_from(sorted({name for name, _ in CASES})), value=st.text(max_size=40))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_written(filters: Filters, name: str, value: str) -> None:
    """An answer or a problem, never an error of the service."""
    text = value.encode("utf-8", "replace").decode()
    answer = await filters.desk.as_("auditor").get(f"{API}/certificates", params={name: text})
    assert answer.status_code in (200, 422), answer.text
