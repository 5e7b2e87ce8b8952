"""Reading back what a target really holds, or what a part of the network serves (domain page, section 5)."""

from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.network_scope import NetworkScope
from domain.texts import verbatim


class FoundCertificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One certificate at one place of a target, or at one endpoint (`address:port`)."""

    place: str
    fingerprint_sha256: str
    profile: str | None = None


class DiscoveryStarted(Event, frozen=True, kw_only=True):
    """A discovery of one target system, or of a part of the network, was asked for."""

    topic = "discovery.run.started"
    target_system_id: UUID | None = None
    trigger: str = "user"
    network: NetworkScope | None = None


class DiscoveryCompleted(Event, frozen=True, kw_only=True):
    """What the target holds, or the network serves, or why it could not be read."""

    topic = "discovery.run.completed"
    target_system_id: UUID | None = None
    healthy: bool
    message: str = ""
    found: tuple[FoundCertificate, ...] = ()


class Discovery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one discovery."""

    target_system_id: UUID | None = None
    trigger: str
    network: NetworkScope | None = None
    completed: bool = False
    healthy: bool | None = None
    message: str = ""
    found: tuple[FoundCertificate, ...] = ()


def complete(
    discovery: Discovery, meta: Meta, *, healthy: bool, message: str, found: tuple[FoundCertificate, ...]
) -> tuple[Event, ...]:
    """The first answer counts; a repeated one makes no event."""
    if discovery.completed:
        return ()
    return (
        DiscoveryCompleted(
            meta=meta,
            target_system_id=discovery.target_system_id,
            healthy=healthy,
            message=verbatim(message),
            found=tuple(map(_readable, found)),
        ),
    )


def _readable(found: FoundCertificate) -> FoundCertificate:
    profile = found.profile and verbatim(found.profile)
    return msgspec.structs.replace(found, place=verbatim(found.place), profile=profile)


def _started(_: Discovery | None, event: DiscoveryStarted) -> Discovery:
    return Discovery(target_system_id=event.target_system_id, trigger=event.trigger, network=event.network)


def _completed(state: Discovery, event: DiscoveryCompleted) -> Discovery:
    return msgspec.structs.replace(
        state, completed=True, healthy=event.healthy, message=event.message, found=event.found
    )


DISCOVERY: AggregateType[Discovery] = AggregateType(
    name="discovery", table={DiscoveryStarted: _started, DiscoveryCompleted: _completed}
)
