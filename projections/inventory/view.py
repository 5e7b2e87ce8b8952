"""Inventory: which certificates are there, and what is known of each?"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.certificate import Certificate, CertificateStatus, Source
from domain.certificate_facts import Usage
from domain.colour import Colour, Thresholds
from domain.connector_events import SyncState
from projections.rows import Page, Row

CertificateRow = Row[Certificate]
"""A certificate; `state.der` and `state.chain` are empty here: downloads ask for `Inventory.der`."""

Sort = Literal["not_after", "-not_after", "common_name", "-common_name", "created", "-created"]

_MICROSECOND = timedelta(microseconds=1)


class CertificateDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate, and what decides on the actions that are available."""

    certificate: CertificateRow
    connectors: int
    open_work_orders: int


class CertificateDer(NamedTuple):
    """The DER of a certificate and of its issuers, its own issuer first, and its common name in lower case."""

    der: bytes
    chain: tuple[bytes, ...]
    common_name: str


class ColourRange(msgspec.Struct, frozen=True, kw_only=True):
    """A colour as a condition: revoked, or not revoked and `after` < not_after <= `until` (None: unbounded)."""

    revoked: bool = False
    after: datetime | None = None
    until: datetime | None = None


def colour_ranges(
    colours: Iterable[Colour], now: datetime, thresholds: Thresholds = Thresholds()
) -> tuple[ColourRange, ...]:
    """The conditions of certificate colours; gray and mid_purple are no certificate's colour and have none."""
    just_before = now - _MICROSECOND
    orange, yellow, blue = _ends(now, (thresholds.orange, thresholds.yellow, thresholds.blue))
    ranges = {
        Colour.BLACK: ColourRange(revoked=True),
        Colour.RED: ColourRange(until=just_before),
        Colour.ORANGE: ColourRange(after=just_before, until=orange),
        Colour.YELLOW: ColourRange(after=orange, until=yellow),
        Colour.BLUE: ColourRange(after=yellow, until=blue),
        Colour.GREEN: ColourRange(after=blue),
    }
    return tuple(ranges[colour] for colour in dict.fromkeys(colours) if colour in ranges)


def _ends(now: datetime, days: Sequence[int]) -> list[datetime]:
    """Where each colour ends; a threshold below an earlier one leaves its colour empty."""
    ends: list[datetime] = []
    for count in days:
        end = now + timedelta(days=count)
        ends.append(max(end, ends[-1]) if ends else end)
    return ends


class CertificateFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of certificates is narrowed to. Several values of one field mean "or", several fields "and".

    `now` decides what is active, expired or not yet valid. `q` is a part of the common name or of a subject
    alternative name, whatever the case. `issuer` is a part of the issuer's name; `issuer_key_id` the key identifier
    of the CA that issued it (lower-case hex). `replaced`: it has a successor. `colours` None: any; an empty tuple:
    none at all. `expires_within`: not expired yet, and expired by then. `sync` and `target_system_id` ask for
    certificates with an associated connector of that kind; `provider` None inside the tuple: imported ones.
    """

    now: datetime
    q: str | None = None
    status: tuple[CertificateStatus, ...] = ()
    source: tuple[Source, ...] = ()
    provider: tuple[str | None, ...] = ()
    usage: tuple[Usage, ...] = ()
    colours: tuple[ColourRange, ...] | None = None
    has_private_key: bool | None = None
    sync: tuple[SyncState, ...] = ()
    target_system_id: tuple[UUID, ...] = ()
    owner: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    issuer: tuple[str, ...] = ()
    issuer_key_id: tuple[str, ...] = ()
    key_algorithm: tuple[str, ...] = ()
    certificate_id: tuple[UUID, ...] = ()
    replaced: bool | None = None
    expires_within: timedelta | None = None


class Inventory(Protocol):
    """Questions about certificates. Every answer is one statement."""

    async def get(self, certificate_id: UUID) -> CertificateRow | None:
        """One certificate; concurrent calls share a statement."""
        ...

    async def get_many(self, certificate_ids: Sequence[UUID]) -> dict[UUID, CertificateRow]:
        """Those that exist."""
        ...

    async def detail(self, certificate_id: UUID) -> CertificateDetail | None:
        """One certificate, with its associated connectors and open work orders counted."""
        ...

    async def list(
        self, narrow: CertificateFilter, *, sort: Sort = "not_after", limit: int = 50, cursor: str | None = None
    ) -> Page[CertificateRow]:
        """One page. Raises BadCursor."""
        ...

    def stream(self, narrow: CertificateFilter, *, sort: Sort = "not_after") -> AsyncIterator[Sequence[CertificateRow]]:
        """The whole list in batches, for exports."""
        ...

    async def der(self, certificate_id: UUID) -> CertificateDer | None:
        """What a download consists of."""
        ...

    async def by_fingerprint(self, fingerprint_sha256: str) -> CertificateRow | None:
        """By SHA-256 fingerprint, 64 lower-case hex digits."""
        ...

    async def by_issuer_serial(self, issuer: str, serial_number: str) -> CertificateRow | None:
        """By what is unique too (RFC 5280, 4.1.2.2): the issuer's name (RFC 4514) and the serial number (hex)."""
        ...

    async def due_for_renewal(self, now: datetime, after: float, spread: float, limit: int) -> Sequence[UUID]:
        """Certificates that were ordered here, whose key is here or was made on their target system, that have no
        successor, are neither revoked nor expired, and of whose lifetime the fraction `after` is over, and up to
        `spread` more: how much, its id says. Next to expire first.
        """
        ...

    def renewable(self, now: datetime, provider: str) -> AsyncIterator[Sequence[CertificateRow]]:
        """Certificates of a kind of provider that could come due for renewal, however old, in batches."""
        ...

    async def known_fingerprints(self, fingerprints: Sequence[str]) -> set[str]:
        """Those that are in the inventory."""
        ...
