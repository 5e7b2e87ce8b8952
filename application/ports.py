"""What the use cases need of the outside world, as small Protocols. Adapters and simulated twins implement them."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.alert import AlertKind
from domain.certificate import Certificate
from domain.certificate_facts import CertificateFacts
from domain.connector import EndpointValidation
from domain.entity import Event
from domain.replacement_criteria import ReplacementCriteria
from domain.verification_plan import AS_FOR_ALL, VerificationPlan


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a command does to one stream.

    `expected_version` is the version the decision was made on (0: the stream must not exist yet); None appends at
    the end, whatever the version (access logs). No `events` = an assertion: the stream must still be at
    `expected_version` when the command commits, so a decision can rely on streams it does not write.
    """

    stream_id: UUID
    expected_version: int | None
    events: tuple[Event, ...] = ()


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """All changes of one command: they commit together or not at all.

    `command_id` makes it idempotent: the same id with the same `body_sha256` (32 bytes) gets the first result, with
    another body it is refused. `answer` is stored beside the command for such repeats (None: nothing to repeat, for
    instance because the answer carried a secret).
    """

    command_id: UUID
    body_sha256: bytes
    changes: tuple[Change, ...]
    answer: bytes | None = None


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an accepted command; `repeated` when an earlier append with this id had done it already.

    `first_position` to `last_position` are the ledger positions of its events (for a command without events both are
    the head at that moment).
    """

    first_position: int
    last_position: int
    recorded_at: datetime
    repeated: bool = False
    answer: bytes | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event where it stands: its stream, its version there (from 1), its position in the one ledger (from 1)."""

    position: int
    stream_id: UUID
    version: int
    recorded_at: datetime
    event: Event


class VersionConflict(Exception):
    """A stream had moved on (or appeared, or vanished from view) since the decision was made. Load, decide again."""


class CommandIdReused(Exception):
    """The command id was used before with another body."""


class LogUnavailable(Exception):
    """The log could not be reached, or could not say whether it committed. Repeating with the same id is safe."""


class Log(Protocol):
    """The one ledger: streams of events in a dense total order."""

    async def load(self, stream_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """All events of the streams, by version; a stream without events maps to an empty list."""
        ...

    async def append(self, command: Append) -> Appended:
        """Commit durably. Raises VersionConflict, CommandIdReused or LogUnavailable."""
        ...

    async def find_command(self, command_id: UUID) -> tuple[bytes, Appended] | None:
        """The (body_sha256, outcome) of an accepted command, or None."""
        ...

    async def read(self, after_position: int, limit: int) -> list[Recorded]:
        """Up to `limit` events after a position, in order."""
        ...

    async def head(self) -> int:
        """The last position, 0 for an empty ledger."""
        ...

    def follow(self, after_position: int) -> AsyncGenerator[list[Recorded], None]:
        """Batches of events after a position, for ever: wakes on notification, and by itself every second."""
        ...


class Clock(Protocol):
    """The time, as an argument of everything that needs it."""

    def __call__(self) -> datetime:
        """Now, in UTC."""
        ...


class ReadCertificate(Protocol):
    """A certificate that was parsed."""

    @property
    def facts(self) -> CertificateFacts: ...
    @property
    def der(self) -> bytes: ...


class ReadBundle(Protocol):
    """A certificate with what came along: its issuers (its own first), its key as PKCS#8 DER."""

    @property
    def leaf(self) -> ReadCertificate: ...
    @property
    def chain(self) -> Sequence[ReadCertificate]: ...
    @property
    def private_key(self) -> bytes | None: ...


class CertificateReader(Protocol):
    """Parses what came from outside; raises Refused(validation-failed) and nothing else."""

    def bundle(self, certificate_pem: str, private_key_pem: str | None, chain_pem: str | None) -> ReadBundle:
        """Certificate, key and chain, checked to belong together."""
        ...

    def pkcs12(self, data: bytes, password: str) -> ReadBundle:
        """The same of a PKCS#12 bundle; "" for one without a password."""
        ...

    def certificate(self, data: bytes | str) -> ReadCertificate:
        """One certificate, DER or PEM."""
        ...


class PendingDeployment(NamedTuple):
    """A deployment that waits for its bridge, or whose bridge may have lost it."""

    connector_id: UUID
    deployment_id: UUID
    target_system_id: UUID


class DueConnector(NamedTuple):
    """A connector that a verification run looks at."""

    connector_id: UUID
    certificate_id: UUID
    expected_fingerprint_sha256: str
    endpoints: tuple[str, ...]
    server_name: str | None
    last_deployed_at: datetime | None = None
    validation: tuple[EndpointValidation, ...] = ()
    plan: VerificationPlan = AS_FOR_ALL
    bridge_id: UUID | None = None


class Unexpired(NamedTuple):
    """A certificate that has not expired."""

    id: UUID
    certificate: Certificate


class ReplacementFigures(NamedTuple):
    """How far a replacement is, in certificates. `planned`: not ordered yet; `skipped`: replaced otherwise."""

    planned: int
    under_way: int
    complete: int
    failed: int
    skipped: int


class Hints(Protocol):
    """Questions to the read models. The answers may lag behind the ledger: decisions rest on the streams they name."""

    async def connectors_of(self, certificate_id: UUID) -> list[UUID]:
        """Associated connectors of a certificate."""
        ...

    async def connectors_on(self, target_system_id: UUID) -> list[UUID]:
        """Associated connectors on a target system."""
        ...

    async def latest_ordinals(self, connector_ids: Sequence[UUID]) -> dict[UUID, int]:
        """The highest known work order ordinal per connector; a connector without work orders is missing."""
        ...

    async def open_work_orders(
        self, *, certificate_id: UUID | None = None, connector_id: UUID | None = None
    ) -> list[UUID]:
        """Open work orders of a certificate or a connector."""
        ...

    async def pending_deployments(self, bridge_id: UUID, limit: int) -> list[PendingDeployment]:
        """In-flight deployments on a bridge's target systems, oldest first."""
        ...

    async def overdue_deployments(self, now: datetime, limit: int, here: Sequence[UUID] = ()) -> list[UUID]:
        """Connectors whose in-flight deployment is past its deadline, without those that wait for a bridge that is
        `here`.
        """
        ...

    async def due_scheduled(self, now: datetime, limit: int) -> list[UUID]:
        """Scheduled work orders whose time has come."""
        ...

    async def undispatched(self, limit: int) -> list[UUID]:
        """Implementing work orders, oldest first (a safety net: reactions dispatch them at once)."""
        ...

    async def expirable(self, now: datetime, limit: int) -> list[UUID]:
        """Open work orders whose request or approvals may have expired."""
        ...

    async def due_connectors(self, connector_ids: Sequence[UUID] | None = None) -> list[DueConnector]:
        """Deployed connectors with endpoints: those whose push awaits its first result, and of each target and profile
        the one pushed last.
        """
        ...

    async def own_schedules(self) -> dict[UUID, int]:
        """Connectors that can be verified and have a schedule of their own: seconds between two looks."""
        ...

    async def served_before(
        self, endpoints: Sequence[tuple[str, str | None]]
    ) -> dict[tuple[str, str | None], set[str]]:
        """Fingerprints that (endpoint, server name) pairs served earlier."""
        ...

    async def due_renewals(self, now: datetime, after: float, spread: float, limit: int) -> list[UUID]:
        """Certificates to renew (projections.inventory.view.Inventory.due_for_renewal), next to expire first."""
        ...

    def renewable_through(self, now: datetime, provider: str) -> AsyncIterator[Sequence[UUID]]:
        """Certificates of a kind of provider whose key is here or was made on their target system, that have no
        successor and are neither revoked nor expired; next to expire first.
        """
        ...

    def replaceable(self, now: datetime, criteria: ReplacementCriteria) -> AsyncIterator[Sequence[UUID]]:
        """Certificates that are meant and have no successor, next to expire first."""
        ...

    async def replacement_figures(self, replacement_id: UUID) -> ReplacementFigures:
        """How far a replacement is."""
        ...

    async def known_fingerprints(self, fingerprints: Sequence[str]) -> set[str]:
        """Those that are in the inventory."""
        ...

    async def providers(self, kind: str) -> list[UUID]:
        """Providers of a kind that are in use."""
        ...

    async def notification_channels(self) -> list[UUID]:
        """Channels that are in use."""
        ...

    async def report_schedules(self) -> list[UUID]:
        """Report schedules that are neither paused nor removed."""
        ...

    async def latest_report_delivery(self, report_schedule_id: UUID) -> int:
        """How many deliveries a report schedule has had."""
        ...

    async def target_systems(self) -> list[UUID]:
        """Target systems that are in use."""
        ...

    async def tokens_of(self, principal_id: UUID) -> list[UUID]:
        """A principal's tokens that were not revoked."""
        ...

    async def sessions_of(self, principal_id: UUID, now: datetime) -> list[UUID]:
        """A principal's sessions that are not over."""
        ...

    async def administrators(self) -> list[UUID]:
        """Principals with the role admin who are not disabled."""
        ...

    async def open_alerts(self, cause: str) -> list[UUID]:
        """Open alerts of a cause."""
        ...

    async def latest_alert_ordinal(self, cause: str) -> int:
        """How many alerts this cause has had."""
        ...

    async def known_causes(self, causes: Sequence[str]) -> set[str]:
        """Those that have had an alert, open or not."""
        ...

    async def open_alerts_of(self, kind: AlertKind, *, subject_id: UUID | None = None) -> list[UUID]:
        """Open alerts of a kind, of one subject or of all."""
        ...

    def unexpired(self, at: datetime, within: timedelta | None) -> AsyncIterator[Sequence[Unexpired]]:
        """Certificates that are neither revoked nor expired, and will expire within a span (None: any time)."""
        ...

    async def waiting_for_approval(self, before: datetime, limit: int) -> list[UUID]:
        """Open work orders that wait for a person, and of which nothing was heard since an instant."""
        ...


class Lease(NamedTuple):
    """Who may work on an assignment; kept after its end so that late reports find their way."""

    assignment_id: UUID
    kind: str
    subject_id: UUID
    target_system_id: UUID
    bridge_id: UUID
    fence: int


class Leases(Protocol):
    """At most one live lease per target system; every grant has a higher fence than any before."""

    async def take(
        self, assignment_id: UUID, kind: str, subject_id: UUID, target_system_id: UUID, bridge_id: UUID, seconds: float
    ) -> int | None:
        """Grant a lease: its fence, or None while a live lease on the target system stands."""
        ...

    async def extend(self, bridge_id: UUID, holding: Sequence[tuple[UUID, int]], seconds: float) -> list[UUID]:
        """Extend live leases; returns the assignments that the bridge no longer holds."""
        ...

    async def release(self, assignment_id: UUID, fence: int) -> None:
        """End a lease; nothing happens where a newer one stands."""
        ...

    async def free(self, bridge_id: UUID) -> None:
        """End all leases of a bridge that is trusted no longer: others may work on its target systems at once."""
        ...

    async def find(self, assignment_id: UUID) -> Lease | None:
        """The latest lease of an assignment, live or ended."""
        ...

    async def alive(self, assignment_id: UUID) -> bool:
        """Is there a live lease?"""
        ...

    async def held(self, bridge_id: UUID) -> list[Lease]:
        """The live leases of a bridge, oldest first."""
        ...


class Errand(NamedTuple):
    """Something a bridge is asked to do that installs nothing: a discovery, a connection test, a key with its signing
    request for the order `subject_id`, a look at endpoints (`content` says which).
    """

    id: UUID
    kind: str
    target_system_id: UUID
    bridge_id: UUID
    deadline_at: datetime
    subject_id: UUID | None = None
    content: bytes | None = None


class Errands(Protocol):
    """Errands waiting for their bridge. A queue, not history: the outcome is an event."""

    async def add(self, errand: Errand) -> None:
        """Queue it; the same id twice is one errand."""
        ...

    async def waiting(self, bridge_id: UUID, limit: int) -> list[Errand]:
        """Not done yet, oldest first."""
        ...

    async def waiting_of(self, target_system_id: UUID, kind: str) -> list[Errand]:
        """Not done yet of one target system and kind, oldest first."""
        ...

    async def find(self, errand_id: UUID) -> Errand | None:
        """One errand, done or not."""
        ...

    async def overdue(
        self, now: datetime, limit: int, *, here: Sequence[UUID] = (), taken_before: datetime | None = None
    ) -> list[Errand]:
        """Not done and past their deadline, without those of a bridge that is `here`, unless it took them up and let go
        of them, or took them up before some instant.
        """
        ...

    async def done(self, errand_id: UUID) -> None:
        """It needs no bridge any more."""
        ...

    async def answer(self, errand_id: UUID, told: bytes) -> bool:
        """The bridge's answer to one that asks for something, which is done by it. False: it was done before."""
        ...

    async def answered(self, errand_id: UUID) -> bytes | None:
        """The answer, once there is one."""
        ...


class TokenUses(Protocol):
    """When API tokens were last used, to the minute; not history."""

    async def used(self, uses: Mapping[UUID, datetime]) -> None:
        """These tokens, at these times; what was known later stays."""
        ...

    async def last_used(self, token_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """Those that were used since this is kept."""
        ...


class Presence(Protocol):
    """When each bridge was last heard of; not history (connected and disconnected are the events)."""

    async def seen(self, bridge_id: UUID, version: str, at: datetime) -> None:
        """A sign of life."""
        ...

    async def last_seen(self, bridge_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """Last signs of life."""
        ...

    async def silent_since(self, before: datetime) -> list[tuple[UUID, datetime]]:
        """Bridges not heard of since."""
        ...

    async def heard_since(self, after: datetime) -> list[UUID]:
        """Bridges heard of since."""
        ...
