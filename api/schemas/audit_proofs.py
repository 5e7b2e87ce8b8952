"""The sealed ledger: keys, checkpoints, proofs, verifications."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

_VKEY = Annotated[
    str, Meta(examples=["ledger.example/certferry+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"])
]
_HASH = Annotated[str, Meta(description="A SHA-256 hash in base64.")]
_NOTE = Annotated[str, Meta(min_length=1, max_length=100_000, description="A signed note (C2SP tlog-checkpoint).")]


class LogKeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs checkpoints, or did so until `until_size` events."""

    vkey: _VKEY
    since: datetime
    from_size: int
    until: datetime | None
    until_size: int | None


class LogKeysBody(msgspec.Struct, frozen=True, kw_only=True):
    """Every key there ever was, newest first."""

    keys: tuple[LogKeyBody, ...]


class ConsistencyBody(msgspec.Struct, frozen=True, kw_only=True):
    """That the ledger of `from_size` events is the beginning of the one of the checkpoint (RFC 6962, section 2.1.2)."""

    from_size: int
    from_root: _HASH
    size: int
    root: _HASH
    proof: tuple[_HASH, ...]
    checkpoint: _NOTE


class StartVerificationBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A checkpoint that you kept, to compare the ledger with."""

    checkpoint: _NOTE | None = None


class VerificationOutcomeBody(msgspec.Struct, frozen=True, kw_only=True):
    """What recomputing `size` events and so many checkpoints came to.

    Not `intact`: `finding` says what is wrong, `position` is the first bad one where it is known.
    """

    intact: bool
    size: int
    checkpoints: int
    root: _HASH | None
    position: int | None
    finding: str | None


class LedgerVerificationBody(msgspec.Struct, frozen=True, kw_only=True):
    """One verification of the whole ledger; no `outcome` while it runs."""

    id: UUID
    status: Annotated[str, Meta(examples=["running", "completed"])]
    started_at: datetime
    started_by: str
    checkpoint: _NOTE | None
    completed_at: datetime | None
    outcome: VerificationOutcomeBody | None
