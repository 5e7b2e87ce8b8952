"""The pages of approval policies: those there are, and the versions of one."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from api.asking import Reading
from api.controllers.certificate_filter import Text
from api.pages.lasting import lasting
from api.pages.model import Viewer
from api.pages.people import who
from api.pages.policy_lists import edit_url, name_cell, new_links
from api.pages.sheet import IN_USE, AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.pages.words import plural
from api.paging import numbered, position_cursor
from api.registered import entry_of, pages_of
from api.security import any_role
from application.registers import Placed
from domain.approval_policy import BUILT_IN, BUILT_IN_BY, KIND, ApprovalTerms
from domain.register import Revision
from domain.roles import Permission
from projections.rows import Page

PATH = "/approval-policies"
LIST = Sheet(
    "Approval policies",
    "approval-policies",
    (
        Column("Name"),
        Column("For"),
        Column("Levels"),
        Column("Priority", wide=True),
        Column("How long", wide=True),
        Column("Version"),
        Column("Changed (UTC)", wide=True),
    ),
    "How many people must agree to a push, and who. The built-in ones count where no other policy matches.",
)
VERSIONS = (
    Column("Version"),
    Column("Since (UTC)"),
    Column("By"),
    Column("Name", wide=True),
    Column("For"),
    Column("Levels"),
    Column("Priority", wide=True),
    Column("How long", wide=True),
)
_OF_VERSIONS = "Work orders keep the version that they were requested under."


@get(PATH, opt=any_role(page=True), include_in_schema=False)
async def approval_policy_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    retired: FromQuery[bool | None] = None,
    q: Text = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Approval policies: the built-in ones, then oldest first."""

    def line(found: Placed[ApprovalTerms], viewer: Viewer) -> tuple[Cell, ...]:
        entry, terms = found.entry, found.entry.terms
        built_in = BUILT_IN.get(entry.id) is not None
        detail = "; ".join(filter(None, ("built in" if built_in else "", terms.description)))
        return (
            name_cell(terms.name, entry.retired, detail, edit_url(viewer, Permission.POLICIES, request, entry.id)),
            *_said(terms),
            Cell(str(entry.version), f"{PATH}/{entry.id}/versions"),
            _at(entry.revisions[-1]),
        )

    ask = pages_of(reading, KIND, retired=retired, q=q)
    now = reading.moment is None
    others = (Choice("Standing approvals", "/standing-approvals", selected=False),)
    preview = (Choice("Which one applies?", f"{PATH}/evaluate", selected=False),) if now else ()
    return await answer(
        request,
        reading,
        LIST,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=(*preview, *others, Place.of(request).only(*IN_USE)),
        searches=(Search("q", "Name", "Part of a name"),),
        links=new_links(request, reading, Permission.POLICIES, {"New policy": ""}),
    )


@get(f"{PATH}/{{approval_policy_id:uuid}}/versions", opt=any_role(page=True), include_in_schema=False)
async def approval_policy_versions(
    request: Request[Any, Any, Any],
    approval_policy_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """What one policy said, newest version first."""
    entry = await entry_of(reading, KIND, approval_policy_id)
    retired = f" It was retired on {entry.retired_at:%Y-%m-%d}." if entry.retired_at is not None else ""
    sheet = Sheet(f"Versions of {entry.terms.name}", LIST.tab, VERSIONS, f"{_OF_VERSIONS}{retired}")

    async def ask(limit: int, cursor: str | None) -> Page[Revision[ApprovalTerms]]:
        before = position_cursor(cursor, entry.version + 1)
        found = [each for each in reversed(entry.revisions) if each.version < before]
        return numbered(found, limit, lambda each: each.version)

    def line(found: Revision[ApprovalTerms], _: Viewer) -> tuple[Cell, ...]:
        name = Cell(found.terms.name, detail=found.terms.description)
        return Cell(str(found.version)), _at(found), Cell(who(found.by, reading)), name, *_said(found.terms)

    back = [("All policies", PATH)]
    return await answer(request, reading, sheet, ask, line, cursor=cursor, as_csv=as_csv, links=back)


def _at(found: Revision[ApprovalTerms]) -> Cell:
    """What was there from the beginning has no time."""
    return Cell("from the beginning", tone="quiet") if found.by == BUILT_IN_BY else Cell(at=found.at)


def _said(terms: ApprovalTerms) -> tuple[Cell, ...]:
    """For which pushes, how many levels of whom, its priority, for how long."""
    waits, holds = lasting(terms.request_expires_after), lasting(terms.approval_expires_after)
    return (
        Cell("; ".join(scope(terms))),
        Cell(levels(terms)),
        Cell(str(terms.priority)),
        Cell(f"a request waits {waits}, approvals hold {holds}"),
    )


def scope(terms: ApprovalTerms) -> Iterator[str]:
    """Every filter that is set, in words."""
    yield " and ".join(terms.actions)
    named: tuple[tuple[str, Sequence[str]], ...] = (
        ("certificates tagged", terms.certificate_tags),
        ("kinds", terms.target_kinds),
        ("target systems tagged", terms.target_tags),
    )
    yield from (f"{words} {', '.join(found)}" for words, found in named if found)
    if terms.target_system_ids:
        yield plural(len(terms.target_system_ids), "target system")


def levels(terms: ApprovalTerms) -> str:
    """`3 (level 2: operator)`."""
    if not terms.levels:
        return "0 (the system implements)"
    roles = [f"level {n}: {' or '.join(each)}" for n, each in enumerate(terms.level_roles, 1) if each]
    return f"{terms.levels} ({'; '.join(roles)})" if roles else str(terms.levels)


HANDLERS = [approval_policy_list, approval_policy_versions]
