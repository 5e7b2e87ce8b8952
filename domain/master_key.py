"""The master key of the vault: that it was rotated, and which keys are gone, is history; the keys themselves never are.

A key is named by its public id, 16 hex digits of a hash.
"""

import msgspec

from domain.entity import AggregateType, Event


class MasterKeyRotated(Event, frozen=True, kw_only=True):
    """Every secret of the vault is sealed by this key now: so many `values` were sealed anew."""

    topic = "vault.master_key.rotated"
    key_id: str
    former_key_ids: tuple[str, ...]
    values: int


class MasterKeyRetired(Event, frozen=True, kw_only=True):
    """No value is sealed by this key any more, and none will be: it may be destroyed."""

    topic = "vault.master_key.retired"
    key_id: str


class MasterKeyHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Which key the last rotation brought, and which ones are gone."""

    key_id: str | None = None
    retired: tuple[str, ...] = ()


def _retired(state: MasterKeyHistory | None, event: MasterKeyRetired) -> MasterKeyHistory:
    known = state or MasterKeyHistory()
    return msgspec.structs.replace(known, retired=(*known.retired, event.key_id))


MASTER_KEY: AggregateType[MasterKeyHistory] = AggregateType(
    name="master_key",
    table={
        MasterKeyRotated: lambda state, event: msgspec.structs.replace(
            state or MasterKeyHistory(), key_id=event.key_id
        ),
        MasterKeyRetired: _retired,
    },
)
