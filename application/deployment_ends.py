"""How an attempt ends: the bridge's report, or giving up on it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from application.conversations import of_push
from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, write
from application.ports import Change, Lease
from domain import deployment
from domain.connector import CONNECTOR, Connector
from domain.connector_events import DeploymentRequested
from domain.deployment import Outcome, Patience, Report
from domain.errors import Code, Refused
from domain.push_states import FailureCause
from domain.work_order_state import WORK_ORDER, WorkOrder


async def take_report(house: House, context: Context, said: Report) -> Done[Outcome]:
    """A bridge's word on its own lease. The first terminal report wins; others are recorded and change nothing."""
    held = await own_lease(house, said.deployment_id, said.bridge_id)

    async def attempt() -> Attempt[Outcome]:
        connector, order_id = await asyncio.gather(
            load(house, CONNECTOR, held.subject_id), _work_order_of(house, held.subject_id, said.deployment_id)
        )
        order = await load(house, WORK_ORDER, order_id)
        outcome = deployment.report(connector.found, order.found, of_push(context, order.found).meta, said)
        return Attempt(changes_of(connector, order, outcome), outcome)

    done = await carry_out(house, context, attempt, subject_id=held.subject_id, action="push.report")
    await house.leases.release(said.deployment_id, said.fence)
    return done


async def _work_order_of(house: House, connector_id: UUID, deployment_id: UUID) -> UUID:
    """The work order a deployment was made for; the connector itself may be about a later one by now, or about none."""
    for recorded in reversed((await house.log.load([connector_id]))[connector_id]):
        if isinstance(recorded.event, DeploymentRequested) and recorded.event.deployment_id == deployment_id:
            return recorded.event.work_order_id
    raise Refused(Code.NOT_FOUND, f"There is no deployment {deployment_id} on connector {connector_id}.")


async def own_lease(house: House, assignment_id: UUID, bridge_id: UUID) -> Lease:
    """The lease of an assignment; a bridge that never held it is told nothing about it."""
    held = await house.leases.find(assignment_id)
    if held is None or held.bridge_id != bridge_id:
        raise Refused(Code.FORBIDDEN, "This bridge holds no lease for that assignment.")
    return held


class _End(NamedTuple):
    """Why an attempt is over."""

    cause: FailureCause
    message: str


async def give_up(
    house: House, context: Context, connector_id: UUID, deployment_id: UUID, cause: FailureCause, message: str
) -> Done[Outcome]:
    """End an attempt without a report."""

    async def why(_: Connector) -> _End:
        return _End(cause, message)

    return await _give_up(house, context, connector_id, deployment_id, why)


async def give_up_overdue(house: House, context: Context, connector_id: UUID) -> Done[Outcome] | None:
    """Fail a deployment whose bridge does not come, or does not come to an end (domain.deployment.overdue)."""
    state = (await load(house, CONNECTOR, connector_id)).found
    if state.deployment_id is None or await _overdue(house, state, context.at) is None:
        return None
    return await _give_up(
        house, context, connector_id, state.deployment_id, lambda now: _overdue(house, now, context.at)
    )


async def _give_up(
    house: House,
    context: Context,
    connector_id: UUID,
    deployment_id: UUID,
    why: Callable[[Connector], Awaitable[_End | None]],
) -> Done[Outcome]:
    """Asked again in every attempt: a bridge may have come, or another deployment begun, in the meantime."""

    async def attempt() -> Attempt[Outcome]:
        connector, order = await connector_and_order(house, connector_id)
        end = await why(connector.found)
        if end is None or connector.found.deployment_id != deployment_id:
            return Attempt((), Outcome())
        meta = of_push(context, order.found).meta
        outcome = deployment.give_up(
            connector.found, order.found, meta, deployment_id=deployment_id, cause=end.cause, message=end.message
        )
        return Attempt(changes_of(connector, order, outcome), outcome)

    return await carry_out(house, context, attempt, subject_id=connector_id, action="push.give_up")


async def _overdue(house: House, state: Connector, now: datetime) -> _End | None:
    if state.deployment_id is None or state.settings is None:
        return None
    chosen = house.settings
    patience = Patience(timedelta(seconds=chosen.dispatch_deadline), timedelta(seconds=chosen.lease_seconds))
    heard = await house.presence.last_seen([state.settings.bridge_id])
    end = deployment.overdue(
        state,
        now,
        patience,
        heard_at=heard.get(state.settings.bridge_id),
        held=await house.leases.alive(state.deployment_id),
    )
    return _End(*end) if end else None


async def connector_and_order(house: House, connector_id: UUID) -> tuple[Loaded[Connector], Loaded[WorkOrder]]:
    """A connector and the work order of its latest deployment. Raises Refused(not-found) where there was none."""
    connector = await load(house, CONNECTOR, connector_id)
    work_order_id = connector.found.work_order_id
    if work_order_id is None:
        raise Refused(Code.NOT_FOUND, f"Nothing was deployed on connector {connector_id}.")
    return connector, await load(house, WORK_ORDER, work_order_id)


def changes_of(connector: Loaded[Connector], order: Loaded[WorkOrder], outcome: Outcome) -> tuple[Change, Change]:
    """What commits together."""
    return write(connector, outcome.connector), write(order, outcome.work_order)
