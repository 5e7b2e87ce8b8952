"""The addresses of reports that were sent: what they answer with stays the same for ever."""

from datetime import datetime
from urllib.parse import urlencode

from application.report_ports import ReportWanted
from domain.colour import Thresholds
from domain.report_schedule import ReportFormat, ReportName

_OF_DAYS = (ReportName.EXPIRY, ReportName.INVENTORY)


def address_of(wanted: ReportWanted, form: ReportFormat, thresholds: Thresholds = Thresholds()) -> str:
    """The path that answers with the same bytes; everything that could be another one later is said in it."""
    window = (("from", wanted.since), ("to", wanted.until))
    query = [(name, _rfc3339(at)) for name, at in window if at is not None]
    query += [(name, value) for name, values in wanted.filter.items() for value in values]
    if wanted.report in _OF_DAYS and not wanted.filter.get("threshold"):
        query += [("threshold", str(days)) for days in days_of(thresholds)]
    query += [("as_of_position", str(wanted.position)), ("format", form.value)]
    return f"/api/v1/reports/{wanted.report}?{urlencode(query)}"


def days_of(usual: Thresholds, given: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Days before expiry: those that were asked for, or those at which colours change."""
    return given or (usual.orange, usual.yellow, usual.blue)


def _rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
