"""Everything the API needs from elsewhere, as one value. The bootstrap fills it; the API imports no adapter."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from api.directory import Directory, Positions
from api.knocks import Knocks
from api.positions import Acknowledged
from api.streams import Streams
from api.token_uses import UsedTokens
from application.acme_ports import AcmeRules, Rates, SpentNonces
from application.acme_renewing import IssuedBy
from application.enrolling import BridgeSigner
from application.export_ports import EvidenceMaker
from application.house import House
from application.issuer_ports import RequestReader
from application.issuing_ports import Issuers
from application.notification_ports import ChannelKinds, Notifications
from application.pfx_exporting import PfxMaker
from application.ports import CertificateReader
from application.providing import ProviderKinds
from application.proving import SealedLog
from application.signing_in_ports import IdentityProvider, Passwords
from application.verifying import Result
from application.webhook_ports import Deliveries
from bridge.protocol import SealedContent
from domain.colour import Thresholds
from domain.connector_events import ValidationState
from projections.acme_clients.view import AcmeClients
from projections.alerts.view import Alerts
from projections.audit_trail.cloud_events import Origin
from projections.audit_trail.view import AuditTrail
from projections.bridges.view import Bridges
from projections.changes.view import Changes
from projections.connectors.view import Connectors
from projections.discoveries.view import Discoveries
from projections.endpoint_history.view import EndpointHistory
from projections.inventory.view import Inventory
from projections.moment import Moment
from projections.notification_channels.view import NotificationChannels
from projections.orders.view import Orders
from projections.principals.view import Principals
from projections.providers.view import Providers
from projections.push_validation.view import PushValidation
from projections.replacements.view import Replacements
from projections.report_schedules.view import ReportSchedules
from projections.reports import Reports
from projections.target_systems.view import TargetSystems
from projections.topology.view import Topology
from projections.verification_runs.view import VerificationRuns
from projections.webhooks.view import Webhooks
from projections.work_orders.view import WorkOrders


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What operators may choose of the API; times in seconds, sizes in bytes.

    `session_key`: at least 32 random bytes, the same in every API process (signs session cookies).
    `secure_cookies`: the service is reached by https, whatever this process sees of it.
    `session_seconds`: how long a session lasts, `idle_seconds`: how long while nothing is done with it.
    `read_wait`: how long an answer waits for the read models before it tells what they show, or is 503 where more was
    asked for.
    `review_days`: how long a review of the inventory holds.
    """

    session_key: bytes
    secure_cookies: bool = False
    session_seconds: int = 8 * 3600
    idle_seconds: int = 3600
    read_wait: float = 5.0
    max_body: int = 1_048_576
    thresholds: Thresholds = Thresholds()
    review_days: int = 90

    def __repr__(self) -> str:
        """Show no key."""
        return "ApiSettings(...)"


class AcmeServer(msgspec.Struct, frozen=True, kw_only=True):
    """What the service needs as an ACME server. `url`: where clients reach it, "" where they know better.
    `caa_identities`: domain names that stand for it in CAA records.
    """

    spent: SpentNonces
    rates: Rates
    rules: AcmeRules
    read_request: RequestReader
    issued_by: IssuedBy
    url: str = ""
    caa_identities: tuple[str, ...] = ()


class KeptAnswer(Protocol):
    """A finished answer to a command with an Idempotency-Key. `body` None: it carried a secret and is not kept."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes | None: ...


class KnownCommand(Protocol):
    """What stands under a command id: the body it was claimed with, and its answer (None: in progress)."""

    @property
    def body_sha256(self) -> bytes: ...
    @property
    def answer(self) -> KeptAnswer | None: ...


class IdempotencyStore(Protocol):
    """Answers to commands with an Idempotency-Key, kept for at least 24 hours."""

    async def claim(self, command_id: UUID, body_sha256: bytes) -> KnownCommand | None:
        """Claim a command id: None when it is ours now, else what stands there.

        An unanswered claim older than ten seconds is taken over: its process seems to have died.
        """
        ...

    async def finish(self, command_id: UUID, status: int, headers: dict[str, str], body: bytes | None) -> None:
        """Keep the answer of a claimed command."""
        ...

    async def abandon(self, command_id: UUID) -> None:
        """Give a claim back: the command was refused or failed, and may be tried again."""
        ...


class RunResults(Protocol):
    """What verification runs saw, per endpoint."""

    async def list(
        self, run_id: UUID, *, after: int = 0, limit: int = 1000, states: Sequence[ValidationState] = ()
    ) -> Sequence[tuple[int, Result]]:
        """Results of a run (in one of some states), each with its number in it (from 1), after number `after`."""
        ...

    async def counted(self, run_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many results of each run there are so far."""
        ...


class BridgeAuthority(BridgeSigner, Protocol):
    """The Bridge CA."""

    @property
    def certificate_pem(self) -> str:
        """What bridges trust for the control plane's own certificate."""
        ...

    @property
    def pin(self) -> str:
        """SHA-256 of the CA certificate's DER (hex), given to people together with an enrolment token."""
        ...

    def identify(self, der: bytes) -> UUID:
        """The bridge a verified client certificate names. Raises Refused(forbidden)."""
        ...


class Seal(Protocol):
    """Sealing to a bridge (HPKE, bridge/protocol.py)."""

    def __call__(
        self,
        content: SealedContent,
        public_key: bytes,
        *,
        bridge_id: UUID,
        assignment_id: UUID,
        fence: int,
        fullchain_pem: str | None,
    ) -> str:
        """The text of `Assignment.sealed`. Raises ValueError for a key that nothing can be sealed to."""
        ...


class Published(Protocol):
    """A revocation list (DER), and from when to when it holds."""

    @property
    def number(self) -> int: ...
    @property
    def this_update(self) -> datetime: ...
    @property
    def next_update(self) -> datetime: ...
    @property
    def der(self) -> bytes: ...


class Lasting(Protocol):
    """From when to when an answer holds."""

    @property
    def this_update(self) -> datetime: ...
    @property
    def next_update(self) -> datetime: ...


class OcspAnswer(Protocol):
    """An OCSP answer (DER); `lasting` None: it is for one question, or is none."""

    @property
    def der(self) -> bytes: ...
    @property
    def lasting(self) -> Lasting | None: ...


class RevocationStatus(Protocol):
    """What anybody may ask Local PKI about its certificates."""

    def certificate(self, ca_id: str) -> bytes | None:
        """A CA's certificate (DER), None where there is no such CA."""
        ...

    async def crl(self, ca_id: str) -> Published | None:
        """A CA's revocation list, None where there is no such CA."""
        ...

    async def ocsp(self, request: bytes) -> OcspAnswer:
        """The answer to an OCSP request (DER)."""
        ...


Check = Callable[[], Awaitable[str | None]]
"""A readiness check: None when all is well, else a sentence that says what is wrong. It must not hang."""


class Views(Protocol):
    """The read models (`projections.catalogue.Views` are some)."""

    @property
    def acme_clients(self) -> AcmeClients: ...
    @property
    def alerts(self) -> Alerts: ...
    @property
    def audit_trail(self) -> AuditTrail: ...
    @property
    def bridges(self) -> Bridges: ...
    @property
    def connectors(self) -> Connectors: ...
    @property
    def discoveries(self) -> Discoveries: ...
    @property
    def endpoint_history(self) -> EndpointHistory: ...
    @property
    def inventory(self) -> Inventory: ...
    @property
    def notification_channels(self) -> NotificationChannels: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def principals(self) -> Principals: ...
    @property
    def providers(self) -> Providers: ...
    @property
    def push_validation(self) -> PushValidation: ...
    @property
    def replacements(self) -> Replacements: ...
    @property
    def report_schedules(self) -> ReportSchedules: ...
    @property
    def reports(self) -> Reports: ...
    @property
    def target_systems(self) -> TargetSystems: ...
    @property
    def topology(self) -> Topology: ...
    @property
    def verification_runs(self) -> VerificationRuns: ...
    @property
    def webhooks(self) -> Webhooks: ...
    @property
    def work_orders(self) -> WorkOrders: ...


class Moments(Protocol):
    """Moments of the past (projections.moments.Moments knows them)."""

    async def at_position(self, position: int) -> Moment | None:
        """The moment when this position was the last; None where it is beyond the end of the ledger."""
        ...

    async def at_instant(self, instant: datetime) -> Moment | None:
        """The moment that an instant means, now and for ever; None where it is yet to come."""
        ...

    async def wait(self, position: int, timeout: float) -> bool:
        """Return True as soon as the history shows `position`; False after `timeout` seconds."""
        ...


@dataclass(frozen=True)
class Services:
    """What `create_app` and `create_bridge_app` run on.

    `acknowledged`, `knocks` and `token_uses` are shared by both applications of a process. `streams` are closed before
    it stops.
    `unreachable` are exceptions that mean "the database cannot be reached now", `unbuilt` those that mean "the read
    models are not there": both become 503, each with its own sentence.
    `views_as_of` gives the read models as they were at a position, which `moments.wait` has waited for.
    `shown_to_acme` gives what an ACME CA is to find under a token (RFC 8555, 8.3), None where that is nothing.
    `local_ca_pem` gives the Local PKI's CA certificate, None where there is no Local PKI; `revocation_status`
    says which of its certificates are revoked.
    """

    house: House
    views: Views
    views_as_of: Callable[[int], Views]
    moments: Moments
    changes: Changes
    evidence: EvidenceMaker
    reader: CertificateReader
    directory: Directory
    positions: Positions
    idempotency: IdempotencyStore
    run_results: RunResults
    deliveries: Deliveries
    notifications: Notifications
    channel_kinds: ChannelKinds
    origin: Callable[[], Awaitable[Origin]]
    issuers: Issuers
    provider_kinds: ProviderKinds
    make_pfx: PfxMaker
    read_request: RequestReader
    bridge_ca: BridgeAuthority
    seal: Seal
    sealed: SealedLog
    settings: ApiSettings
    acme: AcmeServer
    passwords: Passwords
    local_ca_pem: Callable[[], str | None]
    revocation_status: RevocationStatus
    shown_to_acme: Callable[[str], Awaitable[str | None]]
    identity_provider: IdentityProvider | None = None
    checks: dict[str, Check] = field(default_factory=dict[str, Check])
    gauges: dict[str, Callable[[], float]] = field(default_factory=dict[str, Callable[[], float]])
    unreachable: tuple[type[Exception], ...] = ()
    unbuilt: tuple[type[Exception], ...] = ()
    acknowledged: Acknowledged = field(default_factory=Acknowledged)
    knocks: Knocks = field(default_factory=Knocks)
    token_uses: UsedTokens = field(default_factory=UsedTokens)
    streams: Streams = field(default_factory=Streams)

    def now(self) -> datetime:
        """The time, UTC."""
        return self.house.clock()
