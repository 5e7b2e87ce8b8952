"""The page of one connector: what its endpoints serve, how they are verified, and the dialog to change that."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.answers import missing
from api.asking import Command, Reading
from api.pages.answering import dialog, done, viewer_of
from api.pages.endpoint_history import result_cell
from api.pages.facts import Fact
from api.pages.forms import context_of
from api.pages.history_address import history_of
from api.pages.model import Button, Viewer, concern_of
from api.pages.past import refuse_past
from api.pages.sheet import AsCsv, Cell, Column, Cursor, Sheet, answer
from api.pages.words import sync_words
from api.problems import FieldError, Problem
from api.security import any_role, requires
from application.associating import configure_verification
from application.house import load
from domain.bridge import BridgeStatus
from domain.connector import CONNECTOR, Connector, EndpointValidation
from domain.roles import Permission
from domain.verification_plan import Vantage, VerificationPlan
from projections.connectors.view import ConnectorNode
from projections.rows import Page

SHEET = Sheet(
    "Connector",
    "certificates",
    (
        Column("Endpoint"),
        Column("Server name", wide=True),
        Column("Result"),
        Column("Served (SHA-256)", wide=True),
        Column("Last change (UTC)"),
    ),
    "What each endpoint was found to serve; its address opens all it ever was.",
    "It has no endpoints: there is nothing to verify.",
)
CONNECTORS = requires(Permission.CONNECTORS, page=True, narrows=True)


@get("/connectors/{connector_id:uuid}", opt=any_role(page=True), include_in_schema=False)
async def connector_page(
    request: Request[Any, Any, Any],
    connector_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """One connector with its endpoints."""
    node = await _node(reading, connector_id)
    state = node.connector.state

    async def ask_for(limit: int, after: str | None) -> Page[EndpointValidation]:  # noqa: ARG001 - fifty at most
        return Page(state.validation)

    def line(found: EndpointValidation, _: Viewer) -> tuple[Cell, ...]:
        return (
            Cell(found.endpoint, history_of(found.endpoint, state.server_name), mono=True),
            Cell(state.server_name or ""),
            result_cell(found.state),
            Cell(found.served_fingerprint_sha256 or "", mono=True),
            Cell(at=found.checked_at),
        )

    viewer = viewer_of(request)
    return await answer(
        request,
        reading,
        SHEET._replace(title=name_of(node)),
        ask_for,
        line,
        cursor=cursor,
        as_csv=as_csv,
        template="connector.html",
        buttons=_buttons(node, viewer) if reading.moment is None else (),
        links=[("History", f"/endpoint-history?connector_id={connector_id}")],
        certificate_url=f"/certificates/{state.certificate_id}",
        certificate_name=node.certificate.state.facts.common_name if node.certificate else "the certificate",
        what=tuple(_facts(node)),
    )


def _buttons(node: ConnectorNode, viewer: Viewer) -> tuple[Button, ...]:
    """What makes sense while it is associated, and why this person may not do it."""
    if not node.connector.state.associated:
        return ()
    concern = concern_of(node.certificate, node.target_system)
    found = viewer.ask("verification", Permission.CONNECTORS, lambda: None, concern)
    url = f"/connectors/{node.connector.id}/verification"
    return (Button("Change verification", url, found.allowed, found.reason),)


def _facts(node: ConnectorNode) -> Iterator[Fact]:
    state = node.connector.state
    yield Fact("Target system", name_of(node))
    yield Fact("Bridge", node.bridge.state.name if node.bridge else "unknown")
    yield Fact("Deployment", state.deployment_status.value.replace("_", " "))
    yield Fact("Sync", sync_words(state)[0])
    yield from plan_facts(state.verification)
    if state.verification.vantage is Vantage.BRIDGE and node.bridge and node.bridge.state.status is not CONNECTED:
        yield Fact("Not probed", f"{node.bridge.state.name} is {node.bridge.state.status.value.replace('_', ' ')}")


_FROM = {
    None: "where all are looked at from",
    Vantage.CONTROL_PLANE: "the control plane",
    Vantage.BRIDGE: "the bridge of the target system",
}
CONNECTED = BridgeStatus.CONNECTED


def plan_facts(plan: VerificationPlan) -> Iterator[Fact]:
    """How it is verified, in words."""
    grace, every = plan.grace_seconds, plan.every_seconds
    yield Fact("Grace period after a push", "as for all" if grace is None else f"{grace} s")
    yield Fact("Looked at", "with all others" if every is None else f"every {every} s")
    yield Fact("Looked at from", _FROM[plan.vantage])


def name_of(node: ConnectorNode) -> str:
    """The target system, and the place on it."""
    state, target = node.connector.state, node.target_system
    name = target.state.name if target is not None else str(state.target_system_id)
    return f"{name} / {state.profile}" if state.profile else name


@get("/connectors/{connector_id:uuid}/verification", opt=CONNECTORS, include_in_schema=False)
async def verification_dialog(
    request: Request[Any, Any, Any], connector_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[str]:
    """How are its endpoints to be verified?"""
    refuse_past(reading)
    node = await _node(reading, connector_id)
    return dialog(
        request,
        "verification_plan.html",
        title="Change verification",
        name=name_of(node),
        action=f"/connectors/{connector_id}/verification",
        back=f"/connectors/{connector_id}",
        version=node.connector.version,
        plan=node.connector.state.verification,
        grace=f"{reading.services.house.settings.verification_grace:g}",
    )


@post("/connectors/{connector_id:uuid}/verification", opt=CONNECTORS, include_in_schema=False)
async def change_verification(
    request: Request[Any, Any, Any], connector_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[Any]:
    """The form as it was sent."""
    form = await request.form()
    known: Connector = (await load(command.house, CONNECTOR, connector_id)).found
    wanted = msgspec.structs.replace(known.verification, **_wanted(form))
    outcome = await configure_verification(command.house, context_of(command, form), connector_id, wanted)
    command.acknowledged.note(outcome.position)
    return done(request, f"/connectors/{connector_id}")


def _wanted(form: Mapping[str, Any]) -> dict[str, Any]:
    seconds = {name: _seconds(name, str(form.get(name) or "").strip()) for name in ("grace_seconds", "every_seconds")}
    return {**seconds, "vantage": _vantage(str(form.get("vantage") or ""))}


def _vantage(text: str) -> Vantage | None:
    try:
        return Vantage(text) if text else None
    except ValueError:
        sentence = "Choose from where it is looked at."
        raise Problem("validation-failed", sentence, errors=(FieldError("/verification/vantage", sentence),)) from None


def _seconds(name: str, text: str) -> int | None:
    """A number of seconds; empty: none. Raises 422 for what is no number."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        sentence = "Write a number of seconds, or leave the field empty."
        raise Problem("validation-failed", sentence, errors=(FieldError(f"/verification/{name}", sentence),))
    return int(text)


async def _node(reading: Reading, connector_id: UUID) -> ConnectorNode:
    found = await reading.views.connectors.node(connector_id)
    if found is None:
        raise missing("connector", connector_id)
    return found


HANDLERS = [connector_page, verification_dialog, change_verification]
