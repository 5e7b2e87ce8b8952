"""What every vault promises (application.vault_ports.KeyVault, adapters.keys.store.SealedStore).

A module that tests a vault makes a fixture `vault` and subclasses VaultContract.
"""

import asyncio
from typing import Protocol
from uuid import uuid4

import pytest

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

    async def test_an_owner_without_secrets_has_none(self, vault: Vault) -> None:
        """Nothing put: no names, no secrets."""
        owner = uuid4()
        assert ({}, []) == (await vault.secrets(owner), await vault.secret_names(owner))

    async def test_secrets_are_replaced_as_a_whole(self, vault: Vault) -> None:
        """Putting secrets removes the ones that are not among them; names come sorted."""
        owner, other = uuid4(), uuid4()
        await vault.put_secrets(other, {"password": "another owner's"})
        await vault.put_secrets(owner, {"password": "pä55\nword", "passphrase": ""})
        assert await vault.secret_names(owner) == ["passphrase", "password"]
        assert await vault.secrets(owner) == {"password": "pä55\nword", "passphrase": ""}
        await vault.put_secrets(owner, {"token": "x"})
        assert await vault.secrets(owner) == {"token": "x"}
        assert await vault.secrets(other) == {"password": "another owner's"}

    async def test_versions_count_from_1_and_never_back(self, vault: Vault) -> None:
        """Every put is a new version, also the one that takes the last secret away: approvals bind the version."""
        owner = uuid4()
        puts: list[dict[str, str]] = [{"a": "1"}, {"a": "1"}, {}, {}, {"b": "2"}]
        versions = [await vault.put_secrets(owner, secrets) for secrets in puts]
        assert versions == [1, 2, 3, 4, 5]

    async def test_no_secrets_at_all_are_no_secrets(self, vault: Vault) -> None:
        """After the last secret is gone, none is listed."""
        owner = uuid4()
        await vault.put_secrets(owner, {"a": "1"})
        await vault.put_secrets(owner, {})
        assert ({}, []) == (await vault.secrets(owner), await vault.secret_names(owner))

    async def test_two_writers_never_share_a_version(self, vault: Vault) -> None:
        """Concurrent puts get one version each, and one of them stands as a whole."""
        owner = uuid4()
        puts = [{"first": str(n), "second": str(n)} for n in range(20)]
        versions = await asyncio.gather(*(vault.put_secrets(owner, secrets) for secrets in puts))
        assert sorted(versions) == list(range(1, 21))
        assert await vault.secrets(owner) in puts

    async def test_a_secret_needs_a_name(self, vault: Vault) -> None:
        """The empty name is refused and changes nothing."""
        owner = uuid4()
        with pytest.raises(ValueError, match="needs a name"):
            await vault.put_secrets(owner, {"": "x"})
        assert await vault.secrets(owner) == {}

    async def test_the_first_state_is_kept(self, vault: Vault) -> None:
        """Of many processes that start at once, all go on with the state of the same one."""
        owner = uuid4()
        assert await vault.kept(owner, "ca") is None
        answers = await asyncio.gather(*(vault.keep_first(owner, "ca", f"state {n}".encode()) for n in range(10)))
        assert len(set(answers)) == 1
        assert await vault.kept(owner, "ca") == answers[0]
        assert await vault.kept(uuid4(), "ca") is None

    async def test_what_is_forgotten_was_never_there(self, vault: Vault) -> None:
        """After `forget` nothing is kept and the next state is the first one again; other owners keep theirs."""
        owner, other = uuid4(), uuid4()
        for each in (owner, other):
            await vault.keep_first(each, "ca", b"first")
        await vault.forget(owner)
        assert await vault.kept(owner, "ca") is None
        assert await vault.keep_first(owner, "ca", b"second") == b"second"
        assert await vault.keep_first(other, "ca", b"second") == b"first"

    async def test_putting_secrets_replaces_what_was_kept(self, vault: Vault) -> None:
        """State and secrets of one owner lie in one drawer."""
        owner = uuid4()
        await vault.keep_first(owner, "answer", b"text")
        await vault.put_secrets(owner, {"a": "1"})
        assert await vault.kept(owner, "answer") is None
        await vault.forget(owner)
        assert ({}, 1) == (await vault.secrets(owner), await vault.put_secrets(owner, {}))
