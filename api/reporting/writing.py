"""Reports as files, by the same code as answers: what is sent is what their addresses answer with, for ever."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from api.opening import open_csv, open_html
from api.paging import CSV, JSON
from api.reporting import duties, expiry, exposure, filters, inventory, lead_times, push_forms, review, unapproved
from api.reporting.answering import HTML, as_bytes
from api.reporting.counting import names, only_of, pushes
from api.reporting.document import Document
from api.services import Moments, Views
from application.opening import open_json
from application.personal import Opens
from application.report_addresses import address_of, days_of
from application.report_ports import Filter, ReportFile, ReportWanted
from domain.colour import Thresholds
from domain.report_schedule import ReportFormat, ReportName
from projections.inventory_report.view import By
from projections.reading.apart import apart
from projections.reports import Reports
from projections.scope import Scope
from projections.separation_of_duties.view import Question

_MEDIA_TYPES = {ReportFormat.JSON: JSON, ReportFormat.CSV: CSV, ReportFormat.HTML: HTML}
_OPEN = {JSON: open_json, CSV: open_csv, HTML: open_html}
_HISTORY_SECONDS = 10.0
Write = Callable[[str], bytes]
"""From the media type to the bytes."""


class Source(NamedTuple):
    """What reports are written from: records, which are their own past, and read models as of the position.
    `review_every`: how long a review of the inventory holds.
    """

    reports: Reports
    views: Views
    thresholds: Thresholds
    review_every: timedelta


class Writer:
    """application.report_ports.ReportWriter."""

    def __init__(
        self,
        moments: Moments,
        views: Views,
        views_as_of: Callable[[int], Views],
        texts: Opens,
        *,
        review_every: timedelta,
        thresholds: Thresholds = Thresholds(),
    ) -> None:
        self._moments = moments
        self._reports = views.reports
        self._views_as_of = views_as_of
        self._texts = texts
        self._review_every = review_every
        self._thresholds = thresholds

    async def write(self, wanted: ReportWanted, formats: tuple[ReportFormat, ...]) -> tuple[ReportFile, ...]:
        """See ReportWriter.write."""
        moment = await self._moments.at_position(wanted.position)
        if moment is None or not await self._moments.wait(wanted.position, _HISTORY_SECONDS):
            raise TimeoutError(f"the history does not show position {wanted.position} yet")
        scope = Scope(since=wanted.since, until=wanted.until or moment.at, position=wanted.position, now=moment.at)
        source = Source(self._reports, self._views_as_of(wanted.position), self._thresholds, self._review_every)
        write = await _WRITTEN[wanted.report](source, scope, wanted.filter)
        return tuple([await self._file(wanted, write, form) for form in formats])

    async def _file(self, wanted: ReportWanted, write: Write, form: ReportFormat) -> ReportFile:
        media_type = _MEDIA_TYPES[form]
        content = await _OPEN[media_type](self._texts, await apart(lambda: write(media_type)))
        name = f"{wanted.report}-{wanted.position}.{form}"
        return ReportFile(name, media_type, content, address_of(wanted, form, self._thresholds))


def _plain(found: Any, document: Callable[[Any], Document]) -> Write:
    return lambda media_type: as_bytes(found, document, media_type)


async def _push_validation(source: Source, scope: Scope, narrow: Filter) -> Write:
    given = filters.parsed(narrow, filters.PushFilter)
    only = only_of(**{name: getattr(given, name) for name in given.__struct_fields__})
    found = await pushes(source.views, scope, only)
    named = await names(source.views, found)
    return lambda media_type: push_forms.as_bytes(found, named, media_type)


async def _expiry(source: Source, scope: Scope, narrow: Filter) -> Write:
    given = filters.parsed(narrow, filters.ExpiryFilter)
    days = days_of(source.thresholds, given.threshold)
    found = await source.reports.expiry.report(scope, days, not_renewed=any(given.not_renewed))
    return _plain(found, expiry.document)


async def _inventory(source: Source, scope: Scope, narrow: Filter) -> Write:
    given = filters.parsed(narrow, filters.InventoryFilter)
    only = {by: sorted(set(keys)) for by in By if (keys := getattr(given, by.value))}
    found = await source.reports.inventory.report(scope, days_of(source.thresholds, given.threshold), only)
    return _plain(found, lambda report: inventory.document(report, only))


async def _duties(source: Source, scope: Scope, narrow: Filter) -> Write:
    given = filters.parsed(narrow, filters.DutiesFilter)
    question = Question(rules=tuple(dict.fromkeys(given.rule)), levels=next(iter(given.levels), None))
    return _plain(await source.reports.separation_of_duties.report(scope, question), duties.document)


async def _unapproved(source: Source, scope: Scope, _: Filter) -> Write:
    return _plain(await source.reports.unapproved_pushes.report(scope), unapproved.document)


async def _exposure(source: Source, scope: Scope, _: Filter) -> Write:
    return _plain(await source.reports.exposure.report(scope), exposure.document)


async def _lead_times(source: Source, scope: Scope, narrow: Filter) -> Write:
    given = filters.parsed(narrow, filters.LeadTimesFilter)
    found = await source.reports.lead_times.report(scope, persons=any(given.persons))
    return _plain(found, lead_times.document)


async def _review(source: Source, scope: Scope, _: Filter) -> Write:
    return _plain(await source.reports.review.report(scope, source.review_every), review.document)


_WRITTEN: Mapping[ReportName, Callable[[Source, Scope, Filter], Awaitable[Write]]] = {
    ReportName.PUSH_VALIDATION: _push_validation,
    ReportName.EXPIRY: _expiry,
    ReportName.INVENTORY: _inventory,
    ReportName.SEPARATION_OF_DUTIES: _duties,
    ReportName.UNAPPROVED_PUSHES: _unapproved,
    ReportName.EXPOSURE: _exposure,
    ReportName.LEAD_TIMES: _lead_times,
    ReportName.REVIEW: _review,
}
