"""What signing in needs of the outside world."""

from typing import Protocol


class Passwords(Protocol):
    """Hashes passwords, slowly on purpose (argon2id, RFC 9106)."""

    async def hash(self, password: str) -> str:
        """The encoded hash, with a salt of its own."""
        ...

    async def match(self, kept: str | None, password: str) -> bool:
        """Is it this password? Takes as long where nothing is kept: who has a password is not told by the clock."""
        ...
