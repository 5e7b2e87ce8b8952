"""What the service needs as an ACME server beside the ledger (RFC 8555)."""

from typing import Protocol
from uuid import UUID

import msgspec

from domain.acme_order import Answered, ChallengeFlaw


class AcmeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What operators may choose. `order_seconds`: how long an order and what was validated for it hold. `new_orders`,
    `new_accounts`: at most so many per account, per key for external account binding, within an hour.
    """

    validity_days: int = 90
    order_seconds: int = 7 * 86_400
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


class ChallengeLooker(Protocol):
    """Looks whether challenges are met (RFC 8555, 8)."""

    async def look(self, name: str, token: str, answered: Answered) -> ChallengeFlaw | None:
        """None where the answer at the name is the right one. Never raises for what names and servers do."""
        ...
