"""Which certificates each place (endpoint and server name) has served, from which position on; and when a certificate
was last deployed there. The state of a connector's row is only what its later events do not repeat.
"""

from collections.abc import Iterator
from uuid import UUID

import msgspec

from domain.connector_events import DeploymentSucceeded, TargetSystemAssociated, ValidationChanged
from projections.columns import Column, Type
from projections.entity import Emitted, Key, Projection, Stored, Table

SEEN = Table(
    name="served_seen",
    columns=(
        Column("endpoint", Type.TEXT),
        Column("server_name", Type.TEXT),
        Column("seen", Type.TEXT),
        Column("certificate_id", Type.UUID),
        Column("first_position", Type.BIGINT),
    ),
    key=3,
    keep=True,
)
"""`seen` is a fingerprint, or the id of a deployed certificate (then `certificate_id` too)."""

DEPLOYED = Table(
    name="served_deployed",
    columns=(
        Column("endpoint", Type.TEXT),
        Column("server_name", Type.TEXT),
        Column("position", Type.BIGINT),
    ),
    key=2,
)


class Places(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a connector's certificate is served."""

    certificate_id: UUID
    endpoints: tuple[str, ...] = ()
    server_name: str = ""


def _evolve(_: Key, state: Places | None, stored: Stored) -> Places:
    event = stored.event
    if isinstance(event, TargetSystemAssociated):
        name = event.server_name or ""
        return Places(certificate_id=event.certificate_id, endpoints=event.endpoints, server_name=name)
    if state is None:
        raise ValueError("an event of a connector that was never associated")
    return state


def _emit(_: Key, state: Places, stored: Stored) -> Iterator[Emitted]:
    event, position, name = stored.event, stored.position, state.server_name
    if isinstance(event, ValidationChanged):
        if served := event.evidence.served_fingerprint_sha256:
            yield Emitted(SEEN.name, (event.endpoint, name, served, None, position))
    elif isinstance(event, DeploymentSucceeded):
        for endpoint in state.endpoints:
            deployed = event.certificate_id
            yield Emitted(SEEN.name, (endpoint, name, str(deployed), deployed, position))
            yield Emitted(DEPLOYED.name, (endpoint, name, position))


SERVED_CERTIFICATES = Projection(
    name="served_certificates",
    version=1,
    state_type=Places,
    events=frozenset({TargetSystemAssociated, DeploymentSucceeded, ValidationChanged}),
    evolve=_evolve,
    further=(SEEN, DEPLOYED),
    emit=_emit,
)
