"""Your account: the password, and where you are signed in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.asking import Command, Reading
from api.pages.answering import html, viewer_of
from api.pages.entering import WAIT_SECONDS, come_later, too_often
from api.pages.past import refuse_past
from api.problems import KINDS
from api.security import caller_of, signed_in
from application.house import Done
from application.sessions import end_session, end_sessions
from application.signing_in import change_password, sign_in_of
from domain.errors import Code, Refused
from domain.role_scope import role_words
from domain.session import EndReason, Proof
from domain.sign_in import LONGEST, SHORTEST
from projections.principals.view import SessionFilter, SessionRow

AnyRequest = Request[Any, Any, Any]
_MAY: dict[str, Any] = {"opt": signed_in(page=True), "include_in_schema": False}
_MOST = 100
_SAID = {
    "password": "Your password is changed. You are signed out everywhere else.",
    "ended": "The session is ended.",
    "alone": "You are signed out everywhere else.",
}
PROOFS: dict[Proof, str] = {
    Proof.PASSWORD: "password",
    Proof.INVITATION: "invitation",
    Proof.OIDC: "identity provider",
    Proof.TOKEN: "API token",
}


class SessionLine(NamedTuple):
    """One session of the list."""

    id: UUID
    opened_at: datetime
    expires_at: datetime
    address: str
    proof: str
    here: bool


@get("/account", **_MAY)
async def account(
    request: AnyRequest, reading: NamedDependency[Reading], said: FromQuery[str | None] = None
) -> Response[str]:
    """The page."""
    refuse_past(reading)
    caller = caller_of(request)
    narrow = SessionFilter(principal_id=(caller.principal_id,), ended=False, open_at=reading.now)
    found = await reading.views.principals.sessions(narrow, limit=_MOST)
    known = await sign_in_of(reading.services.house, caller.principal_id)
    return html(
        "account.html",
        viewer=viewer_of(request),
        tab="account",
        lines=session_lines(found.items, caller.session_id),
        password_set_at=known.password_set_at,
        said=_SAID.get(said or ""),
        roles=[
            *sorted(role.value for role in caller.roles),
            *sorted(role_words(each.role.value, each.scope) for each in caller.scoped),
        ],
    )


@get("/account/password", **_MAY)
async def password_page(request: AnyRequest, reading: NamedDependency[Reading]) -> Response[str]:
    """The form for another password."""
    refuse_past(reading)
    return _password_page(request, 200)


@post("/account/password", **_MAY)
async def set_password(request: AnyRequest, command: NamedDependency[Command]) -> Response[Any]:
    """Another password; every other session ends."""
    caller, form = command.caller, await request.form()
    current, password, again = (str(form.get(name) or "") for name in ("current", "password", "again"))
    if caller.session_id is None:
        return _password_page(request, 403, problem="Sign in at this page first.")
    if (wait := await too_often(request, command.services, f"password of {caller.principal_id}")) is not None:
        return come_later("password.html", wait, viewer=viewer_of(request), shortest=SHORTEST, longest=LONGEST)
    if password != again:
        return _password_page(request, 422, problem="The two new passwords differ.")
    await command.caught_up()
    try:
        done = await change_password(
            command.house,
            command.services.passwords,
            command.context,
            caller.principal_id,
            current,
            password,
            caller.session_id,
        )
    except Refused as refused:
        if refused.code is not Code.VALIDATION_FAILED:
            raise
        return _password_page(request, KINDS[refused.code].status, problem=refused.detail)
    return await _answer(command, done, "password")


@post("/account/sessions/{session_id:uuid}/end", **_MAY)
async def end_one(session_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[Any]:
    """Sign out elsewhere."""
    reason = EndReason.SIGNED_OUT_ELSEWHERE
    done = await end_session(command.house, command.context, command.caller.principal_id, session_id, reason)
    return await _answer(command, done, "ended")


@post("/account/sessions/end", **_MAY)
async def end_others(command: NamedDependency[Command]) -> Response[Any]:
    """Sign out everywhere else."""
    await command.caught_up()
    caller, reason = command.caller, EndReason.SIGNED_OUT_ELSEWHERE
    done = await end_sessions(command.house, command.context, caller.principal_id, reason, keep=caller.session_id)
    return await _answer(command, done, "alone")


async def _answer(command: Command, done: Done[Any], said: str) -> Response[Any]:
    await command.services.directory.reached(done.position, WAIT_SECONDS)
    command.acknowledged.note(done.position)
    return Redirect("/account", status_code=303, query_params={"said": said})


def _password_page(request: AnyRequest, status: int, problem: str | None = None) -> Response[str]:
    values = {"problem": problem, "shortest": SHORTEST, "longest": LONGEST, "tab": "account"}
    return html("password.html", status=status, viewer=viewer_of(request), **values)


def session_lines(rows: Sequence[SessionRow], here: UUID | None) -> list[SessionLine]:
    """Sessions as they are shown; `here` is the one of whoever looks."""
    return [
        SessionLine(
            row.id,
            row.state.opened_at,
            row.state.expires_at,
            row.state.address or "unknown",
            PROOFS[row.state.proof],
            row.id == here,
        )
        for row in rows
    ]


HANDLERS = [account, password_page, set_password, end_one, end_others]
