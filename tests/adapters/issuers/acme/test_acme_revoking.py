"""Telling a real ACME CA of a revocation: pebble, which refuses half of all requests for their nonce."""

from uuid import uuid4

import pytest

from adapters.simulated.vault import MemoryVault
from application.issuing_ports import IssuedCertificate, RevokedCertificate
from domain.errors import Refused
from domain.revocation import RevocationReason
from tests.adapters.issuers.acme.conftest import AcmeDesk
from tests.contracts.orders_contract import answered, wish


def revoked(issued: IssuedCertificate, reason: str = "superseded") -> RevokedCertificate:
    return RevokedCertificate(issued.leaf.facts, issued.leaf.der, reason)


@pytest.mark.parametrize(("reason", "code"), [("keyCompromise", 1), ("unspecified", 0), ("cessationOfOperation", 5)])
async def test_the_ca_revokes_with_the_reason(desk: AcmeDesk, vault: MemoryVault, reason: str, code: int) -> None:
    """Signed by the account that ordered; told again it says that it is done."""
    issuer = desk.issuer(vault)
    issued = await answered(issuer, uuid4(), wish(desk))
    assert "The CA revoked it." == await issuer.revoke(revoked(issued, reason))
    found = desk.ca.status(issued.leaf.facts.serial_number)
    assert ("Revoked", code) == (found["Status"], found.get("Reason", 0))
    assert "already" in await desk.issuer(vault).revoke(revoked(issued, reason))


async def test_every_reason_is_taken_or_left_out(desk: AcmeDesk, vault: MemoryVault) -> None:
    """Whatever a CA thinks of a reason, the certificate is revoked."""
    issuer = desk.issuer(vault)
    for reason in RevocationReason:
        issued = await answered(issuer, uuid4(), wish(desk))
        assert "revoked it" in await issuer.revoke(revoked(issued, reason.value))
        assert "Revoked" == desk.ca.status(issued.leaf.facts.serial_number)["Status"]


async def test_the_cas_no_is_told(desk: AcmeDesk, vault: MemoryVault) -> None:
    """Another account's certificate: refused in the CA's words."""
    issued = await answered(desk.issuer(vault), uuid4(), wish(desk))
    with pytest.raises(Refused, match="The CA refused"):
        await desk.issuer(MemoryVault()).revoke(revoked(issued))
