"""The pages of target systems and of bridges."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide

from api.asking import Reading
from api.controllers.bridges import bridge_filter
from api.controllers.target_systems import target_system_filter
from api.last_seen import LastSeen
from api.pages.model import Viewer
from api.pages.sheet import IN_USE, AsCsv, Cell, Column, Cursor, Place, Search, Sheet, answer
from api.pages.words import BRIDGE_WORDS, TARGET_ICONS
from api.paging import pages
from api.security import any_role
from bridge.protocol import KINDS
from domain.bridge import Bridge, BridgeStatus
from projections.bridges.view import BridgeFilter, BridgeRow
from projections.rows import Page
from projections.target_systems.view import TargetSystemFilter, TargetSystemRow

TARGETS = Sheet(
    "Target systems",
    "target-systems",
    (
        Column("Name"),
        Column("Kind"),
        Column("Bridge"),
        Column("Endpoints", wide=True),
        Column("Tags", wide=True),
        Column("Test Connection"),
        Column("Certificates"),
    ),
    "Devices that certificates are installed on.",
    "No target system yet. Register one over the API.",
)
BRIDGES = Sheet(
    "Bridges",
    "bridges",
    (
        Column("Name"),
        Column("State"),
        Column("Last seen (UTC)"),
        Column("Version", wide=True),
        Column("Its certificate ends (UTC)", wide=True),
        Column("Target systems"),
    ),
    "Agents near the targets. They ask for work; nobody connects to them.",
    "No bridge yet. Add one over the API: its enrolment token is shown once.",
)
BEHIND = Sheet(
    "Bridge",
    "bridges",
    tuple(column for column in TARGETS.columns if column.title != "Bridge"),
    "Target systems behind it.",
    "No target system is behind it.",
)
"""The target systems of one bridge."""
_NAMED = (Search("q", "Name", "Part of a name"),)


@get(
    "/target-systems",
    opt=any_role(page=True),
    include_in_schema=False,
    dependencies={"narrow": Provide(target_system_filter, sync_to_thread=False)},
)
async def target_system_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[TargetSystemFilter],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Target systems by name."""
    names: dict[Any, str] = {}

    async def ask(limit: int, after: str | None) -> Page[TargetSystemRow]:
        found = await reading.views.target_systems.list(narrow, limit=limit, cursor=after)
        bridges = await reading.views.bridges.get_many(list({row.state.bridge_id for row in found.items}))
        names.update((bridge_id, row.state.name) for bridge_id, row in bridges.items())
        return found

    def line(row: TargetSystemRow, _: Viewer) -> tuple[Cell, ...]:
        bridge_id = row.state.bridge_id
        name, kind, *rest = target_cells(row)
        return name, kind, Cell(names.get(bridge_id, str(bridge_id)), f"/bridges/{bridge_id}"), *rest

    place = Place.of(request)
    return await answer(
        request,
        reading,
        TARGETS,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=(*(place.choice(kind, "kind", kind) for kind in KINDS), place.only(*IN_USE)),
        searches=_NAMED,
    )


def target_cells(row: TargetSystemRow) -> tuple[Cell, ...]:
    """A target system, without its bridge."""
    target, kind = row.state, row.state.settings.kind
    return (
        Cell(target.name, icon=TARGET_ICONS.get(kind, "server"), detail="retired" if target.retired else ""),
        Cell(kind, detail="cloud" if target.settings.cloud else ""),
        Cell(", ".join(target.settings.endpoints)),
        Cell(", ".join(target.tags)),
        _tested(row),
        Cell("show", f"/certificates?target_system_id={row.id}"),
    )


def _tested(row: TargetSystemRow) -> Cell:
    healthy, message = row.state.last_test_healthy, row.state.last_test_message or ""
    if healthy is None:
        return Cell("not tested", tone="quiet")
    if healthy:
        return Cell("Passed", icon="circle-check", tone="good")
    return Cell("Failed", icon="circle-x", tone="bad", detail=message)


@get(
    "/bridges",
    opt=any_role(page=True),
    include_in_schema=False,
    dependencies={"narrow": Provide(bridge_filter, sync_to_thread=False)},
)
async def bridge_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[BridgeFilter],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Bridges by name."""
    seen: LastSeen = request.app.state.last_seen

    ask = pages(reading.views.bridges.list, narrow)

    def line(row: BridgeRow, _: Viewer) -> tuple[Cell, ...]:
        bridge, (words, icon, tone) = row.state, BRIDGE_WORDS[row.state.status]
        return (
            Cell(bridge.name, f"/bridges/{row.id}", detail=_waits(bridge)),
            Cell(words, icon=icon, tone=tone),
            Cell(at=seen.of(row.id) if reading.moment is None else None),  # no history of it
            Cell(bridge.version or ""),
            Cell(at=bridge.certificate_not_after),
            Cell("show", f"/target-systems?bridge_id={row.id}"),
        )

    place = Place.of(request)
    return await answer(
        request,
        reading,
        BRIDGES,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=(place.choice(BRIDGE_WORDS[status][0], "status", status.value) for status in BridgeStatus),
        searches=_NAMED,
    )


def _waits(bridge: Bridge) -> str:
    return "waits for a second person's yes" if bridge.enrolled and not bridge.trusted else ""
