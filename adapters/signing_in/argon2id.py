"""Passwords hashed by argon2id (RFC 9106), with the library's parameters (its section 4: 64 MiB, three passes).

The library is loaded by the first who comes with a password. Hashing runs beside the event loop, few at a time: each
takes its memory.
"""

import asyncio
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE = 2


class Argon2Passwords:
    """`application.signing_in_ports.Passwords`. `passes` over `kibibytes` of memory make a guess dear."""

    def __init__(self, *, passes: int = 3, kibibytes: int = 65_536) -> None:
        self._passes, self._kibibytes = passes, kibibytes
        self._places = asyncio.Semaphore(AT_ONCE)
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """See Passwords.hash."""
        async with self._places:
            return await asyncio.to_thread(lambda: self._hasher.hash(password))

    async def match(self, kept: str | None, password: str) -> bool:
        """See Passwords.match."""
        if kept is None and not self._nobodys:
            self._nobodys = await self.hash("nobody")
        async with self._places:
            same = await asyncio.to_thread(self._match, kept or self._nobodys, password)
        return same and kept is not None

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=self._passes, memory_cost=self._kibibytes)

    def _match(self, kept: str, password: str) -> bool:
        from argon2.exceptions import VerificationError

        with suppress(VerificationError):
            return self._hasher.verify(kept, password)
        return False
