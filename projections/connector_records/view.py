"""The record of a connector: when its certificate was associated, deployed and removed; and the steps that its
deployments and verifications were for work orders.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from projections.scope import known


class Change(StrEnum):
    """What changes whether, and since when, a certificate is in use on a target."""

    ASSOCIATED = "associated"
    DEPLOYED = "deployed"
    DISSOCIATED = "dissociated"


class ConnectorFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change."""

    change: Change
    position: int
    at: datetime


class ConnectorRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connector and its changes, in the order of the ledger.

    `endpoints`, and the deployment that was last requested and its work order, are those of its latest events.
    """

    certificate_id: UUID
    target_system_id: UUID
    profile: str | None = None
    endpoints: tuple[str, ...] = ()
    deployment_id: UUID | None = None
    work_order_id: UUID | None = None
    facts: tuple[ConnectorFact, ...]

    def known(self, position: int) -> "ConnectorRecord":
        """As its facts were at a position, which is not before its association."""
        return msgspec.structs.replace(self, facts=known(self.facts, position))

    @property
    def associated(self) -> ConnectorFact | None:
        """The association that holds; None where it was removed."""
        last = next((f for f in reversed(self.facts) if f.change is not Change.DEPLOYED), None)
        return last if last is not None and last.change is Change.ASSOCIATED else None

    @property
    def deployed(self) -> ConnectorFact | None:
        """The first deployment since the association that holds; None where nothing was deployed since."""
        began = self.associated
        if began is None:
            return None
        facts = (f for f in self.facts if f.change is Change.DEPLOYED and f.position > began.position)
        return next(facts, None)


class DeliveryStep(StrEnum):
    """What a deployment, and the verification after it, did for a work order."""

    DISPATCHED = "dispatched"
    PICKED_UP = "picked_up"
    INSTALLED = "installed"
    FAILED = "failed"
    VERIFIED = "verified"
