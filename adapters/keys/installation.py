"""Secrets of the installation itself: made once, sealed in the vault like every other one.

They stay what they are when the master key is rotated: sessions go on, and names are found under the same hash.
"""

import secrets

from adapters.keys.master_key import MasterKey, Wrapper
from adapters.keys.store import SealedStore
from adapters.postgres_ops.database import OpsDatabase
from domain import ids

_OWNER = ids.derive("installation", "secrets")
_BYTES = 32
_NAMED = "SELECT EXISTS (SELECT FROM vault.subject_names)"


async def session_secret(store: SealedStore) -> bytes:
    """What session cookies are signed with."""
    return await _first(store, "sessions", secrets.token_bytes(_BYTES))


async def names_secret(store: SealedStore, database: OpsDatabase, master: Wrapper) -> bytes:
    """What names of principals are hashed with. Random; in an installation that hashed names before this was kept, the
    master key of then.
    """
    if (kept := await store.kept(_OWNER, "names")) is not None:
        return kept
    [(named,)] = await database.rows(_NAMED)
    before = master.key if named and isinstance(master, MasterKey) else secrets.token_bytes(_BYTES)
    return await _first(store, "names", before)


async def _first(store: SealedStore, name: str, value: bytes) -> bytes:
    kept = await store.kept(_OWNER, name)
    return kept if kept is not None else await store.keep_first(_OWNER, name, value)
