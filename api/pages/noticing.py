"""A revocation that its CA does not know of: have the CA told again, or say that you told it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from api.asking import Command, Reading
from api.pages.answering import dialog, done
from api.pages.forms import Form, context_of
from api.pages.past import refuse_past
from api.problems import Problem
from api.security import requires
from application.ca_informing import retry_ca, told_ca
from application.house import Context, Done, House, Loaded
from domain.certificate import Certificate
from domain.roles import Permission

UseCase = Callable[[House, Context, UUID, str | None], Awaitable[Done[Loaded[Certificate]]]]


class Step(NamedTuple):
    """How one step is asked for."""

    title: str
    sentence: str
    yes: str
    use_case: UseCase


STEPS: dict[str, Step] = {
    "retry": Step("Tell the CA again", "The CA is told of the revocation once more.", "Tell it again", retry_ca),
    "told": Step(
        "The CA was told",
        "You say that you told the CA of the revocation yourself. Nothing is left to be done then.",
        "I told it",
        told_ca,
    ),
}


def step_handlers() -> list[HTTPRouteHandler]:
    """A dialog and its answer for every step."""
    return [made for name, step in STEPS.items() for made in _handlers(name, step)]


def _handlers(name: str, step: Step) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    path = f"/certificates/{{certificate_id:uuid}}/revocation-notice/{name}"
    writers = requires(Permission.REVOKE, page=True)

    @get(path, opt=writers, include_in_schema=False, name=f"page_{name}_notice_dialog")
    async def ask(
        request: Request[Any, Any, Any], certificate_id: FromPath[UUID], reading: NamedDependency[Reading]
    ) -> Response[str]:
        refuse_past(reading)
        row = await reading.views.inventory.get(certificate_id)
        if row is None:
            raise Problem("not-found", f"There is no certificate {certificate_id}.")
        said = f" {row.state.ca_notice.message}" if row.state.ca_notice is not None else ""
        sentence = f"{row.state.facts.common_name} is revoked here.{said} {step.sentence}"
        back = f"/certificates/{certificate_id}"
        form = Form(step.title, sentence, f"{back}/revocation-notice/{name}", back, step.yes, version=row.version)
        return dialog(request, "confirm.html", title=form.title, form=form)

    @post(path, opt=writers, include_in_schema=False, name=f"page_{name}_notice")
    async def carry_out(
        request: Request[Any, Any, Any], certificate_id: FromPath[UUID], command: NamedDependency[Command]
    ) -> Response[Any]:
        form = await request.form()
        context = context_of(command, form)
        comment = str(form.get("comment") or "").replace("\r\n", "\n") or None
        outcome = await step.use_case(command.house, context, certificate_id, comment)
        command.acknowledged.note(outcome.position)
        return done(request, f"/certificates/{certificate_id}")

    return ask, carry_out
