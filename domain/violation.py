"""What an order breaks of an issuance policy."""

from enum import StrEnum
from uuid import UUID

import msgspec


class Severity(StrEnum):
    """What breaking a rule means: `hard` refuses the order, `soft` warns."""

    HARD = "hard"
    SOFT = "soft"


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One restriction of one rule that an order breaks. `pointer` is the field of the order that is to blame."""

    policy_id: UUID
    policy_version: int
    policy: str
    rule: str
    severity: Severity
    restriction: str
    pointer: str
    detail: str


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What policies say of an order: `violations` of hard rules, `warnings` of soft ones."""

    violations: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()

    @property
    def policy_ids(self) -> tuple[UUID, ...]:
        """The policies that were broken, each once."""
        return tuple(dict.fromkeys(each.policy_id for each in (*self.violations, *self.warnings)))


UNTOUCHED = Judgement()
"""No policy says anything."""
