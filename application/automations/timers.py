"""Timers: what is done every so many seconds.

They find what has come due in the read models, and decide on the streams. Most have a reaction that does the same at
the right instant; the sweep is the net below it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from application.automations import alerts
from application.automations.kit import Kit, each, timing
from application.automations.reactions import SCHEDULE
from application.bridge_looks import VERIFICATION
from application.deploying import dispatch
from application.deployment_ends import give_up_overdue
from application.digesting import send_digests
from application.discovering import DISCOVER, start_discovery, take_discovery
from application.endpoint_csr import refuse_csr
from application.endpoint_keys import ENDPOINT_CSR
from application.enrolling import bridge_silent
from application.expiring import tell_of_expiry
from application.house import Context, load
from application.implementing import begin_scheduled, expire_push
from application.ports import Errand
from application.registering import take_test
from application.renewing import renew_due
from application.report_delivering import start_due
from application.verification_schedule import due_by_own_schedule, without_own_schedule
from application.verifying import carry_out_run, start_run
from domain import ids
from domain.verification import VERIFICATION_RUN

BATCH = 200


class Intervals(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds between two runs; each divides a minute, or is whole minutes that divide an hour."""

    sweep: int = 10
    verification: int = 300
    expiry: int = 300
    bridges: int = 5


class Tick(NamedTuple):
    """The instant a run of a timer stands for, in seconds since 1970; `late` when a later one should have come."""

    at: int
    late: bool = False


class Timer(NamedTuple):
    """`every` picks its interval. A late tick is left out, unless the timer `resumes` what an earlier one began."""

    name: str
    every: Callable[[Intervals], int]
    act: Callable[[Kit, Tick], Awaitable[object]]
    resumes: bool = False


async def begin_due_pushes(kit: Kit, _: Tick) -> None:
    """Scheduled pushes whose time has come begin."""
    context = timing(kit.house, "begin-due-pushes")
    await _all(
        kit,
        lambda: kit.house.hints.due_scheduled(context.at, BATCH),
        lambda order_id: begin_scheduled(kit.house, context.part(order_id), order_id),
    )


async def give_up_late_pushes(kit: Kit, _: Tick) -> None:
    """Deployments past their deadline fail: those whose bridge does not come, and those it does not end."""
    context = timing(kit.house, "give-up-late-pushes")
    here = await kit.house.presence.heard_since(context.at - timedelta(seconds=kit.house.settings.dispatch_deadline))
    await _all(
        kit,
        lambda: kit.house.hints.overdue_deployments(context.at, BATCH, here),
        lambda connector_id: give_up_overdue(kit.house, context.part(connector_id), connector_id),
    )


async def expire_requests(kit: Kit, _: Tick) -> None:
    """Requests and approvals that nobody acted on in time expire."""
    context = timing(kit.house, "expire-requests")
    await _all(
        kit,
        lambda: kit.house.hints.expirable(context.at, BATCH),
        lambda order_id: expire_push(kit.house, context.part(order_id), order_id),
    )


async def dispatch_forgotten(kit: Kit, _: Tick) -> None:
    """Implemented work orders without a deployment are queued for their bridge."""
    context = timing(kit.house, "dispatch-forgotten")
    waiting = await kit.house.hints.undispatched(BATCH)
    await each(waiting, lambda order_id: dispatch(kit.house, context.part(order_id), order_id))


async def _all(
    kit: Kit, due: Callable[[], Awaitable[Sequence[UUID]]], act: Callable[[UUID], Awaitable[object]]
) -> None:
    """Act on all that is due, a batch at a time, as long as a full one brings something new."""
    seen: set[UUID] = set()
    while fresh := set(found := await due()) - seen:
        await each([item for item in found if item in fresh], act)
        if len(found) < BATCH:
            return
        seen |= fresh
        await kit.caught_up(await kit.house.log.head())


async def verify(kit: Kit, tick: Tick) -> None:
    """What pushed connectors serve is compared with what was pushed. A run that a crash cut short is completed."""
    context = timing(kit.house, "verify", tick.at)
    begun = (
        await load(kit.house, VERIFICATION_RUN, ids.derive("verification-run", context.command_id))
    ).state is not None
    if not begun and (tick.late or not without_own_schedule(await kit.house.hints.due_connectors())):
        return  # nothing was pushed yet: no run, no events
    run = await start_run(kit.house, context, None, trigger=SCHEDULE, only=without_own_schedule)
    await carry_out_run(
        kit.house,
        context.part("carry-out"),
        kit.prober,
        kit.results,
        run.result.id,
        only=without_own_schedule,
        elsewhere=kit.elsewhere,
    )


async def _carry_out(kit: Kit, context: Context, run_id: UUID, due: Sequence[UUID] | None = None, **more: Any) -> None:
    part, elsewhere = context.part("carry-out"), kit.elsewhere
    await carry_out_run(kit.house, part, kit.prober, kit.results, run_id, due, elsewhere=elsewhere, **more)


async def verify_by_own_schedule(kit: Kit, tick: Tick) -> None:
    """Connectors that have a schedule of their own are looked at when it comes round."""
    context = timing(kit.house, "verify-by-own-schedule", tick.at)
    run_id = ids.derive("verification-run", context.command_id)
    begun = (await load(kit.house, VERIFICATION_RUN, run_id)).state is not None
    due = [] if tick.late and not begun else await due_by_own_schedule(kit.house, kit.results, context.at)
    if begun or due:
        run = await start_run(kit.house, context, due, trigger=SCHEDULE)
        await _carry_out(kit, context, run.result.id, due)


async def notice_silent_bridges(kit: Kit, _: Tick) -> None:
    """Bridges that were not heard of for too long count as disconnected."""
    context = timing(kit.house, "notice-silent-bridges")
    before = context.at - timedelta(seconds=kit.house.settings.bridge_silent_after)
    silent = dict(await kit.house.presence.silent_since(before))

    async def notice(bridge_id: UUID) -> None:
        await bridge_silent(kit.house, context.part(bridge_id), bridge_id, silent[bridge_id])

    await each(silent, notice)


async def end_late_errands(kit: Kit, _: Tick) -> None:
    """Discoveries and connection tests end unhealthy whose bridge does not come, or took them and does not answer; an
    order fails whose key is not made.

    Those that wait for a bridge that is there, but busy, go on waiting.
    """
    context = timing(kit.house, "end-late-errands")
    patience = timedelta(seconds=kit.house.settings.errand_deadline)
    here = await kit.house.presence.heard_since(context.at - patience)

    async def end(errand: Errand) -> None:
        said = "The bridge did not answer in time."
        mine = context.part(errand.id)
        if errand.kind == DISCOVER:
            await take_discovery(kit.house, mine, kit.reader, errand.id, healthy=False, message=said, found=())
        elif errand.kind == VERIFICATION:
            await kit.house.errands.done(errand.id)  # whoever asked has given up by now
        elif errand.kind == ENDPOINT_CSR:
            await refuse_csr(kit.house, mine, errand.id, said)
        else:
            await take_test(kit.house, mine, errand.id, healthy=False, message=said)

    too_long_ago = context.at - patience - timedelta(seconds=kit.house.settings.lease_seconds)
    late = await kit.house.errands.overdue(context.at, BATCH, here=here, taken_before=too_long_ago)
    await each(late, end)


async def discover_again(kit: Kit, tick: Tick) -> None:
    """Every target system is read again after so many minutes, each in a minute of its own."""
    round_minutes = kit.house.settings.discovery_minutes
    if not round_minutes:
        return
    context = timing(kit.house, "discover-again", tick.at)
    turn = tick.at // 60 % round_minutes
    due = [target for target in await kit.house.hints.target_systems() if target.int % round_minutes == turn]

    async def ask(target_id: UUID) -> None:
        await start_discovery(kit.house, context.part(target_id), target_id, trigger=SCHEDULE)

    await each(due, ask)


async def notice_waiting_approvals(kit: Kit, _: Tick) -> None:
    """Work orders that nobody approves or implements are told of."""
    await alerts.judge_approvals(kit, timing(kit.house, "notice-waiting-approvals"))


async def notice_expiry(kit: Kit, _: Tick) -> None:
    """Certificates that reached a threshold of an expiry alert rule are told of, once each."""
    await tell_of_expiry(kit.house, timing(kit.house, "notice-expiry"))


async def send_daily_messages(kit: Kit, _: Tick) -> None:
    """Channels that want one message a day get it when its time has come, once."""
    await send_digests(kit.house, timing(kit.house, "send-daily-messages"), kit.notices)


async def deliver_reports(kit: Kit, _: Tick) -> None:
    """Reports that are due are sent, each window once."""
    context = timing(kit.house, "deliver-reports")
    schedules = await kit.house.hints.report_schedules()
    await each(schedules, lambda schedule_id: start_due(kit.house, context.part(schedule_id), schedule_id))


async def renew(kit: Kit, _: Tick) -> None:
    """Certificates that have come to their time are renewed, where the operator wants that."""
    await renew_due(kit.house, timing(kit.house, "renew"), kit.issuers, kit.suggestions)


async def watch_sealing(kit: Kit, _: Tick) -> None:
    """The ledger is sealed by another process: whether it does so is looked at from here."""
    await alerts.judge_sealing(kit, timing(kit.house, "watch-sealing"))


async def watch_syslog(kit: Kit, _: Tick) -> None:
    """The export to the syslog receiver is looked at, whichever worker does it, or none."""
    await alerts.judge_syslog(kit, timing(kit.house, "watch-syslog"))


TIMERS: Mapping[str, Timer] = {
    timer.name: timer
    for timer in (
        Timer("begin-due-pushes", lambda every: every.sweep, begin_due_pushes),
        Timer("give-up-late-pushes", lambda every: every.sweep, give_up_late_pushes),
        Timer("dispatch-forgotten", lambda every: every.sweep, dispatch_forgotten),
        Timer("end-late-errands", lambda every: every.sweep, end_late_errands),
        Timer("expire-requests", lambda _: 60, expire_requests),
        Timer("renew", lambda _: 60, renew),
        Timer("discover-again", lambda _: 60, discover_again),
        Timer("watch-sealing", lambda _: 30, watch_sealing),
        Timer("watch-syslog", lambda _: 30, watch_syslog),
        Timer("notice-waiting-approvals", lambda _: 60, notice_waiting_approvals),
        Timer("send-daily-messages", lambda _: 60, send_daily_messages, resumes=True),
        Timer("deliver-reports", lambda _: 60, deliver_reports, resumes=True),
        Timer("notice-expiry", lambda every: every.expiry, notice_expiry),
        Timer("verify", lambda every: every.verification, verify, resumes=True),
        Timer("verify-by-own-schedule", lambda _: 60, verify_by_own_schedule, resumes=True),
        Timer("notice-silent-bridges", lambda every: every.bridges, notice_silent_bridges),
    )
}
