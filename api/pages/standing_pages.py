"""The pages of standing approvals: the list, one of them, and the dialogs to approve and to revoke it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from api.asking import Command, Reading
from api.controllers.certificate_filter import Text
from api.controllers.standing_approvals import entry_of, matching
from api.pages.answering import dialog, done, viewer_of
from api.pages.facts import Fact
from api.pages.forms import Form, context_of
from api.pages.model import Viewer
from api.pages.past import refuse_past, shown
from api.pages.people import who
from api.pages.policy_lists import new_links
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.pages.standing_words import PATH, STATES, buttons, facts, window_words
from api.pages.words import plural
from api.security import any_role, requires
from application.house import Context, Done, House
from application.standing import approve_standing_approval, revoke_standing_approval
from domain.roles import Permission
from domain.standing_approval import StandingApproval, StandingStatus

LIST = Sheet(
    "Standing approvals",
    "standing-approvals",
    (
        Column("Name"),
        Column("State"),
        Column("Names"),
        Column("Target systems"),
        Column("Window", wide=True),
        Column("Until (UTC)"),
        Column("Proposed by", wide=True),
        Column("Next step"),
    ),
    "Two people agree in advance that renewals are pushed without further clicks.",
    "No standing approval: every renewal's push waits for its ordinary approvals.",
)


@get(PATH, opt=any_role(page=True), include_in_schema=False)
async def standing_approval_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    status: FromQuery[list[StandingStatus] | None] = None,
    q: Text = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Standing approvals, oldest first."""

    def line(found: tuple[int, StandingApproval], viewer: Viewer) -> tuple[Cell, ...]:
        each, terms = found[1], found[1].terms
        words, icon, tone = STATES[each.status(reading.now)]
        return (
            Cell(terms.name, f"{PATH}/{each.id}", opens=True, detail=terms.description),
            Cell(words, icon=icon, tone=tone),
            Cell(", ".join(terms.names)),
            Cell(plural(len(terms.target_system_ids), "target system")),
            Cell(window_words(terms.window)),
            Cell(at=terms.expires_at),
            Cell(who(each.proposed.by, reading)),
            Cell(buttons=buttons(each, viewer, reading)),
        )

    place = Place.of(request)
    return await answer(
        request,
        reading,
        LIST,
        matching(reading, status, q),
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=(
            Choice("Approval policies", "/approval-policies", selected=False),
            *(place.choice(STATES[each][0], "status", each.value) for each in StandingStatus),
        ),
        searches=(Search("q", "Name", "Part of a name"),),
        links=new_links(request, reading, Permission.STANDING_APPROVALS, {"Propose one": ""}),
    )


@get(f"{PATH}/{{standing_approval_id:uuid}}", opt=any_role(page=True), include_in_schema=False)
async def standing_approval(
    request: Request[Any, Any, Any], standing_approval_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[str]:
    """What one of them says, who agreed to it, and what can be done with it."""
    found, what = await _told(reading, standing_approval_id)
    moment, viewer = shown(request, reading), viewer_of(request)
    viewer = viewer.of_the_past() if moment.is_past else viewer
    return dialog(
        request,
        "standing.html",
        title=found.terms.name,
        shown=moment,
        found=found,
        what=what,
        state=STATES[found.status(reading.now)],
        buttons=buttons(found, viewer, reading),
    )


class Step(NamedTuple):
    """How one step is asked for."""

    title: str
    sentence: str
    yes: str
    use_case: Callable[[House, Context, UUID], Awaitable[Done[StandingApproval]]]


STEPS: dict[str, Step] = {
    "approve": Step(
        "Approve the standing approval",
        "From now on the pushes of renewals that match all of this go ahead without asking anybody.",
        "Yes, approve",
        approve_standing_approval,
    ),
    "revoke": Step(
        "Revoke the standing approval",
        "Nothing more is pushed under it, and what waits for its window expires. What runs already goes on.",
        "Revoke",
        revoke_standing_approval,
    ),
}


def step_handlers() -> list[HTTPRouteHandler]:
    """A dialog and its answer for every step."""
    return [made for name, step in STEPS.items() for made in _handlers(name, step)]


def _handlers(name: str, step: Step) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    path, writers = f"{PATH}/{{standing_approval_id:uuid}}/{name}", requires(Permission.STANDING_APPROVALS, page=True)

    @get(path, opt=writers, include_in_schema=False, name=f"page_{name}_standing_approval_dialog")
    async def ask(
        request: Request[Any, Any, Any], standing_approval_id: FromPath[UUID], reading: NamedDependency[Reading]
    ) -> Response[str]:
        refuse_past(reading)
        found, what = await _told(reading, standing_approval_id)
        action = f"{PATH}/{standing_approval_id}/{name}"
        sentence = f"{found.terms.name}. {step.sentence}"
        form = Form(step.title, sentence, action, PATH, step.yes, version=found.version, comment=False)
        return dialog(request, "confirm.html", title=form.title, form=form, what=what)

    @post(path, opt=writers, include_in_schema=False, name=f"page_{name}_standing_approval")
    async def carry_out(
        request: Request[Any, Any, Any], standing_approval_id: FromPath[UUID], command: NamedDependency[Command]
    ) -> Response[Any]:
        context = context_of(command, await request.form())
        command.acknowledged.note((await step.use_case(command.house, context, standing_approval_id)).position)
        return done(request, PATH)

    return ask, carry_out


async def _told(reading: Reading, standing_approval_id: UUID) -> tuple[StandingApproval, tuple[Fact, ...]]:
    found = await entry_of(reading, standing_approval_id)
    rows = await reading.views.target_systems.get_many(found.terms.target_system_ids)
    return found, facts(found, {each: row.state.name for each, row in rows.items()}, reading)


HANDLERS = [standing_approval_list, standing_approval, *step_handlers()]
