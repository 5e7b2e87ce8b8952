"""What the issuance policies would say of an order: a form whose address holds the question. Nothing is ordered."""

from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from api.asking import Reading
from api.controllers.orders import parameters
from api.pages.answering import html, viewer_of
from api.pages.past import refuse_past
from api.problems import Problem
from api.schemas.orders import OrderBodyIn
from api.security import requires
from application.judging import judge_order
from application.ordering import check_order
from domain.errors import Refused
from domain.roles import Permission
from domain.violation import Violation

ALGORITHMS = ("ec-256", "ec-384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096")
USAGES = ("server", "client", "both")
_READERS = requires(Permission.ORDER, Permission.POLICIES, Permission.READ_EVERYTHING, page=True)
_Written = Annotated[str, QueryParameter(max_length=10_000)]


class Question(NamedTuple):
    """What was written into the form. `names`: separated by blanks, commas or lines."""

    common_name: str = ""
    names: str = ""
    key_algorithm: str = "ec-256"
    validity_days: str = "90"
    usage: str = "server"


class Verdict(NamedTuple):
    """What came of it. `refused`: the order is none at all."""

    refused: str | None = None
    violations: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()


@get("/issuance-policies/evaluate", opt=_READERS, include_in_schema=False)
async def evaluate(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    common_name: _Written = "",
    names: _Written = "",
    key_algorithm: FromQuery[str] = "ec-256",
    validity_days: FromQuery[str] = "90",
    usage: FromQuery[str] = "server",
) -> Response[str]:
    """The form, and beside it the answer to what was asked."""
    refuse_past(reading)
    question = Question(common_name, names, key_algorithm, validity_days, usage)
    return html(
        "evaluate.html",
        viewer=viewer_of(request),
        tab="issuance-policies",
        question=question,
        verdict=await _verdict(reading, question) if common_name or names else None,
        algorithms=ALGORITHMS,
        usages=USAGES,
    )


async def _verdict(reading: Reading, question: Question) -> Verdict:
    house, issuers = reading.services.house, reading.services.issuers
    try:
        wish = await check_order(house, issuers, parameters(_order(question)))
        found = (await judge_order(house, reading.context().actor, issuers, wish)).judgement
    except Refused as refused:
        return Verdict(refused.detail)
    except Problem as problem:
        return Verdict(problem.detail)
    return Verdict(None, tuple(found.violations), tuple(found.warnings))


def _order(question: Question) -> OrderBodyIn:
    given = {
        "mode": "automated",
        "common_name": question.common_name.strip(),
        "subject_alternative_names": question.names.replace(",", " ").split(),
        "key_algorithm": question.key_algorithm,
        "validity_days": question.validity_days,
        "usage": question.usage,
    }
    try:
        return msgspec.convert(given, OrderBodyIn, strict=False)
    except msgspec.ValidationError as error:
        raise Problem("validation-failed", f"This is no order: {error}.") from None
