"""What is compared of each thing: plain values that follow from its state, and from the clock where expiry matters.

A fact that is None is the same as none. Instants are text (RFC 3339), so that facts are what JSON makes of them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from domain.bridge import BRIDGE, Bridge, BridgeStatus
from domain.certificate import CERTIFICATE, Certificate, status
from domain.connector import CONNECTOR, Connector
from domain.entity import AggregateType, Event
from domain.principal import PRINCIPAL, Principal
from domain.role_scope import role_words
from domain.target_system import TARGET_SYSTEM, TargetSystem
from domain.work_order_state import WORK_ORDER, WorkOrder

PRESENT = "present"


class Fact(NamedTuple):
    """What is compared; `detail` is an endpoint where each has a value of its own."""

    field: str
    detail: str | None = None


Facts = dict[Fact, Any]


class Covered(NamedTuple):
    """One kind of thing: its aggregate, and its facts at an instant."""

    aggregate: AggregateType[Any]
    facts_of: Callable[[Any, datetime], dict[str, Any]]


def facts(state: Any, now: datetime) -> Facts:
    """The facts of a state (None: nothing is there)."""
    if state is None:
        return {}
    flat = _OF_STATE[type(state)].facts_of(state, now)
    found: Facts = {Fact(name): value for name, value in flat.items()}
    if isinstance(state, Connector):
        found |= {Fact("validation", seen.endpoint): _plain(_seen(seen)) for seen in state.validation}
    return {fact: value for fact, value in found.items() if value is not None}


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _certificate(state: Certificate, now: datetime) -> dict[str, Any]:
    return {
        PRESENT: True,
        "status": status(state, now).value,
        "source": state.source.value,
        "private_key": state.key_origin.value,
        "owner": state.owner,
        "tags": list(state.tags),
        "renewed_to": _plain(state.renewed_to),
        "renewed_from": _plain(state.renewed_from),
    }


def _connector(state: Connector, _: datetime) -> dict[str, Any]:
    return {
        PRESENT: _plain(state.associated_at) if state.associated else None,
        "endpoints": list(state.endpoints),
        "server_name": state.server_name,
        "deployment": {
            "status": state.deployment_status.value,
            "last_deployed_at": _plain(state.last_deployed_at),
            "error": state.error.cause.value if state.error else None,
        },
        "sync": {"state": state.sync.value, "reason": state.sync_reason.value if state.sync_reason else None},
    }


def _seen(seen: Any) -> dict[str, Any]:
    return {"state": seen.state.value, "served_fingerprint_sha256": seen.served_fingerprint_sha256}


def _work_order(state: WorkOrder, _: datetime) -> dict[str, Any]:
    return {
        PRESENT: True,
        "approval": {"status": state.status.value, "attempt": state.attempt},
        "scheduled_at": _plain(state.scheduled_at),
    }


def _target_system(state: TargetSystem, _: datetime) -> dict[str, Any]:
    settings = state.settings
    return {
        PRESENT: None if state.retired else True,
        "name": state.name,
        "tags": list(state.tags),
        "bridge_id": str(settings.bridge_id),
        "kind": settings.kind,
        "endpoints": list(settings.endpoints),
        "settings": settings.settings,
        "secrets_version": settings.secrets_version,
    }


def _bridge(state: Bridge, _: datetime) -> dict[str, Any]:
    return {
        PRESENT: None if state.status is BridgeStatus.RETIRED else True,
        "name": state.name,
        "status": state.status.value,
    }


def _principal(state: Principal, _: datetime) -> dict[str, Any]:
    return {
        PRESENT: None if state.disabled else True,
        "name": state.name,
        "roles": [
            *sorted(role.value for role in state.roles),
            *sorted(role_words(each.role, each.scope) for each in state.scoped),
        ],
    }


_OF_STATE: dict[type, Covered] = {
    Certificate: Covered(CERTIFICATE, _certificate),
    Connector: Covered(CONNECTOR, _connector),
    WorkOrder: Covered(WORK_ORDER, _work_order),
    TargetSystem: Covered(TARGET_SYSTEM, _target_system),
    Bridge: Covered(BRIDGE, _bridge),
    Principal: Covered(PRINCIPAL, _principal),
}
COVERED: dict[type[Event], AggregateType[Any]] = {
    event: covered.aggregate for covered in _OF_STATE.values() for event in covered.aggregate.table
}
"""Every event that may change a fact, and whose it is."""
