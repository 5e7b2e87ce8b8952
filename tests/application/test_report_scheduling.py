"""Reports are sent when they are due: every window once, whatever dies meanwhile; and by the owner's right alone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from adapters.notifying.kinds import Kinds
from api.reporting.filters import check
from application.administering import create_principal
from application.automations.kit import timing
from application.channelling import DescribeChannel, create_channel, retire_channel
from application.erasing import erase_subject
from application.granting import change_role
from application.house import Context, load
from application.issuing_ports import NotYet
from application.notification_ports import NotificationError, Sent
from application.ports import Recorded
from application.report_delivering import send_now, start_due
from application.report_scheduling import (
    DescribeSchedule,
    change_schedule,
    create_schedule,
    pause_schedule,
    remove_schedule,
    resume_schedule,
)
from application.report_sending import send_report
from domain.alert import AlertKind, AlertResolved
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.notification_channel import ChannelKind
from domain.personal import is_sealed
from domain.principal import ErasureReason
from domain.report_delivery import (
    REPORT_DELIVERY,
    DeliveryCause,
    DeliveryState,
    ReportDelivered,
    ReportDelivery,
    ReportDeliveryFailed,
    ReportDeliveryStarted,
    delivery_id,
)
from domain.report_schedule import REPORT_SCHEDULE, ReportFormat, ReportName, ScheduleTerms
from domain.report_timing import Frequency, Timing, WindowKind
from domain.role_grant import Role
from tests.application.test_notifying import AWAY, TAKEN, alerts, channel
from tests.support.field import Field
from tests.support.office import Office
from tests.support.world import T0, World

DAY = 86_400.0
HOOK: dict[str, Any] = {"url": "https://hooks.example.org/"}


class Reports:
    """A world with an auditor, a mail channel, a webhook, and an office that is not at work by itself."""

    def __init__(self, seed: int = 0) -> None:
        self.world = World(seed)
        self.office = Office(self.world, Field())
        self.owner = UUID(int=0)
        self.mail = self.hook = self.schedule_id = UUID(int=0)

    def by(self, principal_id: UUID | None = None) -> Context:
        actor = Actor(ActorKind.USER, str(principal_id or self.owner))
        return Context(actor=actor, at=self.world.clock(), command_id=uuid4())

    async def set_up(self, **different: Any) -> "Reports":
        self.owner = await self.person("audrey", Role.AUDITOR)
        self.mail = await channel(self.world)
        hook = DescribeChannel(
            kind=ChannelKind.WEBHOOK,
            name="Hook",
            settings=HOOK,
            secrets={"signing_secret": "whsec_" + "AAAA" * 8},
        )
        self.hook = (await create_channel(self.world.house, self.world.by("ada"), Kinds(), hook)).result.id
        done = await create_schedule(self.world.house, self.by(), check, self.wish(**different))
        self.schedule_id = done.result.id
        return self

    async def person(self, name: str, *roles: Role) -> UUID:
        return (await create_principal(self.world.house, self.world.by("ada"), name, roles)).result.id

    def wish(self, mail_to: tuple[str, ...] = ("boss@example.org",), **different: Any) -> DescribeSchedule:
        terms = ScheduleTerms(
            name="Every morning",
            report=ReportName.PUSH_VALIDATION,
            window=WindowKind.LAST_DAY,
            timing=Timing(frequency=Frequency.DAILY, at="06:30", time_zone="Europe/Berlin"),
            formats=(ReportFormat.CSV,),
            mail_channel_id=self.mail,
            webhook_channel_ids=(self.hook,),
        )
        return DescribeSchedule(terms=msgspec.structs.replace(terms, **different), mail_to=mail_to)

    async def due(self) -> None:
        """The timer runs; nothing is sent by it."""
        await start_due(self.world.house, timing(self.world.house, "deliver-reports"), self.schedule_id)

    async def send(self) -> float | None:
        """Send what has begun, as the queue does; the seconds it says, None: all has ended."""
        wait: float | None = None
        for row in await self.started():
            try:
                context = timing(self.world.house, "send-report", row.position)
                await send_report(self.world.house, context, self.office.notices, self.office.reports, row)
            except NotYet as later:
                wait = later.seconds
        return wait

    async def started(self) -> list[Recorded]:
        return [row for row in await self.world.ledger.read(0, 10_000) if isinstance(row.event, ReportDeliveryStarted)]

    async def delivery(self, ordinal: int = 1) -> ReportDelivery:
        return (await load(self.world.house, REPORT_DELIVERY, delivery_id(self.schedule_id, ordinal))).found

    @property
    def windows(self) -> list[tuple[datetime | None, datetime | None]]:
        return [
            (e.since, e.until) for e in self.world.events(ReportDeliveryStarted) if isinstance(e, ReportDeliveryStarted)
        ]

    @property
    def failures(self) -> list[DeliveryCause]:
        return [e.cause for e in self.world.events(ReportDeliveryFailed) if isinstance(e, ReportDeliveryFailed)]


def midnight(day: int) -> datetime:
    """In Berlin, in winter."""
    return datetime(2026, 1, 31, 23, tzinfo=UTC) + timedelta(days=day - 1)


async def test_a_report_is_sent_to_everybody_when_it_is_due() -> None:
    """Nothing before; the whole day before, as of the position of the event that began it; addresses are sealed."""
    reports = await Reports().set_up()
    await reports.office.later(60)
    assert not reports.windows
    await reports.office.later(DAY)
    assert [(midnight(1), midnight(2))] == reports.windows
    delivery = await reports.delivery()
    assert (DeliveryState.DELIVERED, T0 + timedelta(hours=17, minutes=30)) == (delivery.state, delivery.due_at)
    sent = [message for _, _, message in reports.office.messenger.sent]
    assert [("boss@example.org",), ()] == [message.to for message in sent]
    assert [1, 0] == [len(message.attachments) for message in sent]
    [wanted] = reports.office.reports.written
    started = [
        p.position for p in await reports.world.ledger.read(0, 9999) if isinstance(p.event, ReportDeliveryStarted)
    ]
    assert [wanted.position] == started
    data = sent[1].data
    assert (wanted.position, repr(wanted)) == (data["as_of_position"], data["files"][0]["content"])
    for event in reports.world.events(ReportDelivered):
        assert isinstance(event, ReportDelivered)
        assert [data["files"][0]["sha256"]] == [file.sha256 for file in event.files]
        assert started == [event.as_of_position]
    assert all(is_sealed(text) for text in delivery.recipients[0].mail_to)
    assert all(b"boss@example.org" not in msgspec.json.encode(event) for event in reports.world.events())


async def test_every_window_that_was_missed_is_sent_once() -> None:
    """After days without a worker; what is about a moment, or since the last delivery, is sent once for all of them."""
    reports = await Reports().set_up()
    reports.world.pass_time(3.5 * DAY)
    await reports.due()
    await reports.due()
    assert [(midnight(n), midnight(n + 1)) for n in (1, 2, 3)] == reports.windows
    moment = await Reports().set_up(report=ReportName.EXPIRY, window=None)
    moment.world.pass_time(3.5 * DAY)
    await moment.due()
    await moment.due()
    assert [(None, None)] == moment.windows


async def test_windows_since_the_last_delivery_leave_nothing_out() -> None:
    """The next one waits for the end of the one before it; where that did not reach everybody, it begins there."""
    reports = await Reports().set_up(window=WindowKind.SINCE_LAST_DELIVERY)
    reports.office.messenger.answers = [AWAY]
    reports.world.pass_time(DAY)
    await reports.due()
    assert await reports.send()
    reports.world.pass_time(DAY)
    await reports.due()
    assert 1 == len(reports.windows), "under way"
    reports.world.pass_time(3600)
    assert await reports.send() is None
    reports.office.messenger.answers = [TAKEN]
    await reports.due()
    assert await reports.send() is None
    reports.world.pass_time(DAY)
    await reports.due()
    first, second, third = reports.windows
    assert first[0] == second[0] == T0
    assert (second[1], third[1]) == (third[0], second[1] + timedelta(days=1) if second[1] else None)


async def test_nobody_is_sent_twice_whose_answer_was_recorded() -> None:
    """The worker dies between the answer and its event: the event is made good, nothing is sent again."""
    reports = await Reports().set_up()
    reports.world.pass_time(DAY)
    await reports.due()
    [started] = await reports.started()
    assert await reports.send() is None
    outcomes = len(reports.world.events(ReportDelivered))
    for notification in await reports.office.notices.log.of_position(started.position):
        assert DeliveryState.DELIVERED.value == notification.status.value
    assert (2, 2) == (outcomes, len(reports.office.messenger.sent))
    assert await reports.send() is None
    assert (2, 2) == (len(reports.world.events(ReportDelivered)), len(reports.office.messenger.sent))


async def test_a_crash_before_the_event_sends_nothing_again() -> None:
    """What the log of messages holds is enough."""
    reports = await Reports().set_up(webhook_channel_ids=())
    reports.world.pass_time(DAY)
    await reports.due()
    [started] = await reports.started()
    log, record = reports.office.notices.log, reports.office.notices.log.record

    async def die(notification: Any) -> None:
        await record(notification)
        raise ConnectionError

    log.record = die  # type: ignore[method-assign] # the worker dies right after it
    with pytest.raises(ConnectionError):
        await reports.send()
    log.record = record  # type: ignore[method-assign] # another one goes on
    assert not reports.world.events(ReportDelivered)
    assert await reports.send() is None
    assert (1, 1) == (len(reports.world.events(ReportDelivered)), len(reports.office.messenger.sent))
    assert 1 == len(await log.of_position(started.position))


async def test_what_is_not_taken_comes_again_for_a_day_with_the_same_bytes() -> None:
    """Then it has failed, with the cause; an alert says so until the next one reaches everybody."""
    reports = await Reports().set_up(webhook_channel_ids=())
    reports.office.messenger.answers = [Sent(NotificationError.UNAVAILABLE, 451)]
    reports.world.pass_time(DAY)
    await reports.due()
    while (wait := await reports.send()) is not None:
        reports.world.pass_time(wait)
    recipient = (await reports.delivery()).recipients[0]
    assert (DeliveryCause.NOT_TAKEN, "unavailable", 451) == (recipient.cause, recipient.error, recipient.status_code)
    assert recipient.attempts > 20
    contents = {message.attachments[0].content for _, _, message in reports.office.messenger.sent}
    assert 1 == len(contents)
    [alert] = alerts(reports.world, AlertKind.REPORT_NOT_DELIVERED)
    assert reports.schedule_id == alert.subject_id
    reports.office.messenger.answers = [TAKEN]
    await reports.due()
    await reports.send()
    assert DeliveryState.DELIVERED is (await reports.delivery(2)).state
    assert reports.world.events(AlertResolved)


async def test_the_owner_must_be_allowed_at_every_delivery() -> None:
    """The role is taken away meanwhile: nothing is sent, and it can be seen why. Whoever changes it, owns it."""
    reports = await Reports().set_up()
    await change_role(reports.world.house, reports.world.by("ada"), reports.owner, Role.AUDITOR, held=False)
    reports.world.pass_time(DAY)
    await reports.due()
    assert await reports.send() is None
    assert [DeliveryCause.OWNER_NOT_ALLOWED] * 2 == reports.failures
    assert not reports.office.messenger.sent
    assert alerts(reports.world, AlertKind.REPORT_NOT_DELIVERED)
    olga = await reports.person("olga", Role.OPERATOR)
    await change_schedule(reports.world.house, reports.by(olga), check, reports.schedule_id, reports.wish())
    await send_now(reports.world.house, reports.by(olga), reports.schedule_id)
    assert await reports.send() is None
    assert 2 == len(reports.office.messenger.sent)


async def test_whoever_is_not_meant_any_more_is_sent_nothing() -> None:
    """Also what had begun: removed from the schedule, a channel that is retired, a schedule that is paused, removed."""
    for change, cause in (
        ("recipient", DeliveryCause.RECIPIENT_REMOVED),
        ("channel", DeliveryCause.CHANNEL_OFF),
        ("pause", DeliveryCause.SCHEDULE_PAUSED),
        ("remove", DeliveryCause.SCHEDULE_REMOVED),
    ):
        reports = await Reports().set_up(webhook_channel_ids=())
        house, who = reports.world.house, reports.by()
        reports.world.pass_time(DAY)
        await reports.due()
        if change == "recipient":
            wish = reports.wish((), mail_channel_id=None)
            await change_schedule(house, who, check, reports.schedule_id, wish)
        elif change == "channel":
            await retire_channel(house, reports.world.by("ada"), reports.mail)
        else:
            await (pause_schedule if change == "pause" else remove_schedule)(house, who, reports.schedule_id)
        assert await reports.send() is None
        assert [cause] == reports.failures
        assert not reports.office.messenger.sent
        reports.world.pass_time(DAY)
        if change in ("pause", "remove"):
            await reports.due()
            assert 1 == len(reports.windows)


async def test_erased_addresses_are_sent_nothing() -> None:
    """Addresses belong to whoever wrote them down; the words stay where they are, and open no more."""
    reports = await Reports().set_up(webhook_channel_ids=())
    admin = await reports.person("root", Role.ADMIN)
    await erase_subject(reports.world.house, reports.by(admin), reports.owner, ErasureReason.OBJECTION)
    await reports.office.settle()
    schedule = (await load(reports.world.house, REPORT_SCHEDULE, reports.schedule_id)).found
    opened = await reports.world.texts.open(schedule.mail_to)
    assert {"[erased]"} == set(opened.values())
    reports.world.pass_time(DAY)
    await reports.due()
    await reports.send()
    assert [DeliveryCause.OWNER_NOT_ALLOWED] == reports.failures
    assert not reports.office.messenger.sent


async def test_what_was_due_while_it_was_paused_is_left_out() -> None:
    """It goes on with what is due next; by hand it is sent also meanwhile."""
    reports = await Reports().set_up()
    await pause_schedule(reports.world.house, reports.by(), reports.schedule_id)
    reports.world.pass_time(3 * DAY)
    await send_now(reports.world.house, reports.by(), reports.schedule_id)
    assert await reports.send() is None
    assert 2 == len(reports.office.messenger.sent)
    await resume_schedule(reports.world.house, reports.by(), reports.schedule_id)
    await reports.due()
    assert 1 == len(reports.windows)
    reports.world.pass_time(DAY)
    await reports.due()
    assert 2 == len(reports.windows)


async def test_a_history_that_is_behind_is_waited_for() -> None:
    """Nothing has failed."""
    reports = await Reports().set_up()
    reports.office.reports.behind = 1
    reports.world.pass_time(DAY)
    await reports.due()
    assert await reports.send()
    assert not reports.office.messenger.sent
    assert await reports.send() is None
    assert 2 == len(reports.office.messenger.sent)


@pytest.mark.parametrize(
    ("different", "pointer"),
    [
        ({"mail_to": ("nobody",)}, "/mail_to/0"),
        ({"mail_to": ("a@b", "a@b\nc@d")}, "/mail_to/1"),
        ({"timing": Timing(frequency=Frequency.DAILY, at="06:30", time_zone="Mars/Olympus")}, "/timing/time_zone"),
        ({"timing": Timing(frequency=Frequency.DAILY, at="06:30", time_zone="../../etc/passwd")}, "/timing/time_zone"),
        ({"timing": Timing(frequency=Frequency.DAILY, at="06:30", time_zone="America")}, "/timing/time_zone"),
        ({"webhook_channel_ids": (uuid4(),)}, "/webhook_channel_ids/0"),
        ({"mail_channel_id": uuid4()}, "/mail_channel_id"),
    ],
)
async def test_what_cannot_be_sent_is_refused(different: dict[str, Any], pointer: str) -> None:
    """At the field that is to blame."""
    reports = await Reports().set_up()
    wish: dict[str, Any] = {"name": "New", **different}
    with pytest.raises(Refused) as caught:
        await create_schedule(reports.world.house, reports.by(), check, reports.wish(**wish))
    assert (Code.VALIDATION_FAILED, pointer) == (caught.value.code, caught.value.pointer)


async def test_channels_are_of_their_kind_and_names_are_unique() -> None:
    """A mail channel is no webhook."""
    reports = await Reports().set_up()
    wrong: list[dict[str, Any]] = [{"webhook_channel_ids": (reports.mail,)}, {"mail_channel_id": reports.hook}, {}]
    for different in wrong:
        with pytest.raises(Refused):
            await create_schedule(reports.world.house, reports.by(), check, reports.wish(**different))
    await remove_schedule(reports.world.house, reports.by(), reports.schedule_id)
    await create_schedule(reports.world.house, reports.by(), check, reports.wish())


async def test_the_same_description_again_changes_nothing() -> None:
    """Addresses are not sealed anew."""
    reports = await Reports().set_up()
    before = len(reports.world.events())
    await change_schedule(reports.world.house, reports.by(), check, reports.schedule_id, reports.wish())
    assert before == len(reports.world.events())
