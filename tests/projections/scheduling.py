"""Report schedules, and deliveries of them, as they happen."""

from datetime import timedelta

import msgspec

from domain import report_delivery, report_schedule
from domain.report_delivery import DeliveryCause, ReportDelivered, ReportDeliveryFailed, SentFile, delivery_id
from domain.report_schedule import ReportFormat, ReportName, ScheduleTerms
from domain.report_timing import Frequency, Timing, Window, WindowKind
from tests.projections.world import DAY, Change, World

FILE = SentFile(name="expiry-7.csv", media_type="text/csv", size=7, sha256="ab" * 32)


def report_schedules(world: World) -> tuple[Change, ...]:
    if not world.all("report schedule") or world.one_of(True, False, False):
        return _create(world)
    chosen, state = world.any("report schedule")
    step = world.one_of("change", "pause", "resume", "deliver", "deliver", "deliver", "deliver", "end", "end", "remove")
    if step == "deliver":
        return _deliver(world)
    if step == "end":
        return _end(world)
    if state.removed:
        return ()
    if step == "change":
        terms = msgspec.structs.replace(state.terms, filter={"outcome": ("failed",)})
        return ((chosen, report_schedule.change(state, world.by(), terms, state.mail_to)),)
    decision = {"pause": report_schedule.pause, "resume": report_schedule.resume, "remove": report_schedule.remove}
    return ((chosen, decision[step](state, world.by())),)


def _create(world: World) -> tuple[Change, ...]:
    made, channel = world.new("report schedule"), world.new("channel of reports")
    moment = world.one_of(True, False)
    terms = ScheduleTerms(
        name=f"Report {len(world.all('report schedule'))}",
        report=ReportName.EXPIRY if moment else ReportName.PUSH_VALIDATION,
        window=None if moment else world.one_of(*WindowKind),
        timing=Timing(frequency=Frequency.DAILY, at="06:30", time_zone="Europe/Berlin"),
        formats=world.one_of((ReportFormat.CSV,), tuple(ReportFormat)),
        mail_channel_id=channel,
        webhook_channel_ids=world.one_of((), (world.new("channel of reports"),)),
    )
    return ((made, report_schedule.create(world.by(), terms, ())),)


def _deliver(world: World) -> tuple[Change, ...]:
    chosen, state = world.any("report schedule")
    if state.removed:
        return ()
    known = [world.states[each] for each in world.all("report delivery")]
    mine = [each for each in known if each.report_schedule_id == chosen]
    previous = max(mine, key=lambda each: each.ordinal, default=None)
    events = report_delivery.start(
        state,
        previous,
        world.by(),
        report_schedule_id=chosen,
        window=Window(world.now - DAY, world.now) if state.terms.report.has_window else None,
        due_at=world.one_of(None, world.now - timedelta(minutes=1)),
    )
    made = world.new("report delivery", delivery_id(chosen, 1 if previous is None else previous.ordinal + 1))
    return ((made, events),)


def _end(world: World) -> tuple[Change, ...]:
    chosen, state = world.any("report delivery")
    if not state.pending():
        return ()
    said = {
        "meta": world.by(),
        "report_schedule_id": state.report_schedule_id,
        "channel_id": state.pending()[0],
        "attempts": world.one_of(1, 2),
        "as_of_position": 7,
    }
    failed = ReportDeliveryFailed(**said, cause=world.one_of(*DeliveryCause), error=world.one_of(None, "timeout"))
    delivered = ReportDelivered(**said, files=(FILE,), status_code=250)
    return ((chosen, report_delivery.end(state, world.one_of(delivered, delivered, failed))),)
