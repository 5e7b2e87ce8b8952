"""The confirmation dialogs, in the manual's words: what is asked, what the toggle means, where the answer goes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from api.asking import Command
from application.house import Context
from domain.work_order_state import WorkOrder
from projections.connectors.view import ConnectorNode
from projections.topology.view import CertificateTopology


class ConnectorChoice(NamedTuple):
    """A connector that can be ticked."""

    id: UUID
    name: str
    endpoints: str


class Form(NamedTuple):
    """One confirmation dialog.

    `schedule`: it has the Manual Implementation toggle and a date and time; `only_time`: the latter alone.
    `proposed` is the date and time it begins with (ISO 8601, UTC, as the browser's field takes it). `comment`: it has a
    field for one, called `comment_label`.
    """

    title: str
    sentence: str
    action: str
    back: str
    yes: str
    no: str = "Cancel"
    schedule: bool = False
    manual_means: str = ""
    version: int | None = None
    connectors: tuple[ConnectorChoice, ...] = ()
    only_time: bool = False
    proposed: str = ""
    problem: str | None = None
    comment: bool = True
    comment_label: str = "Comment"


class Step(NamedTuple):
    """How one step of a work order is asked for."""

    title: str
    sentence: str
    yes: str
    schedule: bool = False
    manual_means: str = ""
    only_time: bool = False


STEPS: dict[str, Step] = {
    "approve": Step(
        "Approve the push",
        "You approve exactly what is described in this work order. Its implementation needs one more person.",
        "Yes, approve",
        schedule=True,
        manual_means="a person implements it later",
    ),
    "implement": Step(
        "Implement the push",
        "The certificate is installed on the target system and its service reloaded.",
        "Yes, implement",
        schedule=True,
        manual_means="it is pushed now",
    ),
    "reschedule": Step(
        "Set another time", "The push starts by itself at this time instead.", "Yes, reschedule", only_time=True
    ),
    "reject": Step("Reject the push", "One rejection ends this work order.", "Yes, reject"),
    "cancel": Step("Cancel the push", "You take your request back.", "Yes, cancel the push"),
    "retry": Step(
        "Try the push again",
        "The same work order gets a new attempt; its approvals still hold.",
        "Yes, try again",
    ),
}


def step_form(action: str, order_id: UUID, order: WorkOrder, version: int, now: datetime) -> Form:
    """The dialog of one step; `version` is what the person decided on (If-Match)."""
    step = STEPS[action]
    return Form(
        title=step.title,
        sentence=step.sentence,
        action=f"/work-orders/{order_id}/{action}",
        back=f"/certificates/{order.certificate_id}",
        yes=step.yes,
        no="No",
        schedule=step.schedule,
        manual_means=step.manual_means,
        version=version,
        only_time=step.only_time,
        proposed=_proposed(action, order, now),
    )


def version_of(text: Any) -> int | None:
    """The version that a person decided on, of the hidden field."""
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 18 else None


def context_of(command: Command, form: Mapping[str, Any]) -> Context:
    """The context of a command that a form sent: it holds for the version that the person saw."""
    return msgspec.structs.replace(command.context, if_match=version_of(form.get("version")))


def _proposed(action: str, order: WorkOrder, now: datetime) -> str:
    """The time the dialog begins with: what approvers proposed (Implement decides), or what is set so far."""
    proposals = [a.scheduled_at for a in order.approvals if a.decision == "approved" and a.scheduled_at is not None]
    at = {"implement": proposals[-1] if proposals else None, "reschedule": order.scheduled_at}.get(action)
    return "" if at is None or at <= now else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def push_form(topology: CertificateTopology, only: UUID | None) -> Form:
    """The dialog of Push to Device: for all associated connectors, or for one."""
    row = topology.certificate
    nodes = [
        node for node in topology.connectors if node.connector.state.associated and only in (None, node.connector.id)
    ]
    return Form(
        title="Push to Device",
        sentence=f"{row.state.facts.common_name} is pushed after approval. What was approved and deployed before, and "
        "has not changed since, is pushed again at once.",
        action=f"/certificates/{row.id}/push",
        back=f"/certificates/{row.id}",
        yes="OK",
        connectors=tuple(_choice(node) for node in nodes),
    )


def _choice(node: ConnectorNode) -> ConnectorChoice:
    target = node.target_system
    name = target.state.name if target is not None else str(node.connector.state.target_system_id)
    return ConnectorChoice(node.connector.id, name, ", ".join(node.connector.state.endpoints))
