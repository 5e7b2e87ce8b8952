"""A push in short: who asked, who said yes to what, what was sent, what the bridge confirmed, what was really served.

Each step names its position; whatever is said here is said by the events beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from adapters.evidence.choosing import Placed
from domain.connector_events import (
    DeploymentFailed,
    DeploymentReportStale,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
    SyncChanged,
    TargetSystemAssociated,
    ValidationChanged,
)
from domain.entity import Event
from domain.principal import PrincipalCreated
from domain.target_system import TargetSystemChanged, TargetSystemRegistered

_SECTIONS: Mapping[str, tuple[type[Event], ...]] = {
    "target_system": (TargetSystemRegistered, TargetSystemChanged),
    "connector": (TargetSystemAssociated,),
    "dispatch": (DeploymentRequested,),
    "confirmation": (DeploymentStarted, DeploymentSucceeded, DeploymentFailed, DeploymentReportStale),
    "handshakes": (ValidationChanged,),
    "discovery": (SyncChanged,),
}
_TOLD_ELSEWHERE = frozenset({"meta", "der", "chain", "steps"})


def summary(found: Sequence[Placed]) -> dict[str, Any]:
    """The story, section by section, each in the order of the ledger."""
    names = {str(each.stream): each.event.name for each in found if isinstance(each.event, PrincipalCreated)}

    def told(those: Iterable[Placed]) -> list[dict[str, Any]]:
        return [_step(each, names) for each in those]

    story = {
        "certificate": told(each for each in found if each.row.topic.startswith("certificate.") and _is_birth(each)),
        "decisions": told(
            each for each in found if each.row.topic.startswith("work_order.push.") and not _refused(each)
        ),
        "refusals": told(each for each in found if _refused(each)),
    }
    for section, kinds in _SECTIONS.items():
        story[section] = told(each for each in found if isinstance(each.event, kinds))
    return story


def _is_birth(each: Placed) -> bool:
    return hasattr(each.event, "facts")


def _refused(each: Placed) -> bool:
    return each.row.topic == "work_order.push.refused"


def _step(each: Placed, names: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(each.event)
    actor = each.event.meta.actor
    by = {"kind": actor.kind.value, "id": actor.id, "on_behalf_of": actor.on_behalf_of}
    person = names.get(actor.on_behalf_of or actor.id)
    return {
        "position": each.row.position,
        "what": each.row.topic,
        "at": msgspec.to_builtins(each.event.meta.at),
        "by": by | ({"name": person} if person else {}),
        **{name: value for name, value in fields.items() if name not in _TOLD_ELSEWHERE},
    }
