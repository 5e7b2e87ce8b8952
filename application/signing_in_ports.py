"""What signing in needs of the outside world."""

from typing import NamedTuple, Protocol

from domain.role_grant import Role


class Passwords(Protocol):
    """Hashes passwords, slowly on purpose (argon2id, RFC 9106)."""

    async def hash(self, password: str) -> str:
        """The encoded hash, with a salt of its own."""
        ...

    async def match(self, kept: str | None, password: str) -> bool:
        """Is it this password? Takes as long where nothing is kept: who has a password is not told by the clock."""
        ...


class NotProven(Exception):
    """A provider did not say who somebody is. A sentence for people, without anything of what was sent."""


class Claimed(NamedTuple):
    """What a provider says: who it is, by the name they have here, and roles it knows of (None: it is not asked).

    `identity`: its issuer and subject, which are never given to somebody else.
    """

    name: str
    roles: tuple[Role, ...] | None
    identity: str


class IdentityProvider(Protocol):
    """A provider of OpenID Connect."""

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    async def begin(self, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where the browser is sent to (`challenge`: RFC 7636, S256). Raises NotProven."""
        ...

    async def finish(self, code: str, redirect_uri: str, verifier: str, nonce: str) -> Claimed:
        """Who came back with this code. Raises NotProven."""
        ...
