"""Orders held against issuance policies: refused, warned, dry, judged again; never against a policy of yesterday."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from adapters.issuing import Providers
from application import registers
from application.administering import create_principal
from application.house import load
from application.issuing_ports import Issuers
from application.judging import judge_order
from application.order_processing import process_order
from application.ordering import check_order, resubmit_order, submit_order
from application.ports import CommandIdReused
from domain.access import CommandRefused
from domain.alert import AlertKind, AlertRaised
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    AutomatedRequestSubmitted,
    CertificateOrder,
    OrderParameters,
    OrderProcessing,
    OrderStatus,
    PolicyHardFailed,
    PolicySoftFailed,
    Provider,
)
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.issuance_policy import KIND, IssuancePolicy, checked
from domain.issuance_rules import IssuanceRule
from domain.role_grant import Role
from domain.violation import Severity
from tests.support.field import Field
from tests.support.folded_hints import frozen
from tests.support.office import Office, local_pki
from tests.support.world import World, request_for_a_bridge

WISH = OrderParameters(provider=Provider.LOCAL_PKI, common_name="www.example.org", validity_days=90)
SHORT = IssuanceRule(name="short", maximum_validity_days=30)


async def enact(world: World, *rules: IssuanceRule, name: str = "Servers") -> UUID:
    wanted = checked(IssuancePolicy(name=name, rules=rules))
    return (await registers.create(world.house, world.by("ada"), KIND, wanted)).result.id


async def refused(world: World, issuers: Issuers, wish: OrderParameters = WISH, **by: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await submit_order(world.house, world.by("rita", **by), issuers, wish)
    assert Code.POLICY_HARD_FAIL is caught.value.code
    return caught.value


async def order_of(world: World, refusal: Refused) -> CertificateOrder:
    return (await load(world.house, CERTIFICATE_ORDER, UUID(refusal.extra["order_id"]))).found


async def test_a_blocked_order_exists_as_failed_and_nobody_is_asked() -> None:
    """With every broken rule, in refusal, order and event; an alert tells of it; no provider hears of it."""
    world = World()
    issuers = await local_pki(world)
    policy_id = await enact(world, SHORT, IssuanceRule(name="rsa", key_algorithms=("rsa-4096",)))
    refusal = await refused(world, issuers)
    told = [(each["policy_id"], each["policy_version"], each["rule"]) for each in refusal.extra["violations"]]
    assert [(str(policy_id), 1, "short"), (str(policy_id), 1, "rsa")] == told
    await Office(world, Field(), issuers=issuers).settle()
    order = await order_of(world, refusal)
    assert (OrderStatus.FAILED, WISH, "rita") == (order.status, order.parameters, order.requested_by.id)
    assert ["short", "rsa"] == [each.rule for each in order.violations]
    [event] = world.events(PolicyHardFailed)
    assert isinstance(event, PolicyHardFailed)
    assert (policy_id,) == event.policy_ids
    assert [] == world.events(OrderProcessing)
    [alert] = world.events(AlertRaised)
    assert isinstance(alert, AlertRaised)
    assert AlertKind.ORDER_FAILED is alert.kind
    assert ["order.submit"] == [e.action for e in world.events(CommandRefused) if isinstance(e, CommandRefused)]


async def test_a_policy_counts_with_the_next_order_however_far_read_models_are() -> None:
    """Policies are read from the ledger: a read model that knows nothing yet lets nothing slip through."""
    world = World(lag=frozen)
    issuers = await local_pki(world)
    await submit_order(world.house, world.by("rita"), issuers, WISH)
    policy_id = await enact(world, SHORT)
    await refused(world, issuers)
    await registers.retire(world.house, world.by("ada"), KIND, policy_id)
    await submit_order(world.house, world.by("rita"), issuers, WISH)


async def test_soft_rules_warn_and_the_certificate_is_issued() -> None:
    """The warnings stay with the order."""
    world = World()
    issuers = await local_pki(world)
    await enact(world, msgspec.structs.replace(SHORT, severity=Severity.SOFT))
    done = await submit_order(world.house, world.by("rita"), issuers, WISH)
    await Office(world, Field(), issuers=issuers).settle()
    order = (await load(world.house, CERTIFICATE_ORDER, done.result.id)).found
    assert (OrderStatus.COMPLETE, ["short"]) == (order.status, [each.rule for each in order.warnings])
    assert 1 == len(world.events(PolicySoftFailed))
    assert [] == world.events(AlertRaised)


async def test_a_refusal_repeated_under_one_key_is_one_order() -> None:
    """The same body gets the same refusal and no second order, another body is told so, whatever the policies say."""
    world = World()
    issuers = await local_pki(world)
    policy_id = await enact(world, SHORT)
    first = await refused(world, issuers, key="once")
    await registers.retire(world.house, world.by("ada"), KIND, policy_id)
    again = await refused(world, issuers, key="once")
    assert first.extra == again.extra
    assert 1 == len(world.events(AutomatedRequestSubmitted)) == len(world.events(PolicyHardFailed))
    other = msgspec.structs.replace(WISH, validity_days=29)
    with pytest.raises(CommandIdReused):
        await submit_order(world.house, world.by("rita", key="once"), issuers, other)


async def test_resubmitting_judges_again() -> None:
    """A blocked order stays blocked while the rule holds, each time on record; when it is gone, the order proceeds."""
    world = World()
    issuers = await local_pki(world)
    policy_id = await enact(world, SHORT)
    order_id = UUID((await refused(world, issuers)).extra["order_id"])
    with pytest.raises(Refused) as caught:
        await resubmit_order(world.house, world.by("rita"), issuers, order_id)
    assert (Code.POLICY_HARD_FAIL, str(order_id)) == (caught.value.code, caught.value.extra["order_id"])
    assert 2 == len(world.events(PolicyHardFailed))
    await registers.change(
        world.house,
        world.by("ada"),
        KIND,
        policy_id,
        lambda known: msgspec.structs.replace(
            known, rules=(IssuanceRule(name="short", severity=Severity.SOFT, maximum_validity_days=30),)
        ),
    )
    await resubmit_order(world.house, world.by("rita"), issuers, order_id)
    done = await process_order(world.house, world.by("process-order"), issuers, order_id)
    state = done.result.found
    assert (OrderStatus.COMPLETE, (), [2]) == (
        state.status,
        state.violations,
        [w.policy_version for w in state.warnings],
    )


async def test_key_and_names_of_a_signing_request_are_judged() -> None:
    """The key inside counts, not what the order claims."""
    world = World()
    issuers = await local_pki(world)
    await enact(world, IssuanceRule(name="rsa", key_algorithms=("rsa-2048",)))
    wish = msgspec.structs.replace(WISH, csr_pem=request_for_a_bridge(), key_algorithm="rsa-2048")
    refusal = await refused(world, issuers, wish)
    assert ["/csr_pem"] == [each["pointer"] for each in refusal.extra["violations"]]


async def test_who_may_ask_is_who_is_behind_it_with_the_roles_of_now() -> None:
    """An automation counts as the person it acts for; nobody in particular has no role."""
    world = World()
    issuers = await local_pki(world)
    await enact(world, IssuanceRule(name="who", roles=(Role.OPERATOR,)))
    olga = (await create_principal(world.house, world.by("a"), "Olga", (Role.OPERATOR,))).result.id
    rita = (await create_principal(world.house, world.by("a"), "Rita", (Role.REQUESTER,))).result.id
    for actor, broken in (
        (Actor(ActorKind.USER, str(olga)), 0),
        (Actor(ActorKind.AUTOMATION, "renewal", on_behalf_of=str(olga)), 0),
        (Actor(ActorKind.USER, str(rita)), 1),
        (Actor(ActorKind.USER, str(uuid4())), 1),
        (Actor(ActorKind.AUTOMATION, "renewal"), 1),
    ):
        judged = await judge_order(world.house, actor, issuers, WISH)
        assert broken == len(judged.judgement.violations), actor


async def test_a_dry_run_leaves_no_trace() -> None:
    """Everything is told, nothing is written; what cannot be ordered at all is refused as it would be."""
    world = World()
    issuers = await local_pki(world)
    await enact(world, SHORT)
    before = await world.ledger.head()
    wish = await check_order(world.house, issuers, WISH)
    judged = await judge_order(world.house, world.by("rita").actor, issuers, wish)
    assert ["short"] == [each.rule for each in judged.judgement.violations]
    with pytest.raises(Refused) as caught:
        await check_order(world.house, Providers({}), WISH)
    assert Code.VALIDATION_FAILED is caught.value.code
    assert before == await world.ledger.head()
