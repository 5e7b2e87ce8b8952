"""Kept answers: claimed once, answered once, given back, taken over when whoever claimed it died."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest_asyncio

from adapters.postgres_ops.database import OpsDatabase
from adapters.postgres_ops.idempotency import PostgresIdempotency
from adapters.postgres_ops.pruning import prune
from tests.support.postgres import Pg

BODY, OTHER = b"b" * 32, b"o" * 32


@pytest_asyncio.fixture
async def database(pg: Pg) -> AsyncIterator[OpsDatabase]:
    async with OpsDatabase(pg.app_dsn) as opened:
        yield opened


async def test_one_of_many_claims_wins(database: OpsDatabase) -> None:
    """Twenty requests with the same key at once: one carries it out, the others hear that it is in progress."""
    answers, command = PostgresIdempotency(database), uuid4()
    found = await asyncio.gather(*(answers.claim(command, BODY) for _ in range(20)))
    assert [True] == [True for each in found if each is None]
    assert {None} == {each.answer for each in found if each is not None}


async def test_a_finished_answer_is_repeated(database: OpsDatabase) -> None:
    """Status, headers and body, with the digest of the body it belongs to."""
    answers, command = PostgresIdempotency(database), uuid4()
    assert await answers.claim(command, BODY) is None
    await answers.finish(command, 201, {"etag": '"1"'}, b'{"id":1}')
    known = await answers.claim(command, OTHER)
    assert known == (BODY, (201, {"etag": '"1"'}, b'{"id":1}'))


async def test_an_answer_with_a_secret_keeps_no_body(database: OpsDatabase) -> None:
    """It is known that it was answered, not with what."""
    answers, command = PostgresIdempotency(database), uuid4()
    await answers.claim(command, BODY)
    await answers.finish(command, 201, {}, None)
    known = await answers.claim(command, BODY)
    assert known is not None
    assert known.answer is not None
    assert known.answer.body is None


async def test_an_abandoned_claim_can_be_claimed_again(database: OpsDatabase) -> None:
    """A refused command changed nothing; a finished one is not given back."""
    answers, command = PostgresIdempotency(database), uuid4()
    await answers.claim(command, BODY)
    await answers.abandon(command)
    assert await answers.claim(command, OTHER) is None
    await answers.finish(command, 200, {}, b"")
    await answers.abandon(command)
    assert await answers.claim(command, OTHER) is not None


async def test_a_dead_claim_is_taken_over_after_ten_seconds(database: OpsDatabase, pg: Pg) -> None:
    """The process that claimed it died: whoever asks again with the same body carries it out."""
    answers, command = PostgresIdempotency(database), uuid4()
    await answers.claim(command, BODY)
    with psycopg.connect(pg.superuser_dsn) as connection:
        connection.execute("UPDATE ops.idempotency SET claimed_at = now() - interval '11 seconds'")
    assert await answers.claim(command, OTHER) is not None
    assert await answers.claim(command, BODY) is None
    assert await answers.claim(command, BODY) is not None


async def test_pruning_forgets_what_is_old(database: OpsDatabase, pg: Pg) -> None:
    """Answers after two days; younger ones stay."""
    answers, old, young = PostgresIdempotency(database), uuid4(), uuid4()
    await answers.claim(old, BODY)
    with psycopg.connect(pg.superuser_dsn) as connection:
        connection.execute("UPDATE ops.idempotency SET claimed_at = now() - interval '3 days'")
    await answers.claim(young, BODY)
    await prune(database, keep_days=1)
    assert await answers.claim(young, BODY) is not None
    assert await answers.claim(old, BODY) is None
