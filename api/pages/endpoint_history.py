"""The page of an endpoint's history: what it was found to serve, from when until when, each with its events."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from api.asking import Reading
from api.controllers.endpoint_history import InStates, endpoint_history_filter
from api.failures import bad_parameter
from api.pages.history_address import history_of
from api.pages.model import Viewer
from api.pages.sheet import AsCsv, Cell, Column, Cursor, Place, Search, Sheet, answer
from api.pages.words import FINDINGS, state_words
from api.paging import pages
from api.security import any_role
from domain.connector_events import HandshakeEvidence, KeyProof, ValidationState
from projections.endpoint_history.view import EndpointState

SHEET = Sheet(
    "Endpoint history",
    "verification",
    (
        Column("From (UTC)"),
        Column("Until (UTC)"),
        Column("Endpoint"),
        Column("Server name", wide=True),
        Column("Result"),
        Column("Reason", wide=True),
        Column("Seen from", wide=True),
        Column("Address", wide=True),
        Column("Protocol", wide=True),
        Column("Served (SHA-256)", wide=True),
        Column("Expected (SHA-256)", wide=True),
        Column("Event"),
        Column("Ended by", wide=True),
    ),
    "Each state that an endpoint of a connector was in: what was seen, and the events that began and ended it. What "
    "began last comes first.",
    "No endpoint is looked at yet.",
)
SEARCHES = (
    Search("endpoint", "Endpoint", "10.0.0.1:443"),
    Search("server_name", "Server name", "www.example.org"),
    Search("connector_id", "Connector (id)"),
)
_CHOICES = (ValidationState.MATCHED, *FINDINGS)
Text = Annotated[str | None, QueryParameter(max_length=270)]


@get("/endpoint-history", opt=any_role(page=True), include_in_schema=False)
async def endpoint_history(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    endpoint: Text = None,
    server_name: Text = None,
    connector_id: FromQuery[str | None] = None,
    states: InStates = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """States by endpoint, server name and connector; a field that is left empty narrows nothing."""
    narrow = endpoint_history_filter(
        [endpoint] if endpoint else None, server_name or None, connector(connector_id), states
    )
    place = Place.of(request)
    choices = [place.choice(state_words(state), "state", state.value) for state in _CHOICES]
    ask = pages(reading.views.endpoint_history.list, narrow)
    return await answer(
        request, reading, SHEET, ask, _line, cursor=cursor, as_csv=as_csv, choices=choices, searches=SEARCHES
    )


def _line(found: EndpointState, viewer: Viewer) -> tuple[Cell, ...]:
    began, seen = found.began, found.began.evidence
    served = seen.served_fingerprint_sha256 if seen is not None else None
    return (
        Cell(at=began.since),
        Cell(at=found.until) if found.until is not None else Cell("lasts", tone="quiet"),
        Cell(began.endpoint, history_of(began.endpoint, began.server_name), mono=True),
        Cell(began.server_name or ""),
        result_cell(began.state),
        Cell((seen.reason or "").replace("_", " ") if seen else ""),
        vantage_cell(seen) if seen else Cell(),
        Cell((seen.address or "") if seen else "", mono=True),
        Cell((seen.protocol or "") if seen else ""),
        Cell(served or "", mono=True),
        Cell(began.expected_fingerprint_sha256 or "", mono=True),
        _event(began.from_position, began.began_by, viewer),
        _event(found.to_position, found.ended_by or "", viewer) if found.to_position is not None else Cell(),
    )


def _event(position: int, topic: str, viewer: Viewer) -> Cell:
    """The event's place in the ledger, where this person may read it."""
    url = f"/api/v1/audit-events/{position}" if viewer.sees_everything else None
    return Cell(str(position), url, detail=topic)


def vantage_cell(seen: HandshakeEvidence) -> Cell:
    """From where it was seen; of a bridge, which one, and how much of it is proven."""
    if seen.bridge_id is None:
        return Cell(seen.vantage.replace("-", " "))
    proven = {KeyProof.SIGNATURE: "signature checked here", KeyProof.BRIDGE_WORD: "by the bridge's word"}
    return Cell(seen.vantage, f"/bridges/{seen.bridge_id}", detail=proven[seen.proof] if seen.proof else "")


def result_cell(state: ValidationState) -> Cell:
    """A state with its icon."""
    if state in FINDINGS:
        return Cell(state_words(state), icon="alert-triangle", tone="bad")
    if state is ValidationState.MATCHED:
        return Cell(state_words(state), icon="circle-check", tone="good")
    return Cell(state_words(state), icon="hourglass", tone="quiet")


def connector(text: str | None) -> list[UUID] | None:
    """The connector of the form's field. Raises 422 for what is no id."""
    if not text:
        return None
    try:
        return [UUID(text.strip())]
    except ValueError:
        raise bad_parameter("connector_id", "Write the id of a connector.") from None
