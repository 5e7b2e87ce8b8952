"""Listening to the server goes on whatever happens, and ends when it is asked to, whatever happens then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from projections import store


async def test_an_error_instead_of_the_cancellation_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cleaning up fails, the error must not be taken for a lost connection: the loop would never end."""
    begun = asyncio.Event()

    @asynccontextmanager
    async def connect(*_: Any) -> AsyncIterator[Any]:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            raise OSError("the connection is gone") from error
        yield None

    monkeypatch.setattr(store, "connect", connect)

    async def listen() -> None:
        async for _ in store.listen("", "ledger"):
            pass

    listening = asyncio.create_task(listen())
    await begun.wait()
    listening.cancel()
    done, _ = await asyncio.wait([listening], timeout=10)
    assert done
