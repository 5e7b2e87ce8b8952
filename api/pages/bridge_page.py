"""The page of one bridge: how far it is trusted, what it works on, what is behind it, and what can be done with it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from api.answers import missing
from api.asking import Command, Reading
from api.last_seen import LastSeen
from api.pages.answering import dialog, done, viewer_of
from api.pages.bridge_words import bridge_facts
from api.pages.estate import BEHIND, target_cells
from api.pages.facts import Fact
from api.pages.forms import Form, context_of
from api.pages.model import Button, Viewer
from api.pages.past import refuse_past
from api.pages.sheet import AsCsv, Cell, Cursor, answer
from api.pages.words import BRIDGE_WORDS, instant
from api.paging import pages
from api.security import any_role, requires
from application.enrolling import retire_bridge
from application.house import Context, Done, House, Loaded
from application.ports import Lease
from application.trusting import approve_bridge, check_quarantinable, quarantine_bridge
from domain import bridge_trust
from domain.bridge import Bridge, BridgeStatus
from domain.entity import Meta
from domain.roles import Permission, ask, may
from projections.bridges.view import BridgeRow
from projections.target_systems.view import TargetSystemFilter, TargetSystemRow

_UseCase = Callable[[House, Context, UUID, str | None], Awaitable[Done[Loaded[Bridge]]]]


async def _approve(house: House, context: Context, bridge_id: UUID, _: str | None) -> Done[Loaded[Bridge]]:
    return await approve_bridge(house, context, bridge_id)


async def _retire(house: House, context: Context, bridge_id: UUID, _: str | None) -> Done[Loaded[Bridge]]:
    return await retire_bridge(house, context, bridge_id)


class Step(NamedTuple):
    """How one step is asked for; `fits`: does it make sense now; `check` refuses who may not."""

    words: str
    title: str
    sentence: str
    yes: str
    permission: Permission
    use_case: _UseCase
    fits: Callable[[Bridge], bool]
    check: Callable[[Bridge, Meta], object]
    comment: bool = False


STEPS: dict[str, Step] = {
    "approve": Step(
        "Approve",
        "Approve the bridge",
        "From now on it gets work, and private keys sealed to it. Compare the fingerprint with the one that its own "
        "host showed when it enrolled.",
        "Yes, approve",
        Permission.APPROVE_BRIDGES,
        _approve,
        lambda bridge: bridge.enrolled and not bridge.trusted,
        bridge_trust.approve,
    ),
    "quarantine": Step(
        "Quarantine",
        "Quarantine the bridge",
        "It is trusted no longer: its certificate is refused from its next request on, its leases end, and an alert is "
        "raised. It comes back by a new enrolment.",
        "Quarantine",
        Permission.BRIDGES,
        quarantine_bridge,
        lambda bridge: bridge.enrolled,
        lambda bridge, _: check_quarantinable(bridge),
        comment=True,
    ),
    "retire": Step(
        "Retire",
        "Retire the bridge",
        "It is no longer in use: its next request is refused, and its leases end. Its history stays.",
        "Retire",
        Permission.BRIDGES,
        _retire,
        lambda bridge: bridge.status is not BridgeStatus.RETIRED,
        lambda bridge, _: bridge,
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
        buttons=_buttons(row, viewer, reading.context().meta) if now else (),
        links=[("Events", f"/audit-log?subject={bridge_id}")] if may(viewer.roles, Permission.READ_EVERYTHING) else (),
        state=BRIDGE_WORDS[row.state.status],
        what=[*bridge_facts(row.state, reading), *(await _now(request, row, leases, reading) if now else ())],
    )


def _buttons(row: BridgeRow, viewer: Viewer, meta: Meta) -> tuple[Button, ...]:
    """The steps that make sense now, and why this person may not take one."""
    asked = (
        (step, ask(name, viewer.roles, step.permission, partial(step.check, row.state, meta)))
        for name, step in STEPS.items()
        if step.fits(row.state)
    )
    return tuple(
        Button(step.words, f"/bridges/{row.id}/{found.action}", found.allowed, found.reason, step is STEPS["approve"])
        for step, found in asked
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


def _handlers(name: str, step: Step) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    path, writers = f"/bridges/{{bridge_id:uuid}}/{name}", requires(step.permission, page=True)

    @get(path, opt=writers, include_in_schema=False, name=f"page_{name}_bridge_dialog")
    async def ask_first(
        request: Request[Any, Any, Any], bridge_id: FromPath[UUID], reading: NamedDependency[Reading]
    ) -> Response[str]:
        refuse_past(reading)
        row = await _bridge(reading, bridge_id)
        back = f"/bridges/{bridge_id}"
        sentence = f"{row.state.name}. {step.sentence}"
        form = Form(step.title, sentence, f"{back}/{name}", back, step.yes, version=row.version, comment=step.comment)
        return dialog(
            request, "confirm.html", title=form.title, form=form, what=tuple(bridge_facts(row.state, reading))
        )

    @post(path, opt=writers, include_in_schema=False, name=f"page_{name}_bridge")
    async def carry_out(
        request: Request[Any, Any, Any], bridge_id: FromPath[UUID], command: NamedDependency[Command]
    ) -> Response[Any]:
        form = await request.form()
        comment = str(form.get("comment") or "").replace("\r\n", "\n") or None
        outcome = await step.use_case(command.house, context_of(command, form), bridge_id, comment)
        command.acknowledged.note(outcome.position)
        return done(request, f"/bridges/{bridge_id}")

    return ask_first, carry_out


async def _bridge(reading: Reading, bridge_id: UUID) -> BridgeRow:
    found = await reading.views.bridges.get(bridge_id)
    if found is None:
        raise missing("bridge", bridge_id)
    return found


HANDLERS = [bridge_page, *(made for name, step in STEPS.items() for made in _handlers(name, step))]
