"""Pages as of a moment: what they say of it, links that stay there, and the way to another moment and back."""

from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response import Redirect

from api.as_of import only_now
from api.asking import Reading
from api.pages.answering import local_path
from api.pages.words import instant
from api.security import any_role

MOMENT = ("as_of", "as_of_position")
NOTHING_TO_DO = "Nothing can be done in the past."


class Shown(NamedTuple):
    """Which moment a page shows (`words` empty: the present), and where it is, as it is in the present."""

    here: str
    words: str = ""
    position: int = 0
    moment: tuple[tuple[str, str], ...] = ()

    @property
    def is_past(self) -> bool:
        """Is it another moment than now?"""
        return bool(self.words)

    def link(self, url: str) -> str:
        """The same address as of the same moment."""
        return f"{url}{'&' if '?' in url else '?'}{urlencode(self.moment)}" if self.moment else url


def shown(request: Request[Any, Any, Any], reading: Reading) -> Shown:
    """The moment of a page that is asked for."""
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    rest = urlencode([(name, value) for name, value in query if name not in MOMENT])
    here = f"{request.scope['path']}?{rest}" if rest else str(request.scope["path"])
    if reading.moment is None:
        return Shown(here)
    asked = tuple((name, value) for name, value in query if name in MOMENT)
    return Shown(here, instant(reading.moment.at), reading.moment.position, asked)


def refuse_past(reading: Reading) -> None:
    """Dialogs that ask for a decision are of the present."""
    only_now(reading.moment, NOTHING_TO_DO)


@get("/view-as-of", opt=any_role(page=True), include_in_schema=False, sync_to_thread=False)
def view_as_of(
    here: Annotated[str, QueryParameter(max_length=2000)] = "/",
    at: Annotated[str, QueryParameter(max_length=64, description="A local date and time, meant as UTC.")] = "",
) -> Redirect:
    """The same page at another moment; without one, now."""
    path = local_path(here)
    if not at:
        return Redirect(path)
    return Redirect(f"{path}{'&' if urlsplit(path).query else '?'}{urlencode({'as_of': _in_utc(at)})}")


def _in_utc(text: str) -> str:
    """What the browser's field gives; anything else is refused where it leads."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    except ValueError:
        return text
