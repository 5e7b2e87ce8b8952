"""Adding and removing a target system association (manual "Managing Installed Certificates")."""

import asyncio
from uuid import UUID

import msgspec

from application.conversations import of_push
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    reading_back,
    write,
)
from application.numbering import latest_work_orders
from application.personal import sealed
from application.reaching import Reached, of_both, reach_connection
from domain import association, ids, work_order
from domain.certificate import CERTIFICATE
from domain.connector import CONNECTOR, Connector
from domain.endpoint import parse_endpoint, parse_server_name
from domain.push_states import SupersededReason
from domain.target_system import TARGET_SYSTEM
from domain.verification_plan import AS_FOR_ALL, VerificationPlan


class AddConnector(msgspec.Struct, frozen=True, kw_only=True):
    """Add Target System; without endpoints the target system's own are taken."""

    certificate_id: UUID
    target_system_id: UUID
    profile: str | None = None
    endpoints: tuple[str, ...] = ()
    server_name: str | None = None
    verification: VerificationPlan = AS_FOR_ALL


async def add_connector(house: House, context: Context, command: AddConnector) -> Done[Loaded[Connector]]:
    """Associate a certificate with a target system."""
    connector_id = ids.connector_id(command.certificate_id, command.target_system_id, command.profile)

    async def attempt() -> Attempt[Loaded[Connector]]:
        certificate, target, connector = await asyncio.gather(
            load(house, CERTIFICATE, command.certificate_id),
            load(house, TARGET_SYSTEM, command.target_system_id),
            load(house, CONNECTOR, connector_id),
        )
        known, into = certificate.found, target.named_by("/target_system_id")
        within = context.concerning(of_both(known, into))
        check_version(context, certificate)
        events = association.associate(
            connector.state,
            context.meta,
            certificate_id=certificate.id,
            certificate=known,
            target_system_id=target.id,
            target=into,
            profile=command.profile,
            endpoints=_endpoints(command),
            server_name=_server_name(command),
            verification=command.verification,
        )
        changes = (write(connector, events), write(certificate, ()), write(target, ()))
        return Attempt(changes, connector.after(events), within)

    again = reading_back(house, CONNECTOR, connector_id)
    return await carry_out(house, context, attempt, subject_id=connector_id, action="connector.add", again=again)


def _endpoints(command: AddConnector) -> tuple[str, ...]:
    return tuple(str(parse_endpoint(text, pointer=f"/endpoints/{n}")) for n, text in enumerate(command.endpoints))


def _server_name(command: AddConnector) -> str | None:
    return parse_server_name(command.server_name, pointer="/server_name") if command.server_name else None


async def configure_verification(
    house: House, context: Context, connector_id: UUID, wanted: VerificationPlan
) -> Done[Loaded[Connector]]:
    """How the connector's endpoints are verified from now on."""

    async def attempt() -> Attempt[Loaded[Connector]]:
        connector = await load(house, CONNECTOR, connector_id)
        within, rests_on = await _reach(house, context, connector.found)
        check_version(context, connector)
        events = association.configure_verification(connector.found, context.meta, wanted)
        return Attempt((write(connector, events), *rests_on), connector.after(events), within)

    again = reading_back(house, CONNECTOR, connector_id)
    return await carry_out(
        house, context, attempt, subject_id=connector_id, action="connector.configure_verification", again=again
    )


async def remove_connector(
    house: House, context: Context, connector_id: UUID, comment: str | None = None
) -> Done[Loaded[Connector]]:
    """Stop tracking; uninstalls nothing. An open work order ends superseded; a running attempt is still recorded."""

    async def attempt() -> Attempt[Loaded[Connector]]:
        connector = await load(house, CONNECTOR, connector_id)
        mine, rests_on = await _reach(house, context, connector.found)
        check_version(context, connector)
        said = await sealed(house.texts, context.actor, comment)
        events = association.dissociate(connector.found, context.meta, comment=said)
        latest = (await latest_work_orders(house, [connector_id]))[connector_id]
        # Nobody may open a work order meanwhile: it would stay open on a connector that is gone.
        changes = [write(connector, events), latest.none_later(), *rests_on]
        if latest.previous is not None and events:
            within = of_push(context, latest.previous.found)
            ended = work_order.supersede(latest.previous.found, within.meta, SupersededReason.CONNECTOR_REMOVED)
            changes.append(write(latest.previous, ended))
        return Attempt(tuple(changes), connector.after(events), mine)

    again = reading_back(house, CONNECTOR, connector_id)
    return await carry_out(house, context, attempt, subject_id=connector_id, action="connector.remove", again=again)


async def _reach(house: House, context: Context, state: Connector) -> Reached:
    return await reach_connection(
        house, context, certificate_id=state.certificate_id, target_system_id=state.target_system_id
    )
