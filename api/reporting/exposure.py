"""The report on exposure windows, to read: a line of time for each place."""

from collections.abc import Sequence
from datetime import datetime

from api.reporting.addresses import addresses, moment_words, window_query, window_words
from api.reporting.document import Cell, Document, Fact, Link, Picture, at, certificate, lasting, places, short, table
from api.reporting.document import words as as_words
from api.reporting.pictures import Bar, Mark, Stretch, bars
from projections.exposure.intervals import clipped
from projections.exposure.view import Cause, Exposed, Exposure, ExposureReport
from projections.scope import Scope

NAME, TITLE = "exposure", "Exposure windows"
QUESTION = "How long did which endpoint really serve a wrong, an expired or a revoked certificate?"
FILLS = {Cause.WRONG: "slant", Cause.EXPIRED: "dots", Cause.REVOKED: "dark"}
_PLACES = 25


def document(report: ExposureReport) -> Document:
    """The page."""
    data_url, kept_url = addresses(NAME, window_query(report.since, report.until), report.as_of_position)
    moment = moment_words(report.as_of_position, report.as_of)
    return Document(
        name=NAME,
        title=TITLE,
        lead=(_lead(report),),
        scope=f"Served {window_words(report.since, report.until)}, {moment}.",
        facts=(
            Fact("Intervals", Link(str(report.intervals), "#intervals"), f"{report.lasting} last"),
            *(Fact(f"{c.value.capitalize()} served", lasting(_sum(report, c)) or "0 s", "all places") for c in Cause),
        ),
        pictures=tuple(_pictures(report)),
        tables=(
            table(
                "places",
                "Places",
                ("Endpoint", "Server name", "Wrong", "Expired", "Revoked", "Any", "Intervals", "Last"),
                ((p.endpoint, p.server_name or "", *_sums(p)) for p in report.endpoints),
                "No place served a wrong, an expired or a revoked certificate.",
                range(2, 8),
            ),
            table(
                "certificates",
                "Served certificates",
                ("Certificate", "Fingerprint", "Wrong", "Expired", "Revoked", "Any", "Intervals", "Last"),
                (
                    (
                        certificate(c.certificate_id, c.common_name or "not in the inventory"),
                        short(c.served_fingerprint_sha256),
                        *_sums(c),
                    )
                    for c in report.certificates
                ),
                "None.",
                range(2, 8),
            ),
            table(
                "intervals",
                "Intervals",
                ("Cause", "Endpoint", "Served", "From (UTC)", "To (UTC)", "In the window", "Ended by", "Positions"),
                (_interval(item) for item in report.items),
                "None.",
                (5,),
            ),
        ),
        data_url=data_url,
        kept_url=kept_url,
    )


def _lead(report: ExposureReport) -> str:
    return (
        f"{report.intervals} intervals at {len(report.endpoints)} places reach into this window; {report.lasting} of "
        "them last. An interval lies between two events of the ledger: verification results are recorded when they "
        "change, so between them every look saw the same."
    )


def _sum(report: Exposed, cause: Cause) -> float:
    seconds: float = getattr(report, f"{cause}_seconds")
    return seconds


def _sums(found: Exposed) -> Sequence[str]:
    times = (found.wrong_seconds, found.expired_seconds, found.revoked_seconds, found.any_seconds)
    return (*(lasting(seconds) if seconds else "" for seconds in times), str(found.intervals), str(found.lasting))


def _interval(item: Exposure) -> Sequence[Cell]:
    cause = f"{item.cause} ({as_words(item.state.removeprefix('mismatch_'))})" if item.state else item.cause.value
    place = f"{item.endpoint} ({item.server_name})" if item.server_name else item.endpoint
    served = item.common_name or f"{item.served_fingerprint_sha256[:16]}…"
    return (
        cause,
        place,
        certificate(item.certificate_id, served),
        at(item.since),
        at(item.until, "lasts"),
        lasting(item.seconds),
        as_words(item.ended_by or ""),
        places(item.positions),
    )


def _pictures(report: ExposureReport) -> list[Picture]:
    """Time from left to right, the places that served it longest first."""
    if not report.items:
        return []
    start = report.since or min(item.since for item in report.items)
    end = min(report.until, report.as_of) if report.until else report.as_of
    scope = Scope(since=start, until=end, position=report.as_of_position, now=report.as_of)
    longest = sorted(report.endpoints, key=lambda place: (-place.any_seconds, place.endpoint))[:_PLACES]
    rows = [
        Bar(
            f"{place.endpoint} {place.server_name or ''}".strip(),
            [
                _stretch(item, scope, start, end)
                for item in report.items
                if (item.endpoint, item.server_name) == (place.endpoint, place.server_name)
            ],
            lasting(place.any_seconds) or "0 s",
        )
        for place in longest
    ]
    legend = [Mark(FILLS[cause], cause.value) for cause in Cause]
    title = "What was served when"
    return [Picture(title, bars(title, rows, legend, (f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M} UTC")))]


def _stretch(item: Exposure, scope: Scope, start: datetime, end: datetime) -> Stretch:
    first, last = clipped(item.since, item.until, scope)
    whole = max((end - start).total_seconds(), 1.0)
    left, right = ((moment - start).total_seconds() / whole for moment in (first, last))
    return Stretch(max(left, 0.0), min(right, 1.0), FILLS[item.cause], f"{item.cause}: {at(item.since)}")
