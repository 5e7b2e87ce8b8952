"""A new master key in the place of the present one, from its making to the end of the former one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from adapters.keys.key_source import load_keys
from adapters.keys.master_key import MasterKeys, MasterKeyUnusable, keys_in_file, new_key, write_file
from adapters.keys.rotating import StillInUse, retire, seal_anew, sealed_by
from adapters.keys.vault import Envelope
from adapters.postgres_ops.database import OpsDatabase
from adapters.settings import Settings

_LOCK = 0x6B657973
"""Of PostgreSQL's advisory locks."""


class Replaced(NamedTuple):
    """What came of a rotation; ids in hex."""

    key_id: str
    former: tuple[str, ...]
    values: int
    unopened: tuple[str, ...]


async def replace_master_key(
    settings: Settings, database: OpsDatabase, on_progress: Callable[[int, int], None]
) -> Replaced:
    """Make a new key where that is ours to do and no rotation is under way, then seal everything anew by it.

    The new key is durably in the file before anything is sealed by it.
    """
    async with _alone(database):
        keys = load_keys(settings)
        if keys.file is not None and not await _under_way(database, keys):
            write_file(keys.file, [new_key(), *keys_in_file(keys.file)])
            keys = load_keys(settings)
        done = await seal_anew(database, Envelope(keys.current, *keys.former), on_progress)
    former = tuple(each.key_id.hex() for each in keys.former)
    return Replaced(keys.current.key_id.hex(), former, done.values, done.unopened)


async def retire_master_key(settings: Settings, database: OpsDatabase, key_id: str) -> None:
    """First the database refuses what it would seal, then it goes from the file. Raises MasterKeyUnusable."""
    async with _alone(database):
        await _retire(settings, database, key_id)


async def _retire(settings: Settings, database: OpsDatabase, key_id: str) -> None:
    keys = load_keys(settings)
    found = next((each.key_id for each in keys.former if each.key_id.hex() == key_id), None)
    if found is None:
        raise MasterKeyUnusable(f"{key_id} is no former master key of {keys.source}; `certferry keys list` shows them")
    try:
        await retire(database, found)
    except StillInUse as error:
        raise MasterKeyUnusable(str(error)) from None
    if keys.file is not None:
        write_file(keys.file, [each for each in keys_in_file(keys.file) if each.key_id != found])


@asynccontextmanager
async def _alone(database: OpsDatabase) -> AsyncIterator[None]:
    """One rotation at a time: two would each make a key, and one of them would be lost."""
    async with database.connection() as connection:
        row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])).fetchone()
        if row is None or not row[0]:
            raise MasterKeyUnusable("the master key is being rotated by another process")
        try:
            yield
        finally:
            await connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


async def _under_way(database: OpsDatabase, keys: MasterKeys) -> bool:
    """Has a former key sealed what the current one should have?"""
    sealed = await sealed_by(database)
    return any(sealed.get(each.key_id) for each in keys.former)
