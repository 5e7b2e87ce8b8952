"""Mass replacements happen: asked for, planned, ordered batch by batch, with orders of every outcome."""

from domain import certificate_order, replacement
from domain.certificate_order import AutomatedRequestSubmitted, OrderParameters, Provider
from domain.replacement import (
    NotOrdered,
    ReplacementBatchPlanned,
    ReplacementBatchRefused,
    ReplacementRequested,
    ReplacementStatus,
)
from domain.replacement_criteria import ReplacementCriteria
from tests.projections.world import Change, World


def replace_many(world: World) -> tuple[Change, ...]:
    """Begin one, or go on with one."""
    if not world.all("replacement") or world.one_of(True, False, False, False):
        asked = ReplacementRequested(
            meta=world.by(), criteria=ReplacementCriteria(key_algorithm=("rsa-2048",)), reason="Its CA was told of."
        )
        return ((world.new("replacement"), (asked,)),)
    chosen, state = world.any("replacement")
    match state.status:
        case ReplacementStatus.PLANNING:
            return _plan(world)
        case ReplacementStatus.RUNNING if not state.all_ordered:
            return _order(world)
        case ReplacementStatus.RUNNING:
            return ((chosen, replacement.complete(state, world.by(), complete=1, failed=1, skipped=0)),)
    return ((chosen, replacement.retry(state, world.by())),)


def _plan(world: World) -> tuple[Change, ...]:
    chosen, state = next((i, world.states[i]) for i in world.all("replacement") if _is(world, i, "planning"))
    world.any("certificate")  # or there is nothing to replace
    certificates = tuple(world.all("certificate")[:3])
    made = world.new("replacement_batch")
    planned = ReplacementBatchPlanned(meta=world.by(), replacement_id=chosen, number=0, certificate_ids=certificates)
    events = replacement.plan(state, world.by(), certificates=len(certificates), batches=1)
    return (made, (planned,)), (chosen, events)


def _order(world: World) -> tuple[Change, ...]:
    """The first is ordered, the second is not, the third was replaced otherwise."""
    chosen, state = next(
        (i, world.states[i])
        for i in world.all("replacement")
        if _is(world, i, "running") and not world.states[i].all_ordered
    )
    batch_id, batch = next(
        (i, world.states[i]) for i in world.all("replacement_batch") if world.states[i].replacement_id == chosen
    )
    first, *others = batch.certificate_ids
    refused = tuple(
        NotOrdered(certificate_id=each, code="invalid-transition", detail="Not ordered here.", replaced=n > 0)
        for n, each in enumerate(others)
    )
    told = ReplacementBatchRefused(meta=world.by(), replacement_id=chosen, number=0, round=1, refused=refused)
    done = replacement.ordered(state, world.by(), 0, ordered=1, refused=len(refused))
    wish = OrderParameters(
        provider=Provider.LOCAL_PKI,
        common_name=f"again{len(world.commands)}.example.com",
        validity_days=90,
        renews=first,
        replacement_id=chosen,
    )
    submitted = AutomatedRequestSubmitted(meta=world.by(), parameters=wish)
    order = certificate_order.CERTIFICATE_ORDER.fold([submitted])
    assert order is not None
    fails = world.one_of(True, False)
    ended = certificate_order.fail(order, world.by(), "The CA said no.") if fails else ()
    return (chosen, done), (batch_id, (told,)), (world.new("replacement_order"), (submitted, *ended))


def _is(world: World, replacement_id: object, status: str) -> bool:
    return bool(world.states[replacement_id].status == status)  # type: ignore[index] # any id
