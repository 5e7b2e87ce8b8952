"""What a report schedule is described by on the command line: the options, and the bodies of the API that they make."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from api.cli.printing import Stopped

if TYPE_CHECKING:
    from api.schemas.report_schedules import ChangeReportScheduleBody, CreateReportScheduleBody
    from domain.report_timing import Timing

F = TypeVar("F", bound=Callable[..., Any])
B = TypeVar("B")
Found = dict[str, Any]
_REPORTS = (
    "push-validation",
    "expiry",
    "inventory",
    "separation-of-duties",
    "unapproved-pushes",
    "exposure",
    "lead-times",
    "review",
)
_WINDOWS = ("last_day", "last_week", "last_month", "since_last_delivery")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIMING = ("frequency", "at", "time_zone", "weekday", "day_of_month")
_SAME = {
    "name": "name",
    "report": "report",
    "window": "window",
    "formats": "formats",
    "mail_channel": "mail_channel_id",
    "mail_to": "mail_to",
    "webhooks": "webhook_channel_ids",
}
_WITHOUT: dict[str, tuple[str, str, Any]] = {
    "filter": ("filters", "filter", {}),
    "window": ("window", "window", None),
    "mail-channel": ("mail_channel", "mail_channel_id", None),
    "mail-to": ("mail_to", "mail_to", ()),
    "webhook": ("webhooks", "webhook_channel_ids", ()),
}
"""What can be taken back: the option, the field, and what it then is."""

token_file = click.option(
    "--token-file",
    type=click.File(),
    required=True,
    help="Your access token, in a file or on standard input (-): a report is sent by its owner's right.",
)


def terms(*, new: bool) -> Callable[[F], F]:
    """The options of a schedule: of a new one, or of what changes of one, where they can be taken back, too."""
    options = [
        click.option("--name", required=new),
        click.option("--report", required=new, type=click.Choice(_REPORTS)),
        click.option(
            "--filter", "filters", multiple=True, metavar="NAME=VALUE", help="A parameter of the report's address."
        ),
        click.option("--window", type=click.Choice(_WINDOWS), help="Of a report that is about a stretch of time."),
        click.option("--frequency", required=new, type=click.Choice(("daily", "weekly", "monthly"))),
        click.option("--at", required=new, help="HH:MM in the time zone."),
        click.option("--time-zone", help=f"A name of the IANA database{' (default: UTC)' if new else ''}."),
        click.option("--weekday", type=click.Choice(_WEEKDAYS), help="Of a weekly one."),
        click.option("--day-of-month", type=click.IntRange(1, 31), help="Of a monthly one."),
        click.option("--format", "formats", multiple=True, required=new, type=click.Choice(("json", "csv", "html"))),
        click.option("--mail-channel", type=click.UUID, help="The notification channel that carries mail."),
        click.option("--mail-to", multiple=True, help="An address instead of the channel's own."),
        click.option(
            "--webhook", "webhooks", multiple=True, type=click.UUID, help="A notification channel of kind webhook."
        ),
    ]
    if not new:
        kinds = click.Choice(tuple(_WITHOUT))
        told = "Take back all that was said of it. May be given several times."
        options.append(click.option("--without", "without", multiple=True, type=kinds, help=told))

    def described_by(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return described_by


def described(options: Found) -> "CreateReportScheduleBody":
    """The options as the body of the API. Raises Stopped for what is wrong with them."""
    from api.schemas.report_schedules import CreateReportScheduleBody

    return _body(_given(options) | {"timing": _timing(options)}, CreateReportScheduleBody)


def changed(options: Found, known: "Timing") -> "ChangeReportScheduleBody":
    """The same of a change: what is given of the timing is changed in the one that is known. Raises Stopped."""
    import msgspec

    from api.schemas.report_schedules import ChangeReportScheduleBody

    wish, timing = _given(options), _timing(options)
    for name in options["without"]:
        option, field, empty = _WITHOUT[name]
        if options[option]:
            raise Stopped(f"--{name} and --without {name}: give one of them.", 2)
        wish[field] = empty
    if timing:
        before: Found = msgspec.to_builtins(known)
        if timing.get("frequency", before["frequency"]) != before["frequency"]:
            before |= {"weekday": None, "day_of_month": None}
        wish["timing"] = before | timing
    if not wish:
        raise Stopped("Nothing to change was given.", 2)
    return _body(wish, ChangeReportScheduleBody)


def _given(options: Found) -> Found:
    narrow: dict[str, list[str]] = {}
    for text in options["filters"]:
        name, equals, value = text.partition("=")
        if not equals:
            raise Stopped(f"{text}: write NAME=VALUE.", 2)
        narrow.setdefault(name, []).append(value)
    said = {known: options[name] for name, known in _SAME.items() if options[name] not in (None, ())}
    return said | ({"filter": narrow} if narrow else {})


def _timing(options: Found) -> Found:
    return {name: options[name] for name in _TIMING if options[name] is not None}


def _body(wish: Found, kind: type[B]) -> B:
    import msgspec

    try:
        return msgspec.convert(wish, kind)
    except msgspec.ValidationError as error:
        raise Stopped(f"{error}.", 2) from None
