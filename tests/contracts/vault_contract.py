"""What every vault promises (application.vault_ports.KeyVault, adapters.keys.store.SealedStore).

A module that tests a vault makes a fixture `vault` and subclasses VaultContract.
"""

import asyncio
from typing import Protocol
from uuid import uuid4

from adapters.keys.store import SealedStore
from application.vault_ports import KeyVault


class Vault(KeyVault, SealedStore, Protocol):
    """Both ports: the vaults implement them together."""


class VaultContract:
    """The promises; a subclass says on which vault."""

    async def test_a_private_key_is_given_back_for_its_certificate_only(self, vault: Vault) -> None:
        """What was put comes out, for this certificate and for no other."""
        certificate, other = uuid4(), uuid4()
        await vault.put_private_key(certificate, b"key bytes")
        assert await vault.private_key(certificate) == b"key bytes"
        assert await vault.private_key(other) is None
        assert (True, False) == (await vault.has_private_key(certificate), await vault.has_private_key(other))

    async def test_a_private_key_can_be_put_again(self, vault: Vault) -> None:
        """An import that is repeated after a crash replaces the key it had left behind."""
        certificate = uuid4()
        await vault.put_private_key(certificate, b"first")
        await vault.put_private_key(certificate, b"second")
        assert await vault.private_key(certificate) == b"second"

    async def test_the_first_state_is_kept(self, vault: Vault) -> None:
        """Of many processes that start at once, all go on with the state of the same one."""
        owner = uuid4()
        assert await vault.kept(owner, "ca") is None
        answers = await asyncio.gather(*(vault.keep_first(owner, "ca", f"state {n}".encode()) for n in range(10)))
        assert len(set(answers)) == 1
        assert await vault.kept(owner, "ca") == answers[0]
        assert await vault.kept(uuid4(), "ca") is None

    async def test_a_key_is_kept_with_what_comes_first(self, vault: Vault) -> None:
        """Of workers that issue for the same order at once one counts: its note is kept, and its key, and no other."""
        owner, certificates = uuid4(), [uuid4() for _ in range(5)]
        answers = await asyncio.gather(
            *(
                vault.keep_first_with_key(owner, "answer", f"note {n}".encode(), certificate, f"key {n}".encode())
                for n, certificate in enumerate(certificates)
            )
        )
        assert len(set(answers)) == 1
        assert await vault.kept(owner, "answer") == answers[0]
        first = int(answers[0].split()[1])
        keys = [await vault.private_key(certificate) for certificate in certificates]
        assert keys == [f"key {n}".encode() if n == first else None for n in range(5)]

    async def test_a_key_that_comes_second_is_not_kept(self, vault: Vault) -> None:
        """A worker that comes later, with another certificate, gets the first one's note, and leaves no key."""
        owner, first, second = uuid4(), uuid4(), uuid4()
        assert await vault.keep_first_with_key(owner, "answer", b"first", first, b"first key") == b"first"
        assert await vault.keep_first_with_key(owner, "answer", b"second", second, b"second key") == b"first"
        assert (b"first key", None) == (await vault.private_key(first), await vault.private_key(second))

    async def test_a_key_is_dropped(self, vault: Vault) -> None:
        """That one and no other; again is harmless."""
        certificate, other = uuid4(), uuid4()
        for each in (certificate, other):
            await vault.put_private_key(each, b"key bytes")
        for _ in range(2):
            await vault.drop_private_key(certificate)
        assert (None, b"key bytes") == (await vault.private_key(certificate), await vault.private_key(other))

    async def test_what_is_forgotten_was_never_there(self, vault: Vault) -> None:
        """After `forget` nothing is kept and the next state is the first one again; other owners keep theirs."""
        owner, other = uuid4(), uuid4()
        for each in (owner, other):
            await vault.keep_first(each, "ca", b"first")
        await vault.forget(owner)
        assert await vault.kept(owner, "ca") is None
        assert await vault.keep_first(owner, "ca", b"second") == b"second"
        assert await vault.keep_first(other, "ca", b"second") == b"first"

    async def test_of_a_chapter_all_is_forgotten_and_no_more(self, vault: Vault) -> None:
        """What has its name, alone or before a space; `try 10` is none of `try 1`."""
        owner, other = uuid4(), uuid4()
        names = ("try 1", "try 1 asked", "try 10", "try 2")
        for name in names:
            await vault.keep_first(owner, name, b"note")
        await vault.keep_first(other, "try 1", b"note")
        await vault.forget(owner, "try 1")
        assert [None, None, b"note", b"note"] == [await vault.kept(owner, name) for name in names]
        assert await vault.kept(other, "try 1") == b"note"
