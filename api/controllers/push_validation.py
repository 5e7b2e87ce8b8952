"""The Push Validation Report, and its trends."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.asking import Reading
from api.reporting.answering import HTML, Format, chosen, written
from api.reporting.counting import COUNTED, Pushes, names
from api.reporting.push_forms import as_bytes
from api.schemas.verification import PushValidationBody
from api.security import any_role
from projections.push_validation.report import GroupBy
from projections.reading.apart import apart


@get("/reports/push-validation", opt=any_role(), dependencies=COUNTED)
async def get_push_validation_report(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    pushes: NamedDependency[Pushes],
    group_by: FromQuery[GroupBy | None] = None,
    format: Format = None,  # noqa: A002 - its name in the URL
) -> Response[PushValidationBody]:
    """The Push Validation Report: the proportion of successful and failed push operations of a window."""
    wanted = chosen(request, format)
    named = await names(reading.views, pushes) if wanted == HTML else {}

    found = await apart(lambda: as_bytes(pushes, named, wanted, group_by))
    return written(found, wanted, pushes.scope)


HANDLERS = [get_push_validation_report]
