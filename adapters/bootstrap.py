"""Every adapter chosen, in one place: what the API process and the worker process are made of."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg

from adapters.evidence.making import PostgresEvidence
from adapters.issuers.local_pki import LocalPki, open_local_pki
from adapters.issuers.local_pki_crls import LocalPkiCrls
from adapters.issuers.local_pki_ocsp import LocalPkiOcsp
from adapters.issuers.local_pki_status import LocalPkiStatus
from adapters.issuers.registered import Parts, Places, ProviderKinds, RegisteredIssuers
from adapters.issuing import LocalPkiOrders, Providers
from adapters.keys.bridge_ca import BridgeCa, open_bridge_ca
from adapters.keys.generating import generate_key
from adapters.keys.installation import names_secret, session_secret
from adapters.keys.key_source import key_place, load_keys
from adapters.keys.postgres_subjects import PostgresSubjectKeys
from adapters.keys.postgres_vault import PostgresVault
from adapters.keys.subjects import Subjects
from adapters.keys.vault import Envelope
from adapters.origin import LedgerOrigin
from adapters.postgres.log import PostgresLog
from adapters.postgres_ops.acme_challenges import AcmeChallenges
from adapters.postgres_ops.acme_server import AcmeRates, AcmeSpentNonces
from adapters.postgres_ops.crls import PostgresCrls
from adapters.postgres_ops.database import OpsDatabase
from adapters.postgres_ops.deliveries import PostgresDeliveries
from adapters.postgres_ops.errands import PostgresErrands
from adapters.postgres_ops.idempotency import PostgresIdempotency
from adapters.postgres_ops.leases import PostgresLeases
from adapters.postgres_ops.notifications import PostgresNotifications
from adapters.postgres_ops.presence import PostgresPresence
from adapters.postgres_ops.run_results import PostgresRunResults
from adapters.postgres_ops.syslog_export import PostgresSyslogExport
from adapters.postgres_ops.token_uses import PostgresTokenUses
from adapters.read_hints import ReadHints
from adapters.sealing.reading import PostgresSealedLog
from adapters.settings import Settings
from adapters.x509.reader import X509Reader
from adapters.x509.requests import read_request
from application.acme_ports import AcmeRules
from application.codec import decode
from application.context import Renewal, ReplacementPace
from application.house import House, HouseSettings
from domain.certificate_order import Provider
from domain.verification_plan import Vantage
from projections.catalogue import HISTORIES, Views, views_as_of, views_of
from projections.changes.postgres import PostgresChanges
from projections.changes.view import Changes
from projections.moments import Moments
from projections.position import ReadPosition
from projections.reading.postgres import Reader, reading_pool


class Core(NamedTuple):
    """What every process uses."""

    settings: Settings
    house: House
    subjects: Subjects
    database: OpsDatabase
    vault: PostgresVault
    reader: X509Reader
    rows: Reader
    views: Views
    changes: Changes
    evidence: PostgresEvidence
    position: ReadPosition
    moments: Moments
    results: PostgresRunResults
    idempotency: PostgresIdempotency
    deliveries: PostgresDeliveries
    notifications: PostgresNotifications
    syslog_export: PostgresSyslogExport
    origin: LedgerOrigin
    bridge_ca: BridgeCa
    local_pki: LocalPki
    local_pki_status: LocalPkiStatus
    issuers: Providers
    sealed: PostgresSealedLog
    provider_kinds: ProviderKinds
    challenges: AcmeChallenges
    spent_nonces: AcmeSpentNonces
    acme_rates: AcmeRates
    secret: bytes

    def __repr__(self) -> str:
        return "Core(...)"

    @property
    def acme_rules(self) -> AcmeRules:
        """What operators chose for ACME clients."""
        chosen = self.settings.acme_server
        return AcmeRules(
            validity_days=chosen.validity_days, new_orders=chosen.new_orders, new_accounts=chosen.new_accounts
        )

    @property
    def caa_identities(self) -> tuple[str, ...]:
        """Domain names that stand for this service in CAA records; none where they are not asked."""
        chosen = self.settings.acme_server
        host = urlsplit(self.settings.server.url).hostname
        return (chosen.caa_identities or ((host,) if host else ())) if chosen.caa else ()

    def views_as_of(self, position: int) -> Views:
        """The read models as they were at a position that `moments` has waited for."""
        return views_as_of(self.rows, position)


def utc_now() -> datetime:
    """The clock of a process."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_texts(settings: Settings) -> AsyncIterator[Subjects]:
    """What opens personal texts, alone."""
    async with OpsDatabase(settings.dsn) as database:
        yield await _subjects(database, envelope_of(settings))


def envelope_of(settings: Settings) -> Envelope:
    """What opens the vault. It looks for the keys again when it meets a value of one that it does not know."""
    keys = load_keys(settings)
    return Envelope(keys.current, *keys.former, reload=lambda: load_keys(settings))


async def _subjects(database: OpsDatabase, envelope: Envelope) -> Subjects:
    names = await names_secret(PostgresVault(database.pool, envelope), database, envelope.current)
    return Subjects(PostgresSubjectKeys(database, envelope), names)


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncIterator[Core]:
    """Open everything; closed in reverse order at the end of the block."""
    async with AsyncExitStack() as stack:
        # A pool connects while others go on.
        rows = Reader(await stack.enter_async_context(reading_pool(settings.dsn)))
        database = await stack.enter_async_context(OpsDatabase(settings.dsn))
        log = await stack.enter_async_context(PostgresLog(settings.dsn))
        position = await stack.enter_async_context(ReadPosition(settings.dsn, rows))
        envelope = envelope_of(settings)
        vault = PostgresVault(database.pool, envelope)
        subjects = await _subjects(database, envelope)
        views = views_of(rows)
        house = House(
            log=log,
            clock=utc_now,
            vault=vault,
            hints=ReadHints(
                views.connectors,
                views.work_orders,
                views.inventory,
                views.served_certificates,
                views.alerts,
                views.providers,
                views.principals,
                views.notification_channels,
                views.replacements,
                views.target_systems,
                views.report_schedules,
            ),
            leases=PostgresLeases(database),
            errands=PostgresErrands(database),
            presence=PostgresPresence(database),
            token_uses=PostgresTokenUses(database),
            texts=subjects,
            settings=_house_settings(settings),
        )
        reader = X509Reader()
        pki_url = settings.local_pki.url or settings.server.url
        local_pki = await open_local_pki(vault, utc_now, pki_url, key_place(settings.local_pki))
        crls = LocalPkiCrls(local_pki.authorities, views.inventory, PostgresCrls(database), utc_now)
        ocsp = LocalPkiOcsp(local_pki.issuing, views.inventory, vault, utc_now)
        orders = LocalPkiOrders(local_pki, generate_key, read_request, reader, vault, crls)
        challenges, places = AcmeChallenges(database), Places(settings.acme.webroot, settings.acme.dns_hook)
        parts = Parts(generate_key, read_request, reader, vault, challenges)
        registered = RegisteredIssuers(house, parts, places)
        yield Core(
            settings=settings,
            house=house,
            subjects=subjects,
            database=database,
            vault=vault,
            reader=reader,
            rows=rows,
            views=views,
            changes=PostgresChanges(rows, decode),
            evidence=PostgresEvidence(settings.dsn, views.push_validation, subjects),
            position=position,
            moments=Moments(rows, HISTORIES),
            results=PostgresRunResults(database),
            idempotency=PostgresIdempotency(database),
            deliveries=PostgresDeliveries(database),
            notifications=PostgresNotifications(database),
            syslog_export=PostgresSyslogExport(database),
            origin=LedgerOrigin(rows, settings.server.url, settings.sealing.origin),
            bridge_ca=await open_bridge_ca(vault, utc_now),
            local_pki=local_pki,
            local_pki_status=LocalPkiStatus(local_pki, crls, ocsp),
            sealed=PostgresSealedLog(rows),
            issuers=Providers({Provider.LOCAL_PKI: orders}, registered),
            provider_kinds=ProviderKinds(places),
            challenges=challenges,
            secret=await session_secret(vault),
            spent_nonces=AcmeSpentNonces(database),
            acme_rates=AcmeRates(database),
        )


def _house_settings(settings: Settings) -> HouseSettings:
    return HouseSettings(
        dispatch_deadline=settings.push.dispatch_deadline,
        lease_seconds=settings.push.lease_seconds,
        errand_deadline=settings.push.errand_deadline,
        bridge_silent_after=settings.bridges.silent_after,
        verification_grace=settings.verification.grace,
        verification_retries=settings.verification.retries,
        verification_pause=settings.verification.pause,
        verification_patience=settings.verification.patience,
        verification_vantage=Vantage(settings.verification.vantage),
        enrolment_seconds=settings.bridges.enrolment_seconds,
        invitation_seconds=settings.sessions.invitation_seconds,
        approval_waiting=settings.push.approval_waiting,
        renewal=_renewal(settings),
        replacement=_pace(settings),
        discovery_allow=settings.discovery.allow,
        discovery_minutes=settings.discovery.every_minutes,
    )


def _renewal(settings: Settings) -> Renewal:
    chosen = settings.renewal
    return Renewal(automatic=chosen.automatic, after=chosen.after, spread=chosen.spread, at_once=chosen.at_once)


def _pace(settings: Settings) -> ReplacementPace:
    return ReplacementPace(per_minute=settings.replacement.per_minute, under_way=settings.replacement.under_way)


UNREACHABLE: tuple[type[Exception], ...] = (psycopg.OperationalError, psycopg.InterfaceError)
"""What the adapters raise when the database cannot be reached (`LogUnavailable` is the use cases' own word for it)."""

UNBUILT: tuple[type[Exception], ...] = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedColumn,
)
"""What they raise before a worker has made the read models, or has made those of this version."""
