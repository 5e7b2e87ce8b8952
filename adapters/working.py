"""The worker process: read models, reactions, timers, webhooks, the export to syslog."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from adapters.acme_server.caa import Caa
from adapters.acme_server.looking import Looker, LookSettings
from adapters.bootstrap import Core
from adapters.notifying.mail import Mailer
from adapters.notifying.messenger import ChannelMessenger
from adapters.postgres_ops.pruning import prune_for_ever
from adapters.postgres_ops.suggestions import PostgresSuggestions
from adapters.probing.checking import check_evidence
from adapters.probing.prober import SweepingProber, TlsProber
from adapters.queue.following import follow_log, follow_time
from adapters.queue.jobs import Queue, make_queue
from adapters.queue.working import WorkerSettings, keep_running, work
from adapters.sealing.verifying import PostgresLedgerVerifier
from adapters.sealing.watching import PostgresSealingWatch
from adapters.syslog.configuring import line_of, longest_of, syslog_watch
from adapters.syslog.exporting import Export, ExportSettings, export_events
from adapters.syslog.sending import Line
from adapters.webhooks.attempting import DeliverySettings, Post
from adapters.webhooks.running import deliver_webhooks
from adapters.webhooks.sending import Sender, SenderSettings
from application.acme_ports import Patience
from application.alerting import raise_alert
from application.automations.kit import Kit, timing
from application.automations.running import Running
from application.automations.timers import TIMERS, Intervals
from application.bridge_looks import BridgeLooks
from application.codec import decode
from application.holding import everything_held
from application.notification_ports import Messenger, Notices
from application.recent import RecentEvents
from application.report_ports import ReportWriter
from bridge.probing.policy import AddressPolicy, parse_networks
from bridge.probing.resolving import system_resolver
from domain.alert import AlertKind
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.fold import Poison
from projections.lines import HISTORY
from projections.position import lag
from projections.runner import Runner

CATCH_UP_SECONDS = 30.0


async def run_worker(core: Core, reports: ReportWriter) -> None:
    """Until cancelled. Several workers may run: one of them leads the read models, all of them share the jobs."""
    async with open_messenger(core) as messenger:
        await _run(core, make_kit(core, messenger, reports))


async def _run(core: Core, kit: Kit) -> None:
    intervals = Intervals(sweep=core.settings.worker.sweep, verification=core.settings.verification.every)
    recent = RecentEvents(core.house.log)
    running = Running(kit, intervals, recent)
    seconds = {name: timer.every(intervals) for name, timer in TIMERS.items()}
    dsn = core.settings.dsn
    line = line_of(core.settings.syslog) if core.settings.syslog.address else None

    async def tell(poison: Poison) -> None:
        await _tell(kit, poison)

    present = Runner(dsn, decode, ALL_PROJECTIONS, on_quarantine=tell)
    past = Runner(dsn, decode, HISTORIES, line=HISTORY, on_quarantine=tell, after=present)
    async with asyncio.TaskGroup() as loops:
        loops.create_task(present.run())
        loops.create_task(past.run())
        loops.create_task(keep_running("pruning", lambda: _prune(core)))
        loops.create_task(keep_running("the queue", lambda: _run_queue(core, running, seconds, recent)))
        loops.create_task(keep_running("webhooks", lambda: _deliver(core)))
        if line is not None:
            loops.create_task(keep_running("the syslog export", lambda: _export(core, line)))


async def _prune(core: Core) -> None:
    await prune_for_ever(core.database, core.settings.worker.keep_days, lambda: everything_held(core.house))


async def _run_queue(core: Core, running: Running, seconds: dict[str, int], recent: RecentEvents) -> None:
    await _until_read_models_stand(core)
    queue = make_queue(core.settings.dsn, running.reaction, running.timer, seconds)
    async with queue.app.open_async(), asyncio.TaskGroup() as loops:
        loops.create_task(keep_running("following the ledger", lambda: _follow(queue, recent)))
        loops.create_task(keep_running("what waits for its instant", lambda: follow_time(queue)))
        loops.create_task(keep_running("carrying out jobs", lambda: work(queue, _settings(core))))


async def _follow(queue: Queue, recent: RecentEvents) -> None:
    """Until the database goes away; the one that comes back may have lost the end of its ledger."""
    recent.forget()
    await follow_log(queue, recent.keep)


async def _deliver(core: Core) -> None:
    await _until_read_models_stand(core)
    chosen = core.settings.webhooks
    ca_file = Path(chosen.ca_file) if chosen.ca_file else None
    settings = SenderSettings(timeout=chosen.timeout, ca_file=ca_file, user_agent=f"certferry/{version('certferry')}")
    async with Sender(AddressPolicy(parse_networks(chosen.allow)), settings) as sender:
        post = Post(
            house=core.house,
            trail=core.views.audit_trail,
            position=core.position,
            deliveries=core.deliveries,
            sender=sender,
            origin=core.origin,
            settings=DeliverySettings(give_up_after=chosen.give_up_after),
        )
        await deliver_webhooks(core.settings.dsn, post, core.views.webhooks)


async def _export(core: Core, line: Line) -> None:
    await _until_read_models_stand(core)
    chosen = core.settings.syslog
    export = Export(
        trail=core.views.audit_trail,
        position=core.position,
        standing=core.syslog_export,
        origin=core.origin,
        line=line,
        texts=core.house.texts,
        settings=ExportSettings(from_position=chosen.from_position, longest=longest_of(chosen)),
    )
    await export_events(core.settings.dsn, export)


async def _until_read_models_stand(core: Core) -> None:
    """Automations ask them: at the very first start, and while they are rebuilt, reactions and timers wait."""
    while (found := await lag(core.rows, ALL_PROJECTIONS)) is None or not found.ready:
        await asyncio.sleep(0.1)


@asynccontextmanager
async def open_messenger(core: Core) -> AsyncIterator[ChannelMessenger]:
    """What carries notifications."""
    chosen = core.settings.notifications
    policy, ca_file = AddressPolicy(parse_networks(chosen.allow)), Path(chosen.ca_file) if chosen.ca_file else None
    resolve = system_resolver()
    settings = SenderSettings(timeout=chosen.timeout, ca_file=ca_file, user_agent=f"certferry/{version('certferry')}")
    async with Sender(policy, settings, resolve=resolve) as sender:
        mailer = Mailer(policy, resolve, chosen.timeout)
        yield ChannelMessenger(mailer, sender, core.origin, core.house.clock)


def make_kit(core: Core, messenger: Messenger, reports: ReportWriter) -> Kit:
    """What automations use in this process."""

    async def caught_up(position: int) -> None:
        if not await core.position.wait(position, CATCH_UP_SECONDS):
            raise TimeoutError(f"the read models have not reached position {position}")

    policy = AddressPolicy(parse_networks(core.settings.verification.allow))
    return Kit(
        house=core.house,
        issuers=core.issuers,
        reader=core.reader,
        prober=SweepingProber(TlsProber(policy)),
        scanner=SweepingProber(
            TlsProber(AddressPolicy(parse_networks(core.settings.discovery.allow), only_listed=True))
        ),
        results=core.results,
        caught_up=caught_up,
        sealing=PostgresSealingWatch(core.rows),
        syslog=syslog_watch(core.rows, core.settings.syslog),
        verifier=PostgresLedgerVerifier(core.settings.dsn),
        looker=_looker(core),
        notices=Notices(core.notifications, messenger, core.settings.server.url.rstrip("/")),
        suggestions=PostgresSuggestions(core.database),
        reports=reports,
        elsewhere=BridgeLooks(core.house, check_evidence),
    )


def _looker(core: Core) -> Looker:
    chosen = core.settings.acme_server
    policy = AddressPolicy(parse_networks(chosen.allow))
    patience = Patience(chosen.patience, chosen.pause)
    caa = Caa(core.caa_identities, core.settings.server.url) if chosen.caa else None
    settings = LookSettings(http_port=chosen.http_port, patience=patience, caa=caa)
    return Looker(policy, chosen.dns_servers, settings)


def _settings(core: Core) -> WorkerSettings:
    chosen = core.settings.worker
    return WorkerSettings(concurrency=chosen.concurrency, heartbeat=chosen.heartbeat, stalled=chosen.stalled)


async def _tell(kit: Kit, poison: Poison) -> None:
    """An event that a read model could not digest raises an alert, its history none of its own; the others go on."""
    message = f"The read model {poison.projection} could not digest the event at position {poison.position}."
    context = timing(kit.house, "alert-quarantine")
    cause = f"{poison.projection.removesuffix('_history')}:{poison.position}"
    await raise_alert(kit.house, context, AlertKind.PROJECTION_QUARANTINED, cause, message)
