"""Deliveries of report schedules begin: what is due, and what somebody wants now.

Deliveries of one schedule are numbered, so that each knows where the one before it ended, and two workers never begin
the same one.
"""

from datetime import datetime
from uuid import UUID

from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, write
from application.zones import zone_of
from domain.report_delivery import REPORT_DELIVERY, DeliveryState, DeliveryTrigger, ReportDelivery, delivery_id, start
from domain.report_schedule import REPORT_SCHEDULE, ReportSchedule, check_in_use
from domain.report_timing import WindowKind, due_after, window_of

_MOST_AT_ONCE = 50
"""Deliveries of one schedule that begin in one run, where many were missed."""
Delivery = Loaded[ReportDelivery]


async def start_due(house: House, context: Context, schedule_id: UUID) -> None:
    """Begin what is due of a schedule: every window that was missed; of what has none of its own, the latest."""
    for number in range(_MOST_AT_ONCE):
        if not await _start_next(house, context.part(schedule_id, number), schedule_id):
            return


async def send_now(house: House, context: Context, schedule_id: UUID) -> Done[Delivery]:
    """Begin a delivery by hand, also where none is due, or the schedule is paused."""

    async def attempt() -> Attempt[Delivery]:
        schedule = await load(house, REPORT_SCHEDULE, schedule_id)
        check_version(context, schedule)
        check_in_use(schedule.found)
        return _started(context, schedule, await _latest(house, schedule_id), None)

    async def again() -> Delivery:
        """The latest one that somebody wanted."""
        found = await _latest(house, schedule_id)
        while found.found.trigger is not DeliveryTrigger.BY_HAND:
            found = await load(house, REPORT_DELIVERY, delivery_id(schedule_id, found.found.ordinal - 1))
        return found

    action = "report_schedule.send"
    return await carry_out(house, context, attempt, subject_id=schedule_id, action=action, again=again)


async def _start_next(house: House, context: Context, schedule_id: UUID) -> bool:
    """Begin the next delivery that is due. Was there one?"""

    async def attempt() -> Attempt[bool]:
        schedule = await load(house, REPORT_SCHEDULE, schedule_id)
        latest = await _latest(house, schedule_id)
        due = _due(schedule.found, latest.state, context.at)
        return Attempt((), result=False) if due is None else Attempt(_started(context, schedule, latest, due)[0], True)

    action = "report_schedule.deliver"
    return (await carry_out(house, context, attempt, subject_id=schedule_id, action=action)).result


async def _latest(house: House, schedule_id: UUID) -> Delivery:
    """The delivery that began last; before the first one, none. What the read models do not know yet is looked for."""
    ordinal = await house.hints.latest_report_delivery(schedule_id)
    latest = await load(house, REPORT_DELIVERY, delivery_id(schedule_id, max(ordinal, 1)))
    while latest.state is not None:
        following = await load(house, REPORT_DELIVERY, delivery_id(schedule_id, latest.state.ordinal + 1))
        if following.state is None:
            break
        latest = following
    return latest


def _due(schedule: ReportSchedule, previous: ReportDelivery | None, now: datetime) -> datetime | None:
    """What is to be sent next; None: nothing now. A window that begins where the last one ended waits for its end."""
    terms = schedule.terms
    own_window = terms.window not in (None, WindowKind.SINCE_LAST_DELIVERY)
    if schedule.paused or schedule.removed:
        return None
    under_way = previous is not None and previous.state is DeliveryState.PENDING
    if terms.window is WindowKind.SINCE_LAST_DELIVERY and under_way:
        return None
    zone = zone_of(terms.timing.time_zone)
    settled = schedule.counts_from if previous is None else max(schedule.counts_from, previous.settled_at)
    due = due_after(terms.timing, zone, settled)
    while not own_window and (following := due_after(terms.timing, zone, due)) <= now:
        due = following
    return due if due <= now else None


def _started(
    context: Context, schedule: Loaded[ReportSchedule], latest: Delivery, due: datetime | None
) -> Attempt[Delivery]:
    """The first event of the delivery after the latest; that the schedule is as it was is part of it."""
    terms = schedule.found.terms
    zone = zone_of(terms.timing.time_zone)
    window = None if terms.window is None else window_of(terms.window, zone, due or context.at)
    events = start(
        schedule.found,
        latest.state,
        context.meta,
        report_schedule_id=schedule.id,
        window=window,
        due_at=due,
    )
    ordinal = 1 if latest.state is None else latest.state.ordinal + 1
    made = Loaded(kind=REPORT_DELIVERY, id=delivery_id(schedule.id, ordinal), version=0, state=None)
    return Attempt((write(made, events), write(schedule, ())), made.after(events))
