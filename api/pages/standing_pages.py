"""The pages of standing approvals: the list, one of them, and the dialogs to approve and to revoke it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from api.asking import Reading
from api.controllers.certificate_filter import Text
from api.controllers.standing_approvals import entry_of, matching
from api.pages import steps
from api.pages.answering import dialog, viewer_of
from api.pages.facts import Fact
from api.pages.model import Viewer
from api.pages.past import shown
from api.pages.people import who
from api.pages.policy_lists import new_links
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.pages.standing_words import PATH, STATES, STEPS, buttons, facts, window_words
from api.pages.steps import Subject
from api.pages.words import plural
from api.security import any_role
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


async def _subject(reading: Reading, standing_approval_id: UUID) -> Subject:
    found, what = await _told(reading, standing_approval_id)
    return Subject(found.version, f"{found.terms.name}.", what)


async def _told(reading: Reading, standing_approval_id: UUID) -> tuple[StandingApproval, tuple[Fact, ...]]:
    found = await entry_of(reading, standing_approval_id)
    rows = await reading.views.target_systems.get_many(found.terms.target_system_ids)
    return found, facts(found, {each: row.state.name for each, row in rows.items()}, reading)


_ONE = f"{PATH}/{{standing_approval_id:uuid}}"
HANDLERS = [
    standing_approval_list,
    standing_approval,
    *steps.handlers(STEPS, _ONE, _subject, name="standing_approval", back=PATH),
]
