"""The pages of issuance policies, expiry alert rules and notification channels: what is set up, and by whom."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery

from api.asking import Reading
from api.controllers.certificate_filter import Text
from api.controllers.notification_channels import channel_filter
from api.pages.answering import viewer_of
from api.pages.model import Viewer
from api.pages.people import who
from api.pages.sheet import IN_USE, AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.paging import pages
from api.registered import pages_of
from api.security import requires
from application.registers import Placed
from domain import expiry_alert_rule, issuance_policy
from domain.expiry_alert_rule import ExpiryAlertRule
from domain.issuance_policy import IssuancePolicy
from domain.issuance_rules import IssuanceRule
from domain.roles import Permission, may
from projections.notification_channels.view import NotificationChannelFilter, NotificationChannelRow

POLICIES = Sheet(
    "Issuance policies",
    "issuance-policies",
    (Column("Name"), Column("Rules"), Column("Version", wide=True), Column("Changed (UTC)"), Column("By", wide=True)),
    "Rules that every order is held against: hard ones block, soft ones warn, the most restrictive wins.",
    "No policy yet: every order is allowed.",
)
RULES = Sheet(
    "Expiry alert rules",
    "expiry-alert-rules",
    (
        Column("Name"),
        Column("Before expiry"),
        Column("Of"),
        Column("Channels"),
        Column("Changed (UTC)", wide=True),
    ),
    "Of which certificates, and how early, alerts of expiry are raised; that one has expired is told by every rule.",
    "No rule yet: nobody is told of expiry.",
)
CHANNELS = Sheet(
    "Notification channels",
    "notification-channels",
    (Column("Name"), Column("Kind"), Column("Tells of"), Column("When"), Column("State")),
    "Where people are told of alerts. How messages went, the deliveries of a channel say over the API.",
    "No channel yet: alerts are seen on their page alone.",
)
_NAMED = (Search("q", "Name", "Part of a name"),)
_SEES_POLICIES = requires(Permission.POLICIES, Permission.READ_EVERYTHING, page=True)
_SEES_RULES = requires(Permission.ALERTS, Permission.CHANNELS, Permission.READ_EVERYTHING, page=True)
_SEES_CHANNELS = requires(Permission.CHANNELS, Permission.READ_EVERYTHING, page=True)
__all__ = ("HANDLERS",)


@get("/issuance-policies", opt=_SEES_POLICIES, include_in_schema=False)
async def issuance_policy_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    retired: FromQuery[bool | None] = None,
    q: Text = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Issuance policies, oldest first."""

    def line(found: Placed[IssuancePolicy], viewer: Viewer) -> tuple[Cell, ...]:
        entry = found.entry
        url = edit_url(viewer, Permission.POLICIES, request, entry.id)
        return (
            name_cell(entry.terms.name, entry.retired, entry.terms.description, url),
            Cell("; ".join(map(_rule, entry.terms.rules))),
            Cell(str(entry.version)),
            Cell(at=entry.revisions[-1].at),
            Cell(who(entry.revisions[-1].by, reading)),
        )

    ask = pages_of(reading, issuance_policy.KIND, retired=retired, q=q)
    place = Place.of(request)
    evaluating = (Choice("Evaluate an order", "/issuance-policies/evaluate", selected=False),)
    choices = (*(evaluating if reading.moment is None else ()), place.only(*IN_USE))
    return await answer(
        request,
        reading,
        POLICIES,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=choices,
        searches=_NAMED,
        links=new_links(request, reading, Permission.POLICIES, {"New policy": ""}),
    )


@get("/expiry-alert-rules", opt=_SEES_RULES, include_in_schema=False)
async def expiry_alert_rule_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    retired: FromQuery[bool | None] = None,
    q: Text = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Expiry alert rules, oldest first."""

    def line(found: Placed[ExpiryAlertRule], viewer: Viewer) -> tuple[Cell, ...]:
        terms = found.entry.terms
        url = edit_url(viewer, Permission.CHANNELS, request, found.entry.id)
        early = [f"{days} days" for days in terms.thresholds]
        early += [f"{percent} % of its lifetime" for percent in terms.relative_thresholds]
        count = len(terms.channel_ids)
        return (
            name_cell(terms.name, found.entry.retired, url=url),
            Cell(", ".join(early)),
            Cell("; ".join(_filters(terms)) or "every certificate"),
            Cell(f"{count} of its own" if count else "all that take alerts of expiry"),
            Cell(at=found.entry.revisions[-1].at),
        )

    ask = pages_of(reading, expiry_alert_rule.KIND, retired=retired, q=q)
    choices = (Place.of(request).only(*IN_USE),)
    return await answer(
        request,
        reading,
        RULES,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=choices,
        searches=_NAMED,
        links=new_links(request, reading, Permission.CHANNELS, {"New rule": ""}),
    )


@get(
    "/notification-channels",
    opt=_SEES_CHANNELS,
    include_in_schema=False,
    dependencies={"narrow": Provide(channel_filter, sync_to_thread=False)},
)
async def notification_channel_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[NotificationChannelFilter],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Notification channels by name."""
    ask = pages(reading.views.notification_channels.list, narrow)

    def line(row: NotificationChannelRow, viewer: Viewer) -> tuple[Cell, ...]:
        terms = row.state.terms
        url = edit_url(viewer, Permission.CHANNELS, request, row.id)
        on = terms.enabled and not row.state.retired
        state = "retired" if row.state.retired else "on" if on else "off"
        return (
            name_cell(terms.name, row.state.retired, url=url),
            Cell(row.state.kind.value),
            Cell(", ".join(kind.value.replace("_", " ") for kind in terms.alert_kinds) or "every alert"),
            Cell(f"daily at {terms.daily_at} UTC" if terms.daily_at is not None else "at once"),
            Cell(state, icon="circle-check" if on else None, tone="good" if on else "quiet"),
        )

    choices = (Place.of(request).only(*IN_USE),)
    return await answer(
        request,
        reading,
        CHANNELS,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=choices,
        searches=_NAMED,
        links=new_links(request, reading, Permission.CHANNELS, _NEW_CHANNELS),
    )


def name_cell(name: str, retired: bool, detail: str = "", url: str | None = None) -> Cell:
    """A name leads to the editor, for whoever may change it."""
    return Cell(name, None if retired else url, detail="retired" if retired else detail)


def edit_url(viewer: Viewer, permission: Permission, request: Request[Any, Any, Any], entry_id: UUID) -> str | None:
    """Where whoever may change it does so."""
    may_change = may(viewer.roles, permission) and not viewer.past
    return f"{request.scope['path']}/{entry_id}/edit" if may_change else None


def new_links(
    request: Request[Any, Any, Any], reading: Reading, permission: Permission, kinds: dict[str, str]
) -> list[tuple[str, str]]:
    """Ways to the forms of new ones, words and query, for whoever may write them."""
    if reading.moment is not None or not may(viewer_of(request).roles, permission):
        return []
    return [(words, f"{request.scope['path']}/new{query}") for words, query in kinds.items()]


_NEW_CHANNELS = {"New mail channel": "?kind=mail", "New webhook channel": "?kind=webhook"}


def _rule(rule: IssuanceRule) -> str:
    """`strong keys (hard; domains example.org; minimum rsa bits 3072)`."""
    said = [rule.severity.value, *_said(msgspec.structs.asdict(rule))]
    return f"{rule.name} ({'; '.join(said)})"


def _said(fields: dict[str, Any]) -> Iterator[str]:
    """Every restriction that is set, in words."""
    for name, value in fields.items():
        words = name.replace("_", " ")
        if name == "wildcards":
            if not value:
                yield "no wildcards"
        elif name not in {"name", "severity"} and value not in (None, ()):
            yield f"{words} {', '.join(map(str, value)) if isinstance(value, tuple) else value}"


def _filters(terms: ExpiryAlertRule) -> Iterator[str]:
    for words in ("owners", "tags", "issuers", "names"):
        if found := getattr(terms, words):
            yield f"{words} {', '.join(found)}"


HANDLERS = [issuance_policy_list, expiry_alert_rule_list, notification_channel_list]
