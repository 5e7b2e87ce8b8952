"""Orders through Local PKI keep the promises of every provider."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.issuers.local_pki import LocalPki, open_local_pki
from adapters.issuing import LocalPkiOrders, Vault
from adapters.keys.generating import generate_key
from adapters.simulated.vault import MemoryVault
from adapters.x509.reader import X509Reader
from adapters.x509.requests import read_request
from domain.certificate_order import Provider
from tests.contracts.orders_contract import OrdersContract
from tests.support.office import MemoryCrls


class LocalDesk:
    """Local PKI. A certificate that nobody was given is none: what counts are those that were noted."""

    provider = Provider.LOCAL_PKI
    tells = True

    def __init__(self, authority: LocalPki) -> None:
        self._authority = authority
        self._vaults: list[MemoryVault] = []

    def issuer(self, vault: Vault) -> LocalPkiOrders:
        assert isinstance(vault, MemoryVault)
        self._vaults.append(vault)
        return LocalPkiOrders(self._authority, generate_key, read_request, X509Reader(), vault, MemoryCrls())

    def issued(self) -> int:
        """Answers that were noted, in all vaults; vaults that share their drawers count once."""
        drawers: dict[int, Any] = {id(vault._secrets): vault._secrets for vault in self._vaults}
        return sum(len(notes) for drawer in drawers.values() for notes in drawer.values())


@pytest.fixture
async def desk() -> LocalDesk:
    return LocalDesk(await open_local_pki(MemoryVault(), lambda: datetime.now(UTC)))


class TestLocalPkiOrders(OrdersContract):
    """The contract of a provider."""
