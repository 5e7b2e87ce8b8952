"""The record of a target system: its names, with the positions from which on they held."""

from datetime import datetime

import msgspec

from projections.scope import known


class Naming(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A name from a position on; `retired` from then on."""

    position: int
    at: datetime
    name: str
    retired: bool = False


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target system and its names, in the order of the ledger."""

    kind: str
    facts: tuple[Naming, ...]

    def known(self, position: int) -> "TargetRecord":
        """As it was at a position, which is not before its registration."""
        return msgspec.structs.replace(self, facts=known(self.facts, position))

    @property
    def name(self) -> str:
        """What it is called."""
        return self.facts[-1].name
