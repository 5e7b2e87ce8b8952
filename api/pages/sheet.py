"""Lists as people read them: a table whose address holds the whole filter, a page at a time, or all of it as CSV."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlencode

from litestar import Request, Response
from litestar.params import QueryParameter

from api.asking import Reading
from api.pages.answering import html, viewer_of
from api.pages.model import Button, Viewer
from api.pages.past import MOMENT, shown
from api.paging import CSV, Cursor, export, to_the_end
from domain.colour import Colour
from projections.rows import Page

T = TypeVar("T")
PAGE = 50
IN_USE = ("In use", "retired", "false")
"""`Place.only` of things that can be retired."""
AsCsv = Annotated[
    Literal["csv"] | None, QueryParameter(name="format", description="The whole list, for a spreadsheet.")
]
__all__ = ("IN_USE", "AsCsv", "Cell", "Choice", "Column", "Cursor", "Place", "Search", "Sheet", "answer")


class Column(NamedTuple):
    """A column; a `wide` one is left out where the window is narrow."""

    title: str
    wide: bool = False


class Cell(NamedTuple):
    """One cell. `opens`: the address is a dialog; `at` stands for a text; `also`, `detail`: quiet lines below."""

    text: str = ""
    url: str | None = None
    opens: bool = False
    icon: str | None = None
    colour: Colour | None = None
    tone: str = ""
    mono: bool = False
    at: datetime | None = None
    only_day: bool = False
    also: str = ""
    detail: str = ""
    buttons: tuple[Button, ...] = ()

    @property
    def value(self) -> str:
        """As a spreadsheet takes it."""
        return self.at.isoformat() if self.at is not None else self.text


class Choice(NamedTuple):
    """A narrower or wider list, one click away."""

    words: str
    url: str
    selected: bool
    colour: Colour | None = None


class Search(NamedTuple):
    """A field to write into; `kind` as HTML names it."""

    name: str
    label: str
    placeholder: str = ""
    kind: str = "search"


class Sheet(NamedTuple):
    """A list: its name, its place, its columns."""

    title: str
    tab: str
    columns: tuple[Column, ...]
    lead: str = ""
    nothing: str = "There is nothing here yet."


class Place(NamedTuple):
    """Where a list is and what it is narrowed to, without page, form and moment."""

    path: str
    query: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, request: Request[Any, Any, Any]) -> "Place":
        """Of the address that was asked for."""
        given = parse_qsl(request.scope["query_string"].decode("latin-1"))
        return cls(str(request.scope["path"]), tuple(pair for pair in given if pair[0] not in _OF_THE_PAGE))

    @property
    def url(self) -> str:
        """The list itself."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def has(self, name: str, value: str) -> bool:
        """Is the list narrowed to this?"""
        return (name, value) in self.query

    def set(self, name: str, value: str | None) -> "Place":
        """With this value of the parameter and no other."""
        kept = tuple(pair for pair in self.query if pair[0] != name)
        return self._replace(query=kept if value is None else (*kept, (name, value)))

    def toggled(self, name: str, value: str) -> "Place":
        """With this value, or without it where it is there."""
        pair = (name, value)
        others = tuple(found for found in self.query if found != pair)
        return self._replace(query=others if pair in self.query else (*others, pair))

    def choice(self, words: str, name: str, value: str, colour: Colour | None = None) -> Choice:
        """A value that may be among others."""
        return Choice(words, self.toggled(name, value).url, self.has(name, value), colour)

    def only(self, words: str, name: str, value: str) -> Choice:
        """A value that stands alone."""
        return Choice(words, self.set(name, value).url, self.has(name, value))


_OF_THE_PAGE = frozenset({"cursor", "format", *MOMENT})


async def answer(
    request: Request[Any, Any, Any],
    reading: Reading,
    sheet: Sheet,
    ask: Callable[[int, str | None], Awaitable[Page[T]]],
    line: Callable[[T, Viewer], tuple[Cell, ...]],
    *,
    cursor: str | None,
    as_csv: str | None,
    choices: Iterable[Choice] = (),
    searches: Iterable[Search] = (),
    buttons: Iterable[Button] = (),
    links: Iterable[tuple[str, str]] = (),
    template: str = "sheet.html",
    **more: Any,
) -> Response[Any]:
    """One page of the list, or the whole list as CSV with the same columns.

    Beside the title `buttons` open dialogs, and `links` (words, address) lead to other pages. `template` extends that
    of sheets, and gets `more`.
    """
    moment, viewer = shown(request, reading), viewer_of(request)
    viewer = viewer.of_the_past() if moment.is_past else viewer
    titles = [column.title for column in sheet.columns]
    if as_csv:

        def values(item: T) -> dict[str, str]:
            return dict(zip(titles, (cell.value for cell in line(item, viewer)), strict=True))

        return _to_keep(await export(CSV, to_the_end(ask), values, titles), sheet)
    place, found = Place.of(request), await ask(PAGE, cursor)
    rows = [line(item, viewer) for item in found.items]
    return html(
        template,
        viewer=viewer,
        shown=moment,
        tab=sheet.tab,
        sheet=sheet,
        place=place,
        rows=rows,
        linked=any(cell.url or cell.buttons for row in rows for cell in row),
        choices=tuple(choices),
        searches=[(field, _written(place, field.name)) for field in searches],
        csv_url=place.set("format", "csv").url,
        next_url=place.set("cursor", found.next_cursor).url if found.next_cursor else None,
        buttons=tuple(buttons),
        links=tuple(links),
        **more,
    )


def _written(place: Place, name: str) -> str:
    return next((value for known, value in place.query if known == name), "")


def _to_keep(response: Response[Any], sheet: Sheet) -> Response[Any]:
    response.headers["Content-Disposition"] = f'attachment; filename="{sheet.tab}.csv"'
    return response
