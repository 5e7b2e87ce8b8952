"""Discovery: a bridge reads back what a target holds; sync states and unknown certificates follow from it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from application.grounds import load_grounds
from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, reading_back, write
from application.importing import discover_certificate
from application.ports import CertificateReader, Errand, ReadCertificate
from application.reaching import of_target
from application.registering import check_in_use
from domain import discovery, ids, sync
from domain.connector import Connector
from domain.connector_events import SyncReason, SyncState
from domain.discovery import DISCOVERY, Discovery, DiscoveryStarted, FoundCertificate
from domain.errors import Refused
from domain.target_system import TARGET_SYSTEM

DISCOVER = "discovery"


class Found(NamedTuple):
    """A certificate a bridge found at a place of the target."""

    place: str
    profile: str | None
    certificate_pem: str


async def start_discovery(
    house: House, context: Context, target_system_id: UUID, *, trigger: str = "user"
) -> Done[Loaded[Discovery]]:
    """Ask the bridge of a target system what the target holds.

    What an automation wants to know, a discovery that still waits for its bridge will tell as well: it is not asked
    twice, so that many pushes to one target system do not bring as many discoveries of all it holds.
    """
    discovery_id = ids.derive("discovery", context.command_id)

    async def attempt() -> Attempt[Loaded[Discovery]]:
        run = await load(house, DISCOVERY, discovery_id)
        target = (await load(house, TARGET_SYSTEM, target_system_id)).found
        within = context.concerning(of_target(target))
        if run.state is not None:
            return Attempt((), run, within)
        check_in_use(target)
        if trigger != "user" and (waiting := await _waiting(house, target_system_id)):
            return Attempt((), waiting, within)
        deadline = context.at + timedelta(seconds=house.settings.errand_deadline)
        await house.errands.add(Errand(discovery_id, DISCOVER, target_system_id, target.bridge_id, deadline))
        event = DiscoveryStarted(meta=context.meta, target_system_id=target_system_id, trigger=trigger)
        return Attempt((write(run, (event,)),), run.after((event,)), within)

    again = reading_back(house, DISCOVERY, discovery_id)
    return await carry_out(house, context, attempt, subject_id=target_system_id, action="discovery.start", again=again)


async def _waiting(house: House, target_system_id: UUID) -> Loaded[Discovery] | None:
    """A discovery of this target system that no bridge has begun."""
    for errand in await house.errands.waiting_of(target_system_id, DISCOVER):
        run = await load(house, DISCOVERY, errand.id)
        if run.state is not None and await house.leases.find(errand.id) is None:
            return run
    return None


async def take_discovery(
    house: House,
    context: Context,
    reader: CertificateReader,
    discovery_id: UUID,
    *,
    healthy: bool,
    message: str,
    found: Sequence[Found],
) -> Done[Loaded[Discovery]]:
    """A bridge's answer: completes the run, judges the connectors, and brings unknown certificates in."""
    read = [(item, parsed) for item in found if (parsed := _parse(reader, item)) is not None]
    listed = tuple(
        FoundCertificate(place=item.place, profile=item.profile, fingerprint_sha256=parsed.facts.fingerprint_sha256)
        for item, parsed in read
    )

    run = await load(house, DISCOVERY, discovery_id)
    if run.state is None:
        await house.errands.done(discovery_id)  # whoever asked died before the ledger heard of it
    target_system_id = run.found.target_system_id
    context = context.within(run.conversation or discovery_id)

    async def attempt() -> Attempt[Loaded[Discovery]]:
        run = await load(house, DISCOVERY, discovery_id)
        events = discovery.complete(run.found, context.meta, healthy=healthy, message=message, found=listed)
        return Attempt((write(run, events),), run.after(events))

    done = await carry_out(house, context, attempt, subject_id=discovery_id, action="discovery.complete")
    for _, parsed in read:
        mine = context.part(parsed.facts.fingerprint_sha256)
        await _bring_in(house, mine, parsed, target_system_id, discovery_id)
    await judge_connectors(house, context, done.result)
    await house.errands.done(discovery_id)  # last: after a crash before it, the errand comes again
    return done


def _parse(reader: CertificateReader, item: Found) -> ReadCertificate | None:
    try:
        return reader.certificate(item.certificate_pem)
    except Refused:
        return None  # the target holds something that is no certificate: nothing to list


async def _bring_in(
    house: House, context: Context, parsed: ReadCertificate, target_system_id: UUID | None, discovery_id: UUID
) -> None:
    try:
        await discover_certificate(house, context, parsed, target_system_id=target_system_id, discovery_id=discovery_id)
    except Refused:
        return  # recorded as a refusal (for instance a serial number given twice); the discovery goes on


async def judge_connectors(house: House, context: Context, run: Loaded[Discovery]) -> None:
    """Sync or Out of Sync for every pushed connector of the target, from the completed run."""
    state = run.found
    if state.target_system_id is None:
        return  # what a network serves says nothing about any one connector: verification does
    on_target = await house.hints.connectors_on(state.target_system_id)
    grounds = await load_grounds(house, on_target)
    connectors = [g.connector.found for g in grounds.values()]
    for connector_id, ground in grounds.items():
        expected = ground.certificate.found.facts.fingerprint_sha256
        verdict = sync.judge(
            healthy=bool(state.healthy),
            expected=expected,
            at_place=frozenset(
                f.fingerprint_sha256 for f in state.found if f.profile == ground.connector.found.profile
            ),
            other_certificate_pushed_here=_pushed_over(ground.connector.found, connectors),
        )
        await _observe(house, context.part(connector_id), run.id, ground.connector, verdict)


async def _observe(
    house: House,
    context: Context,
    discovery_id: UUID,
    connector: Loaded[Connector],
    verdict: tuple[SyncState, SyncReason | None],
) -> None:
    async def attempt() -> Attempt[None]:
        current = await load(house, connector.kind, connector.id)
        events = sync.observe(
            current.found,
            context.meta,
            discovery_id=discovery_id,
            state=verdict[0],
            reason=verdict[1],
        )
        return Attempt((write(current, events),), None)

    await carry_out(house, context, attempt, subject_id=connector.id, action="connector.sync")


def _pushed_over(connector: Connector, others: Sequence[Connector]) -> bool:
    """Was another certificate pushed to the same profile later?"""
    mine = connector.last_deployed_at
    return mine is not None and any(
        other.certificate_id != connector.certificate_id
        and other.profile == connector.profile
        and other.last_deployed_at is not None
        and other.last_deployed_at >= mine
        for other in others
    )
