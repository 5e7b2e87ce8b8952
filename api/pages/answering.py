"""How pages are answered: HTML with a strict policy, a dialog as a piece for htmx or as a page, a redirect."""

from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response
from litestar.response import Redirect

from api.pages.model import Viewer
from api.pages.rendering import environment
from api.positions import shown_position
from api.security import caller_of, csrf_token

AnyRequest = Request[Any, Any, Any]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Vary": "HX-Request",
}


def viewer_of(request: AnyRequest) -> Viewer:
    """Who looks at this page."""
    caller = caller_of(request)
    shown = shown_position(request.scope)
    csrf = csrf_token(request) or ""
    return Viewer(str(caller.principal_id), caller.name, caller.roles, csrf, position=shown, scoped=caller.scoped)


def html(template: str, *, status: int = 200, **values: Any) -> Response[str]:
    """A page, or a piece of one."""
    values.setdefault("viewer", None)
    values.setdefault("tab", None)
    values.setdefault("shown", None)
    text = environment().get_template(template).render(**values)
    return Response(text, status_code=status, media_type="text/html", headers=HEADERS)


def show_problem(problem: dict[str, Any], headers: dict[str, str]) -> Response[str]:
    """A problem as a page for people."""
    answer = html("problem.html", status=problem["status"], problem=problem)
    answer.headers.update(headers)
    return answer


def dialog(request: AnyRequest, body: str, **values: Any) -> Response[str]:
    """A dialog: a piece that htmx puts into the page, or the same as a page of its own. One that is only read may have
    `fresh`, its address, to be brought up to date by; as a page, it then needs a `tab`.
    """
    values.setdefault("what", ())
    values.setdefault("fresh", None)
    frame = "dialog_fragment.html" if is_htmx(request) else "dialog_page.html"
    return html(frame, dialog_body=body, viewer=viewer_of(request), **values)


def done(request: AnyRequest, where: str) -> Response[Any]:
    """A form was carried out: show the page it belongs to, as it is now."""
    if is_htmx(request):
        return Response(None, status_code=204, headers={"HX-Refresh": "true"})
    return Redirect(where, status_code=303)


def gone(request: AnyRequest, where: str) -> Response[Any]:
    """A form was carried out after which there is no page to go back to: show another one."""
    if is_htmx(request):
        return Response(None, status_code=204, headers={"HX-Redirect": where})
    return Redirect(where, status_code=303)


def is_htmx(request: AnyRequest) -> bool:
    """Does htmx ask?"""
    return "hx-request" in request.headers


def local_path(wanted: str) -> str:
    """A path on this service and nowhere else: signing in never sends anybody to another site."""
    parts = urlsplit(wanted)
    harmless = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if harmless else "/"
