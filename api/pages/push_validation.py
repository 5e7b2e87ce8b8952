"""The page of the Push Validation Report and its trends."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from api.asking import Reading
from api.pages.answering import html, viewer_of
from api.pages.asking import DAY, Field, Option, day_of, page_reading, window_fields
from api.reporting.counting import Named, names, now_of, only_of, pushes
from api.reporting.document import Document, words
from api.reporting.push_validation import BY, NAME, document
from api.reporting.scoping import windowed
from api.security import any_role
from projections.push_validation.report import Only, Report, groups
from projections.push_validation.view import PushOutcome
from projections.reading.apart import apart

Chosen = FromQuery[list[str] | None]


async def page_narrowing(
    outcome: Chosen = None,
    day: Chosen = None,
    target: Chosen = None,
    bridge: Chosen = None,
    driver: Chosen = None,
    cause: Chosen = None,
) -> Only:
    """What the form narrows the report to: an empty field narrows nothing, and nothing is what no push has."""
    given = {"outcome": outcome, "day": day, "target": target, "bridge": bridge, "driver": driver, "cause": cause}
    return only_of(**{name: [key for key in keys or () if key] for name, keys in given.items()})


@get(
    f"/reports/{NAME}",
    opt=any_role(page=True),
    include_in_schema=False,
    dependencies={"reading": Provide(page_reading), "only": Provide(page_narrowing)},
)
async def push_validation_page(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    only: NamedDependency[Only],
    since: Annotated[str | None, QueryParameter(name="from", max_length=64)] = None,
    until: Annotated[str | None, QueryParameter(name="to", max_length=64)] = None,
    as_of_position: FromQuery[str | None] = None,
) -> Response[str]:
    """Push validation."""
    window = windowed(now_of(reading), day_of(since, "from"), day_of(until, "to", DAY))
    found = await pushes(reading.views, window, only)
    named = await names(reading.views, found)

    def work() -> tuple[Document, tuple[Field, ...]]:
        counted = found.counted()
        return document(counted, found.scope, only, named), tuple(_fields(counted, only, named))

    shown, choices = await apart(work)
    fields = (*window_fields(found.scope, as_of_position), *choices)
    return html("report.html", viewer=viewer_of(request), tab="reports", document=shown, fields=fields)


def _fields(report: Report, only: Only, named: Named) -> Iterator[Field]:
    """What the report can be narrowed to further; where it is, that is offered beside everything."""
    yield _field("outcome", "Outcome", [outcome.value for outcome in PushOutcome], only, named)
    for by, label in BY.items():
        yield _field(by, label.capitalize(), [group.key for group in groups(report.items, by)], only, named)
    yield _field("cause", "Cause", [group.key for group in groups(report.items, "cause")], only, named)


def _field(name: str, label: str, keys: Collection[str], only: Only, named: Named) -> Field:
    chosen = only.get(name, ())
    known = sorted({*keys, *chosen}, key=lambda key: (named.get(key, key), key))
    options = tuple(Option(key, named.get(key, words(key)), key in chosen) for key in known)
    several = len(chosen) > 1
    return Field(name, label, "select", options=(Option("", "all", not chosen), *options), several=several)


HANDLERS = [push_validation_page]
