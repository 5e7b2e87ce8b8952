"""What the service needs as an ACME server beside the ledger (RFC 8555)."""

from typing import Protocol
from uuid import UUID

import msgspec

from domain.acme_order import Authorization, ChallengeFlaw


class AcmeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What operators may choose. `order_seconds`: how long an order and what was validated for it hold: as long as what
    CAA records said may be relied on (CA/B Forum Baseline Requirements, 4.2.2.1: eight hours). `new_orders`,
    `new_accounts`: at most so many per account, per key for external account binding, within an hour.
    """

    validity_days: int = 90
    order_seconds: int = 8 * 3600
    new_orders: int = 300
    new_accounts: int = 100


class SpentNonces(Protocol):
    """Nonces that were used, in any process."""

    async def spend(self, nonce: bytes) -> bool:
        """Use a nonce; False where that was done before."""
        ...


class Rates(Protocol):
    """How often something was done, in all processes together."""

    async def take(self, subject_id: UUID, kind: str, most: int, seconds: int) -> int | None:
        """Count one more; None where that is within `most` per `seconds`, else the seconds to wait."""
        ...


class Patience(msgspec.Struct, frozen=True):
    """For how many seconds after the client's answer a challenge that is not met is looked at again, and how many lie
    between two looks: records and web servers take their time.
    """

    seconds: float = 20.0
    pause: float = 2.0


class ChallengeLooker(Protocol):
    """Looks whether challenges are met (RFC 8555, 8), and whether the service may certify the names (RFC 8659)."""

    @property
    def patience(self) -> Patience:
        """For how long."""
        ...

    async def look(self, account_id: UUID, found: Authorization) -> ChallengeFlaw | None:
        """Once. None where the answer at the name is the right one, and no CAA record forbids it. Never raises for what
        names and servers do.
        """
        ...
