"""The page of alerts: what needs a look, with a dialog to acknowledge and one to resolve."""

from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.answers import missing
from api.asking import Reading
from api.pages import steps
from api.pages.answering import html, viewer_of
from api.pages.past import shown
from api.pages.steps import Step, Subject
from api.security import requires
from application.alerting import acknowledge_alert, resolve_alert
from domain.alert import Alert, AlertKind
from domain.roles import Permission, may
from projections.alerts.view import AlertFilter, AlertRow

_OF_CERTIFICATES = frozenset({AlertKind.EXPIRY, AlertKind.CA_NOT_INFORMED})
WORDS: dict[AlertKind, str] = {
    AlertKind.ORDER_FAILED: "Order failed",
    AlertKind.PUSH_FAILED: "Push failed",
    AlertKind.OUT_OF_SYNC: "Out of sync",
    AlertKind.VERIFICATION_MISMATCH: "Another certificate is served",
    AlertKind.EXPIRY: "Expires soon",
    AlertKind.APPROVAL_WAITING: "Waits for approval",
    AlertKind.BRIDGE_SILENT: "Bridge is silent",
    AlertKind.BRIDGE_QUARANTINED: "Bridge is quarantined",
    AlertKind.PROJECTION_QUARANTINED: "Read model in trouble",
    AlertKind.REACTION_FAILED: "Automation in trouble",
    AlertKind.LEDGER_CHECK_LATE: "Ledger check is late",
    AlertKind.LEDGER_MISMATCH: "Ledger does not hold",
    AlertKind.WEBHOOK_DISABLED: "Webhook disabled",
    AlertKind.SYSLOG_BEHIND: "Syslog is behind",
    AlertKind.NOTIFICATION_FAILED: "Notifications fail",
    AlertKind.CA_NOT_INFORMED: "CA does not know of a revocation",
    AlertKind.REPORT_NOT_DELIVERED: "Report not delivered",
}


class AlertLine(NamedTuple):
    """One alert of the list. `url`: what it is about, where there is a page of it."""

    id: UUID
    words: str
    message: str
    url: str | None
    raised_at: datetime
    status: str
    acknowledged_by: str | None
    actions: tuple[tuple[str, str], ...]


STEPS: dict[str, Step[Alert]] = {
    "acknowledge": Step(
        "Acknowledge the alert",
        "You say that you look after it. It stays open.",
        "Acknowledge",
        Permission.ALERTS,
        acknowledge_alert,
    ),
    "resolve": Step(
        "Resolve the alert",
        "It is no longer of concern. Should its cause come again, another alert is raised.",
        "Resolve",
        Permission.ALERTS,
        resolve_alert,
    ),
}
READERS = requires(Permission.ALERTS, Permission.READ_EVERYTHING, page=True)


@get("/alerts", opt=READERS, include_in_schema=False)
async def alert_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    every: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """Open alerts, newest first; with `every` the resolved ones, too."""
    found = await reading.views.alerts.list(AlertFilter(open=None if every else True), cursor=cursor)
    viewer, moment = viewer_of(request), shown(request, reading)
    acts = may(viewer.roles, Permission.ALERTS) and not moment.is_past
    following = {"every": every, "cursor": found.next_cursor}
    return html(
        "alerts.html",
        viewer=viewer.of_the_past() if moment.is_past else viewer,
        shown=moment,
        tab="alerts",
        rows=[_line(row, reading, acts=acts) for row in found.items],
        every=bool(every),
        next_url="/alerts?" + urlencode({k: v for k, v in following.items() if v}) if found.next_cursor else None,
    )


async def _subject(reading: Reading, alert_id: UUID) -> Subject:
    row = await reading.views.alerts.get(alert_id)
    if row is None:
        raise missing("alert", alert_id)
    return Subject(row.version, row.state.message)


def _line(row: AlertRow, reading: Reading, *, acts: bool) -> AlertLine:
    alert = row.state
    status = "resolved" if not alert.open else "acknowledged" if alert.acknowledged_at else "open"
    by = alert.acknowledged_by
    open_steps = {"open": ("acknowledge", "resolve"), "acknowledged": ("resolve",)}.get(status, ())
    actions = [(step.capitalize(), f"/alerts/{row.id}/{step}") for step in open_steps]
    if alert.kind is AlertKind.CA_NOT_INFORMED and alert.open:
        told = f"/certificates/{alert.subject_id}/revocation-notice"
        actions += [("Tell the CA again", f"{told}/retry"), ("The CA was told", f"{told}/told")]
    return AlertLine(
        id=row.id,
        words=WORDS[alert.kind],
        message=alert.message,
        url=_url(alert),
        raised_at=alert.raised_at,
        status=status,
        acknowledged_by=(reading.services.directory.name_of(by) or by) if by else None,
        actions=tuple(actions) if acts else (),
    )


def _url(alert: Alert) -> str | None:
    """What it is about, where that has a page."""
    if alert.kind is AlertKind.REPORT_NOT_DELIVERED:
        return f"/report-schedules/{alert.subject_id}"
    return f"/certificates/{alert.subject_id}" if alert.kind in _OF_CERTIFICATES else None


HANDLERS = [alert_list, *steps.handlers(STEPS, "/alerts/{alert_id:uuid}", _subject, name="alert", back="/alerts")]
