"""The Push Validation Report, and its trends."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.asking import Reading
from api.paging import JSON
from api.presenters.verification import push_validation
from api.reporting.answering import HTML, Format, as_csv, as_json, chosen, written
from api.reporting.counting import COUNTED, Pushes, names
from api.reporting.printing import standalone
from api.reporting.push_validation import document
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
    named = await names(reading, pushes) if wanted == HTML else {}

    def work() -> bytes:
        counted = pushes.counted(group_by)
        if wanted == HTML:
            return standalone(document(counted, pushes.scope, pushes.only, named)).encode()
        body = push_validation(counted)
        return as_json(body) if wanted == JSON else as_csv(body)

    return written(await apart(work), wanted, pushes.scope)


HANDLERS = [get_push_validation_report]
