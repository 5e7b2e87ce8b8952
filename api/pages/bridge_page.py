"""The page of one bridge: how far it is trusted, what it works on, what is behind it, and what can be done with it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.answers import missing
from api.asking import Reading
from api.last_seen import LastSeen
from api.pages import steps
from api.pages.answering import viewer_of
from api.pages.bridge_words import bridge_facts
from api.pages.estate import BEHIND, target_cells
from api.pages.facts import Fact
from api.pages.model import Viewer
from api.pages.sheet import AsCsv, Cell, Cursor, answer
from api.pages.steps import Step, Subject, without_comment
from api.pages.words import BRIDGE_WORDS, instant
from api.paging import pages
from api.security import any_role
from application.enrolling import retire_bridge
from application.ports import Lease
from application.trusting import approve_bridge, check_quarantinable, quarantine_bridge
from domain import bridge_trust
from domain.bridge import Bridge, BridgeStatus
from domain.roles import Permission, may
from projections.bridges.view import BridgeRow
from projections.target_systems.view import TargetSystemFilter, TargetSystemRow

STEPS: dict[str, Step[Bridge]] = {
    "approve": Step(
        "Approve the bridge",
        "From now on it gets work, and private keys sealed to it. Compare the fingerprint with the one that its own "
        "host showed when it enrolled.",
        "Yes, approve",
        Permission.APPROVE_BRIDGES,
        without_comment(approve_bridge),
        comment=False,
        words="Approve",
        fits=lambda bridge: bridge.enrolled and not bridge.trusted,
        check=bridge_trust.approve,
        primary=True,
    ),
    "quarantine": Step(
        "Quarantine the bridge",
        "It is trusted no longer: its certificate is refused from its next request on, its leases end, and an alert is "
        "raised. It comes back by a new enrolment.",
        "Quarantine",
        Permission.BRIDGES,
        quarantine_bridge,
        words="Quarantine",
        fits=lambda bridge: bridge.enrolled,
        check=lambda bridge, _: check_quarantinable(bridge),
    ),
    "retire": Step(
        "Retire the bridge",
        "It is no longer in use: its next request is refused, and its leases end. Its history stays.",
        "Retire",
        Permission.BRIDGES,
        without_comment(retire_bridge),
        comment=False,
        words="Retire",
        fits=lambda bridge: bridge.status is not BridgeStatus.RETIRED,
    ),
}


@get("/bridges/{bridge_id:uuid}", opt=any_role(page=True), include_in_schema=False)
async def bridge_page(
    request: Request[Any, Any, Any],
    bridge_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """One bridge, then the target systems behind it."""
    row, viewer = await _bridge(reading, bridge_id), viewer_of(request)
    now = reading.moment is None
    leases = await reading.services.house.leases.held(bridge_id) if now else []

    def line(target: TargetSystemRow, _: Viewer) -> tuple[Cell, ...]:
        return target_cells(target)

    return await answer(
        request,
        reading,
        BEHIND._replace(title=row.state.name),
        pages(reading.views.target_systems.list, TargetSystemFilter(bridge_id=(bridge_id,))),
        line,
        cursor=cursor,
        as_csv=as_csv,
        template="bridge.html",
        buttons=steps.buttons(STEPS, row.state, f"/bridges/{bridge_id}", viewer, reading),
        links=[("Events", f"/audit-log?subject={bridge_id}")] if may(viewer.roles, Permission.READ_EVERYTHING) else (),
        state=BRIDGE_WORDS[row.state.status],
        what=[*bridge_facts(row.state, reading), *(await _now(request, row, leases, reading) if now else ())],
    )


async def _now(
    request: Request[Any, Any, Any], row: BridgeRow, leases: list[Lease], reading: Reading
) -> tuple[Fact, ...]:
    """What is no history: its last sign of life, and what it works on."""
    seen: LastSeen = request.app.state.last_seen
    at = seen.of(row.id)
    targets = await reading.views.target_systems.get_many(list({lease.target_system_id for lease in leases}))
    held = [f"{each.kind} on {_name(each.target_system_id, targets)} (fence {each.fence})" for each in leases]
    return (
        Fact("Last heartbeat", f"{instant(at)} UTC" if at is not None else "none so far"),
        Fact("Works on", "; ".join(held) or "nothing now"),
    )


def _name(target_id: UUID, targets: dict[UUID, TargetSystemRow]) -> str:
    return targets[target_id].state.name if target_id in targets else str(target_id)


async def _subject(reading: Reading, bridge_id: UUID) -> Subject:
    row = await _bridge(reading, bridge_id)
    return Subject(row.version, f"{row.state.name}.", tuple(bridge_facts(row.state, reading)))


async def _bridge(reading: Reading, bridge_id: UUID) -> BridgeRow:
    found = await reading.views.bridges.get(bridge_id)
    if found is None:
        raise missing("bridge", bridge_id)
    return found


HANDLERS = [bridge_page, *steps.handlers(STEPS, "/bridges/{bridge_id:uuid}", _subject, name="bridge")]
