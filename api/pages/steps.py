"""Steps that are asked for first: for each a button where it makes sense, a dialog, and what its answer carries out."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from api.asking import Command, Reading
from api.pages.answering import dialog, done
from api.pages.facts import Fact
from api.pages.forms import Form, context_of
from api.pages.model import Button, Viewer
from api.pages.past import refuse_past
from api.security import requires, signed_in
from application.house import Context, Done, House
from domain.entity import Meta
from domain.roles import Permission, ask

S = TypeVar("S")
WAIT_SECONDS = 2.0
UseCase = Callable[[House, Context, UUID, str | None], Awaitable[Done[Any]]]


class Step(NamedTuple, Generic[S]):
    """How one step is asked for. `fits`: does it make sense now; `check` raises Refused for whoever may not take it.

    `permission` None: everybody who is signed in, as far as the use case lets them. `comment_label`: what a comment is
    called. `admits`: it changes who is let in, and rests on what the read models show. `narrows`: see `requires`.
    """

    title: str
    sentence: str
    yes: str
    permission: Permission | None
    use_case: UseCase
    comment: bool = True
    comment_label: str = "Comment"
    admits: bool = False
    words: str = ""
    fits: Callable[[S], bool] = lambda _: True
    check: Callable[[S, Meta], object] = lambda state, _: state
    primary: bool = False
    narrows: bool = False


class Subject(NamedTuple):
    """What a dialog is about: a sentence or a name before the step's own sentence, facts, and the version that the
    answer holds for.
    """

    version: int
    words: str = ""
    what: tuple[Fact, ...] = ()


def without_comment(use_case: Callable[[House, Context, UUID], Awaitable[Done[Any]]]) -> UseCase:
    """A use case that takes none, as a step carries it out."""

    async def carry_out(house: House, context: Context, subject_id: UUID, _: str | None) -> Done[Any]:
        return await use_case(house, context, subject_id)

    return carry_out


def buttons(steps: Mapping[str, Step[S]], state: S, url: str, viewer: Viewer, reading: Reading) -> tuple[Button, ...]:
    """The steps that make sense now, and why this person may not take one; none in the past."""
    if viewer.past or reading.moment is not None:
        return ()
    meta = reading.context().meta
    asked = (
        (step, ask(name, viewer.roles, step.permission or Permission.READ, partial(step.check, state, meta)))
        for name, step in steps.items()
        if step.fits(state)
    )
    return tuple(
        Button(step.words, f"{url}/{found.action}", found.allowed, found.reason, step.primary) for step, found in asked
    )


def handlers(
    steps: Mapping[str, Step[Any]],
    path: str,
    subject: Callable[[Reading, UUID], Awaitable[Subject]],
    *,
    name: str,
    back: str | None = None,
) -> list[HTTPRouteHandler]:
    """For every step its dialog and the answer, below `path`, which ends in the parameter of an id or holds one.

    `subject` raises Problem for what there is not. `name` tells the routes apart. `back`: where the answer leads, the
    parameter written as in `path`; `path` itself where nothing else is said.
    """
    parameter = path.partition("{")[2].partition(":")[0]
    return [
        made
        for step_name, step in steps.items()
        for made in _pair(step, _Route(path, step_name, name, back or path, parameter), subject)
    ]


class _Route(NamedTuple):
    path: str
    step: str
    name: str
    back: str
    parameter: str

    def at(self, path: str, subject_id: UUID) -> str:
        return path.replace(f"{{{self.parameter}:uuid}}", str(subject_id))

    def of(self, request: Request[Any, Any, Any]) -> UUID:
        return UUID(str(request.path_params[self.parameter]))


def _pair(
    step: Step[Any], route: _Route, subject: Callable[[Reading, UUID], Awaitable[Subject]]
) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    path = f"{route.path}/{route.step}"
    writers = signed_in(page=True)
    if step.permission is not None:
        writers = requires(step.permission, page=True, narrows=step.narrows)

    @get(path, opt=writers, include_in_schema=False, name=f"page_{route.step}_{route.name}_dialog")
    async def ask_first(request: Request[Any, Any, Any], reading: NamedDependency[Reading]) -> Response[str]:
        refuse_past(reading)
        subject_id = route.of(request)
        found = await subject(reading, subject_id)
        action, back = route.at(path, subject_id), route.at(route.back, subject_id)
        sentence = f"{found.words} {step.sentence}".lstrip()
        asked, label = step.comment, step.comment_label
        form = Form(
            step.title, sentence, action, back, step.yes, version=found.version, comment=asked, comment_label=label
        )
        return dialog(request, "confirm.html", title=form.title, form=form, what=found.what)

    @post(path, opt=writers, include_in_schema=False, name=f"page_{route.step}_{route.name}")
    async def carry_out(request: Request[Any, Any, Any], command: NamedDependency[Command]) -> Response[Any]:
        form, subject_id = await request.form(), route.of(request)
        comment = str(form.get("comment") or "").replace("\r\n", "\n") or None
        if step.admits:
            await command.caught_up()
        outcome = await step.use_case(command.house, context_of(command, form), subject_id, comment)
        command.acknowledged.note(outcome.position)
        if step.admits:
            await command.services.directory.reached(outcome.position, WAIT_SECONDS)
        return done(request, route.at(route.back, subject_id))

    return ask_first, carry_out
