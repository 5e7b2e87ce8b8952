"""The history of endpoints in SQL."""

from projections.columns import Type
from projections.endpoint_history.view import Began, EndpointHistoryFilter, EndpointState
from projections.reading.postgres import Reader
from projections.reading.queries import Where, document_decoder
from projections.rows import BadCursor, Cursor, Page, decode_cursor, page

# A page of states; a state ends with the connector's next event that says something of the endpoint.
STATES = """
SELECT e.doc, n.position, n.at, n.topic FROM (
    SELECT s.doc, s.position, s.endpoint, s.connector_id FROM read.endpoint_states s{where}
    ORDER BY s.position DESC, s.endpoint DESC LIMIT %b::bigint
) e LEFT JOIN LATERAL (
    SELECT l.position, l.at, l.topic FROM read.endpoint_states l
    WHERE l.connector_id = e.connector_id AND l.endpoint = e.endpoint AND l.position > e.position
    ORDER BY l.position LIMIT 1
) n ON true
ORDER BY e.position DESC, e.endpoint DESC
"""
_SORT = "-position"


class PostgresEndpointHistory:
    """projections.endpoint_history.view.EndpointHistory."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._began = document_decoder(Began)

    async def list(
        self, narrow: EndpointHistoryFilter = EndpointHistoryFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[EndpointState]:
        where = _after(_where(narrow), cursor)
        rows = await self._reader.rows(STATES.format(where=where), [*where.parameters, limit + 1])
        found = [
            EndpointState(began=self._began(doc), until=at, to_position=position, ended_by=topic)
            for doc, position, at, topic in rows
        ]
        return page(found, limit, _cursor_of)


def _where(narrow: EndpointHistoryFilter) -> Where:
    where = Where().add("s.state IS NOT NULL").among("s.endpoint", Type.TEXT, narrow.endpoint)
    if narrow.server_name is not None:
        where.add("s.server_name = %b::text", narrow.server_name)
    where.among("s.connector_id", Type.UUID, narrow.connector_id)
    return where.among("s.state", Type.TEXT, narrow.state)


def _after(where: Where, cursor: str | None) -> Where:
    """Endpoints of one connector may change together: the endpoint tells rows of one position apart."""
    if cursor is None:
        return where
    position, _, endpoint = decode_cursor(cursor, _SORT).value.partition(" ")
    known = position.isascii() and position.isdecimal() and len(position) < 19
    if not known or not endpoint.isascii() or not endpoint.isprintable():
        raise BadCursor("this cursor was not made by this list")
    return where.add("(s.position, s.endpoint) < (%b::bigint, %b::text)", int(position), endpoint)


def _cursor_of(found: EndpointState) -> Cursor:
    began = found.began
    return Cursor(_SORT, f"{began.from_position} {began.endpoint}", began.connector_id)
