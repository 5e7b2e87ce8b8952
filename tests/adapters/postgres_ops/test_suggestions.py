"""What CAs said last of renewals: kept until they say something else; the twin keeps the same."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.postgres_ops.database import OpsDatabase
from adapters.postgres_ops.pruning import prune
from adapters.postgres_ops.suggestions import PostgresSuggestions
from adapters.simulated.suggestions import MemorySuggestions
from application.renewal_ports import Suggestion, Suggestions
from domain.suggested_window import SuggestedWindow
from tests.support.postgres import Pg

AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
WINDOW = SuggestedWindow(start=AT, end=AT + timedelta(days=1), explanation_url="https://ca.example/why")
ONE, OTHER, NONE = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.fixture(params=["postgresql", "memory"])
async def suggestions(request: pytest.FixtureRequest) -> AsyncIterator[Suggestions]:
    if request.param == "memory":
        yield MemorySuggestions()
        return
    async with OpsDatabase(request.getfixturevalue("pg").app_dsn) as database:
        yield PostgresSuggestions(database)


async def test_what_was_said_last_counts(suggestions: Suggestions) -> None:
    """Windows, and that there is none; certificate by certificate."""
    assert {} == await suggestions.known([])
    first, second = Suggestion(WINDOW, AT), Suggestion(None, AT + timedelta(hours=6), failures=3)
    await suggestions.keep(ONE, second)
    await suggestions.keep(ONE, first)
    await suggestions.keep(OTHER, second)
    assert {ONE: first, OTHER: second} == await suggestions.known([ONE, OTHER, NONE])
    await suggestions.keep(ONE, second)
    assert {ONE: second} == await suggestions.known([ONE])


async def test_what_nobody_asks_about_is_forgotten(pg: Pg) -> None:
    """A month after it would have been asked for again: the certificate was renewed, revoked, or has expired."""
    async with OpsDatabase(pg.app_dsn) as database:
        suggestions, now = PostgresSuggestions(database), datetime.now(UTC)
        await suggestions.keep(ONE, Suggestion(WINDOW, now - timedelta(days=31)))
        await suggestions.keep(OTHER, Suggestion(WINDOW, now - timedelta(days=29)))
        await prune(database, 30)
        assert [OTHER] == list(await suggestions.known([ONE, OTHER]))
