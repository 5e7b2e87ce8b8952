"""Editors: one page with a form to create something or to change it, and a dialog to retire it.

What is wrong is said beside the field, with everything as it was written; secrets alone are asked for again.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.asking import SECRET_ANSWER, Command, Reading
from api.body import locate, refuse_nul
from api.pages.answering import dialog, gone, html, viewer_of
from api.pages.fields import Raw, Section, placed
from api.pages.forms import Form, context_of, version_of
from api.pages.past import refuse_past
from api.problems import KINDS, Problem
from api.security import requires
from application.house import Context
from domain.errors import Code, Refused
from domain.roles import Permission

T = TypeVar("T")
_SHOWN = (Code.VALIDATION_FAILED, Code.ALREADY_EXISTS, Code.VERSION_CONFLICT, Code.INVALID_TRANSITION)


class Known(NamedTuple):
    """What is to be changed, as its form holds it."""

    name: str
    version: int
    raw: dict[str, tuple[str, ...]]


def _never(_: UUID) -> bool:
    return False


class Upkeep(NamedTuple):
    """How things are changed and, unless `retire` is None, retired. `lasting`: is this one never retired? `page`: is
    there a page of one, to which its form leads back?
    """

    load: Callable[[Reading, UUID], Awaitable[Known]]
    retire: Callable[[Command, Context, UUID], Awaitable[int]] | None = None
    retired_means: str = ""
    lasting: Callable[[UUID], bool] = _never
    page: bool = False


class Made(NamedTuple):
    """Something whose secret is shown this once, instead of the way back: template and values of a dialog."""

    position: int
    template: str
    values: dict[str, Any]


class Editor(NamedTuple):
    """One kind of thing. `sections`: the form with what stands in it, and with problems at its fields; `save`: creates
    it where there is no id. `upkeep` None: once made, it is never changed. `more`: what a button adds to the form, ""
    where nothing can be added. `named`: a field that begins with the name of the principal in the address.
    """

    path: str
    words: str
    permission: Permission
    blank: Callable[[Raw], dict[str, tuple[str, ...]]]
    names: Callable[[Raw], list[str]]
    sections: Callable[[Raw, dict[str, str]], list[Section]]
    save: Callable[[Command, Context, UUID | None, Raw], Awaitable[int | Made]]
    upkeep: Upkeep | None = None
    more: str = ""
    named: str = ""


def convert(value: object, kind: type[T]) -> T:
    """The value as the API would read it. Raises Refused with the pointer of what is wrong."""
    try:
        refuse_nul(value)
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        pointer, sentence = locate(str(error))
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer) from None


def handlers(editor: Editor) -> list[HTTPRouteHandler]:
    """The routes of an editor."""
    if editor.upkeep is None:
        return [*_creating(editor)]
    retire = editor.upkeep.retire
    retiring = _retiring(editor, editor.upkeep, retire) if retire is not None else ()
    return [*_creating(editor), *_changing(editor, editor.upkeep), *retiring]


def _creating(editor: Editor) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    access: dict[str, Any] = {"opt": requires(editor.permission, page=True), "include_in_schema": False}
    path = f"{editor.path}/new"

    @get(path, **access, name=f"page_new{editor.path}")
    async def begin(
        request: Request[Any, Any, Any],
        reading: NamedDependency[Reading],
        kind: FromQuery[str | None] = None,
        principal_id: FromQuery[UUID | None] = None,
    ) -> Response[str]:
        refuse_past(reading)
        raw = editor.blank(_raw({"kind": (kind,)} if kind is not None else {}))
        if editor.named and principal_id is not None:
            raw |= {editor.named: (reading.services.directory.name_of(str(principal_id)) or "",)}
        return _page(request, editor, None, f"New {editor.words}", _raw(raw))

    @post(path, **access | {"opt": access["opt"] | SECRET_ANSWER}, name=f"page_create{editor.path}")
    async def create(request: Request[Any, Any, Any], command: NamedDependency[Command]) -> Response[Any]:
        return await _saved(request, command, editor, None)

    return begin, create


def _changing(editor: Editor, upkeep: Upkeep) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    access: dict[str, Any] = {"opt": requires(editor.permission, page=True), "include_in_schema": False}
    template = f"{editor.path}/{{entry_id:uuid}}/edit"

    @get(template, **access, name=f"page_edit{editor.path}")
    async def edit(
        request: Request[Any, Any, Any], entry_id: FromPath[UUID], reading: NamedDependency[Reading]
    ) -> Response[str]:
        refuse_past(reading)
        known = await upkeep.load(reading, entry_id)
        return _page(request, editor, entry_id, known.name, _raw(known.raw), version=known.version)

    @post(template, **access, name=f"page_change{editor.path}")
    async def change(
        request: Request[Any, Any, Any], entry_id: FromPath[UUID], command: NamedDependency[Command]
    ) -> Response[Any]:
        return await _saved(request, command, editor, entry_id)

    return edit, change


def _retiring(
    editor: Editor, upkeep: Upkeep, retire_one: Callable[[Command, Context, UUID], Awaitable[int]]
) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    access: dict[str, Any] = {"opt": requires(editor.permission, page=True), "include_in_schema": False}
    template = f"{editor.path}/{{entry_id:uuid}}/retire"

    @get(template, **access, name=f"page_retire{editor.path}_dialog")
    async def ask(
        request: Request[Any, Any, Any], entry_id: FromPath[UUID], reading: NamedDependency[Reading]
    ) -> Response[str]:
        refuse_past(reading)
        known = await upkeep.load(reading, entry_id)
        title, action = f"Retire {known.name}", f"{editor.path}/{entry_id}/retire"
        back, version = f"{editor.path}/{entry_id}/edit", known.version
        form = Form(title, upkeep.retired_means, action, back, "Retire", version=version, comment=False)
        return dialog(request, "confirm.html", title=title, form=form)

    @post(template, **access, name=f"page_retire{editor.path}")
    async def retire(
        request: Request[Any, Any, Any], entry_id: FromPath[UUID], command: NamedDependency[Command]
    ) -> Response[Any]:
        form = await request.form()
        context = context_of(command, form)
        command.acknowledged.note(await retire_one(command, context, entry_id))
        return gone(request, editor.path)

    return ask, retire


async def _saved(
    request: Request[Any, Any, Any], command: Command, editor: Editor, entry_id: UUID | None
) -> Response[Any]:
    """Carry the form out, or show it again."""
    form = await request.form()
    held = {name: tuple(map(str, form.getall(name))) for name in form}
    version, raw = version_of(form.get("version")), _raw(held)
    title = f"New {editor.words}" if entry_id is None else f"Change {held.get('name', ('',))[0] or editor.words}"
    if form.get("more"):
        longer = tuple(map(str, range(len(raw("section")) + 1)))
        return _page(request, editor, entry_id, title, _raw(held | {"section": longer}), version=version)
    context = msgspec.structs.replace(command.context, if_match=version)
    try:
        saved = await editor.save(command, context, entry_id, raw)
    except Refused as refused:
        if refused.code not in _SHOWN:
            raise
        problems = [(refused.pointer or "", refused.detail)]
        return _page(request, editor, entry_id, title, raw, version=version, problems=problems, code=refused.code)
    except Problem as problem:
        told = [(each.pointer, each.detail) for each in problem.errors] or [("", problem.detail)]
        return _page(request, editor, entry_id, title, raw, version=version, problems=told, code=problem.slug)
    if isinstance(saved, Made):
        command.acknowledged.note(saved.position)
        return dialog(request, saved.template, **saved.values)
    command.acknowledged.note(saved)
    return Redirect(_back(editor, entry_id), status_code=303)


def _back(editor: Editor, entry_id: UUID | None) -> str:
    has_page = entry_id is not None and editor.upkeep is not None and editor.upkeep.page
    return f"{editor.path}/{entry_id}" if has_page else editor.path


def _page(
    request: Request[Any, Any, Any],
    editor: Editor,
    entry_id: UUID | None,
    title: str,
    raw: Raw,
    *,
    version: int | None = None,
    problems: Sequence[tuple[str, str]] = (),
    code: str | None = None,
) -> Response[str]:
    at_fields, others = placed(problems, editor.names(raw))
    place = f"{editor.path}/{entry_id}"
    upkeep = editor.upkeep if editor.upkeep is not None and editor.upkeep.retire is not None else None
    retirable = entry_id is not None and upkeep is not None and not upkeep.lasting(entry_id)
    return html(
        "editor.html",
        status=KINDS[code].status if code is not None else 200,
        viewer=viewer_of(request),
        tab=editor.path.removeprefix("/"),
        editor=editor,
        back=_back(editor, entry_id),
        title=title,
        action=f"{editor.path}/new" if entry_id is None else f"{place}/edit",
        version=version,
        retire_url=f"{place}/retire" if retirable else None,
        sections=editor.sections(raw, at_fields),
        kept=raw("kind"),
        numbers=raw("section"),
        problems=others,
        flawed=bool(at_fields),
    )


def _raw(held: dict[str, tuple[str, ...]]) -> Raw:
    return lambda name: held.get(name, ())
