"""Where private keys and target secrets are kept: sealed, never in an event, log, error or listing."""

from typing import Protocol
from uuid import UUID


class KeyVault(Protocol):
    """Sealed storage of private keys (per certificate) and of values that are put once (per owner and name)."""

    async def put_private_key(self, certificate_id: UUID, pkcs8_der: bytes) -> None:
        """Seal and keep the private key of a certificate; putting it again replaces it."""
        ...

    async def private_key(self, certificate_id: UUID) -> bytes | None:
        """The private key as PKCS#8 DER, or None."""
        ...

    async def drop_private_key(self, certificate_id: UUID) -> None:
        """Drop the private key of a certificate that is recorded nowhere; there need not be one."""
        ...

    async def has_private_key(self, certificate_id: UUID) -> bool:
        """Is a private key kept for this certificate?"""
        ...

    async def keep_first(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        """Seal and keep `value` unless there is one already; either way the answer is the one that is kept."""
        ...

    async def keep_first_with_key(
        self, owner_id: UUID, name: str, value: bytes, certificate_id: UUID, pkcs8_der: bytes
    ) -> bytes:
        """`keep_first`, and where `value` is the first, `put_private_key`: both or neither."""
        ...

    async def kept(self, owner_id: UUID, name: str) -> bytes | None:
        """What `keep_first` keeps under this name, or None."""
        ...

    async def forget(self, owner_id: UUID, chapter: str | None = None) -> None:
        """Drop everything that `keep_first` keeps for this owner; of a `chapter`, what has its name, alone or before a
        space.
        """
        ...
