"""Connectors, work orders and the topology, compared with a look at every one of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.reaching import of_both
from domain.connector_events import SyncState
from domain.push_states import DeploymentStatus, WorkOrderStatus
from domain.role_grant import Role, ScopedRole
from domain.role_scope import RoleScope, covers
from domain.verification import awaits_first_result
from domain.work_order import expires_at
from projections.catalogue import Views
from projections.connectors.view import ConnectorFilter
from projections.rows import BadCursor, Cursor
from projections.work_orders.view import WaitingFor, WorkOrderFilter
from tests.projections.conftest import Known, Town
from tests.projections.paging import walk
from tests.projections.world import DAY

FLYING = (DeploymentStatus.PENDING, DeploymentStatus.DEPLOYING)


def _latest(town: Town) -> dict[UUID, Known]:
    """The latest work order of each connector."""
    latest: dict[UUID, Known] = {}
    for known in town.known("work_order"):
        before = latest.get(known.state.connector_id)
        if before is None or before.state.ordinal < known.state.ordinal:
            latest[known.state.connector_id] = known
    return latest


async def test_a_connector_comes_with_its_neighbours(town: Town, ask: Views) -> None:
    """Certificate, target system, bridge and latest work order, in one answer; `get` is the connector alone."""
    latest, states = _latest(town), town.world.states
    for known in town.known("connector"):
        node = await ask.connectors.node(known.id)
        assert node is not None
        assert node.certificate
        assert node.target_system
        assert node.bridge
        assert (known.id, known.version, known.state) == (
            node.connector.id,
            node.connector.version,
            node.connector.state,
        )
        assert known.state.certificate_id == node.certificate.id
        assert states[known.state.target_system_id] == node.target_system.state
        assert node.target_system.state.bridge_id == node.bridge.id
        expected = latest.get(known.id)
        assert (expected.id if expected else None) == (node.work_order.id if node.work_order else None)
        assert node.connector == await ask.connectors.get(known.id)


CONNECTOR_FILTERS: dict[str, Callable[[Town], tuple[ConnectorFilter, Callable[[Any], bool]]]] = {
    "all": lambda town: (ConnectorFilter(), lambda c: True),
    "removed": lambda town: (ConnectorFilter(removed=True), lambda c: not c.associated),
    "associated": lambda town: (ConnectorFilter(removed=False), lambda c: c.associated),
    "deployed or failed": lambda town: (
        ConnectorFilter(deployment_status=(DeploymentStatus.DEPLOYED, DeploymentStatus.FAILED)),
        lambda c: c.deployment_status in {DeploymentStatus.DEPLOYED, DeploymentStatus.FAILED},
    ),
    "out of sync": lambda town: (
        ConnectorFilter(sync=(SyncState.OUT_OF_SYNC,)),
        lambda c: c.sync is SyncState.OUT_OF_SYNC,
    ),
    "of a bridge": lambda town: (
        ConnectorFilter(bridge_id=(town.world.all("bridge")[0],)),
        lambda c: town.world.settings_of(c.target_system_id).bridge_id == town.world.all("bridge")[0],
    ),
    "of a certificate": lambda town: (
        ConnectorFilter(certificate_id=(town.known("connector")[0].state.certificate_id,)),
        lambda c: c.certificate_id == town.known("connector")[0].state.certificate_id,
    ),
    "on a target": lambda town: (
        ConnectorFilter(target_system_id=(town.known("connector")[0].state.target_system_id,)),
        lambda c: c.target_system_id == town.known("connector")[0].state.target_system_id,
    ),
}


@pytest.mark.parametrize("name", CONNECTOR_FILTERS)
async def test_connectors_are_listed_oldest_first(town: Town, ask: Views, name: str) -> None:
    """Pages of four miss and repeat nothing, and are what the stream gives."""
    narrow, matches = CONNECTOR_FILTERS[name](town)
    expected = [known.id for known in town.known("connector") if matches(known.state)]
    found = await walk(lambda cursor: ask.connectors.list(narrow, limit=4, cursor=cursor))
    assert expected == [node.connector.id for node in found]
    assert expected == [node.connector.id async for nodes in ask.connectors.stream(narrow) for node in nodes]
    assert expected != []


async def test_associated_connectors_of_a_certificate_and_on_a_target(town: Town, ask: Views) -> None:
    """Ids, oldest first, without the removed ones."""
    associated = [known for known in town.known("connector") if known.state.associated]
    for certificate_id in town.world.all("certificate"):
        expected = [k.id for k in associated if k.state.certificate_id == certificate_id]
        assert expected == await ask.connectors.ids(certificate_id=certificate_id)
    for target_id in town.world.all("target"):
        expected = [k.id for k in associated if k.state.target_system_id == target_id]
        assert expected == await ask.connectors.ids(target_system_id=target_id)


async def test_what_there_is_to_lease(town: Town, ask: Views) -> None:
    """Pending and running deployments dispatched to a bridge, those with the earliest deadline first."""
    flying = [k for k in town.known("connector") if k.state.deployment_status in FLYING]
    assert flying
    seen = 0
    for bridge_id in town.world.all("bridge"):
        of_bridge = [k for k in flying if k.state.settings.bridge_id == bridge_id]
        expected = [k.id for k in sorted(of_bridge, key=lambda k: (k.state.deadline_at, k.position))]
        found = await ask.connectors.in_flight(bridge_id, 100)
        assert expected == [item.connector_id for item in found]
        assert expected[:1] == [item.connector_id for item in await ask.connectors.in_flight(bridge_id, 1)]
        seen += len(found)
    assert len(flying) == seen


async def test_overdue_deployments(town: Town, ask: Views) -> None:
    """Those whose deadline has come by the instant asked for; at the deadline itself it has. What waits for a bridge
    that is there is left out, what that bridge has begun is not.
    """
    flying = [k for k in town.known("connector") if k.state.deployment_status in FLYING]
    first = min(k.state.deadline_at for k in flying)
    assert [] == await ask.connectors.overdue(first - timedelta(microseconds=1), 100)
    expected = {k.id for k in flying if k.state.deadline_at <= first}
    assert expected == {item.connector_id for item in await ask.connectors.overdue(first, 100)}
    late = await ask.connectors.overdue(town.world.now + DAY, 100)
    assert {k.state.deployment_id for k in flying} == {item.deployment_id for item in late}
    here = [flying[0].state.settings.bridge_id]
    wanted = {k.id for k in flying if k.state.taken_by or k.state.settings.bridge_id not in here}
    found = await ask.connectors.overdue(town.world.now + DAY, 100, here)
    assert wanted == {item.connector_id for item in found} != {k.id for k in flying}


async def test_what_is_due_for_verification(town: Town, ask: Views) -> None:
    """Every connector that awaits a first result, and the last pushed one of each place."""
    states = town.world.states
    able = [k for k in town.known("connector") if k.state.associated and k.state.last_deployed_at and k.state.endpoints]
    last: dict[Any, Known] = {}
    for known in sorted(able, key=lambda k: (k.state.last_deployed_at, k.position)):
        last[known.state.target_system_id, known.state.profile] = known
    expected = [k.id for k in able if k in last.values() or any(map(awaits_first_result, k.state.validation))]
    due = await ask.connectors.due_for_verification()
    assert expected == [item.connector_id for item in due]
    assert len(able) > len(expected) > 0, "the town should have a place where a later push stands before an earlier one"
    for item in due:
        state = states[item.connector_id]
        leaf = states[state.certificate_id].facts.fingerprint_sha256
        assert (leaf, state.endpoints, state.server_name, state.last_deployed_at) == (
            item.expected_fingerprint_sha256,
            item.endpoints,
            item.server_name,
            item.last_deployed_at,
        )
        assert any(map(awaits_first_result, state.validation)) == item.awaits_first_result
        assert state.verification == item.plan
        assert states[state.target_system_id].bridge_id == item.bridge_id
    own = {k.id: k.state.verification.every_seconds for k in able if k.state.verification.every_seconds}
    assert own == await ask.connectors.own_schedules() != {}
    named = [expected[0], town.world.all("bridge")[0]]
    assert expected[:1] == [item.connector_id for item in await ask.connectors.due_for_verification(named)]
    assert due[:2] == await ask.connectors.due_for_verification(limit=2)


WORK_ORDER_FILTERS: dict[str, Callable[[Town], tuple[WorkOrderFilter, Callable[[Any], bool]]]] = {
    "all": lambda town: (WorkOrderFilter(), lambda o: True),
    "statuses": lambda town: (
        WorkOrderFilter(status=(WorkOrderStatus.COMPLETED, WorkOrderStatus.FAILED)),
        lambda o: o.status in {WorkOrderStatus.COMPLETED, WorkOrderStatus.FAILED},
    ),
    "certificate": lambda town: (
        WorkOrderFilter(certificate_id=(town.known("work_order")[0].state.certificate_id,)),
        lambda o: o.certificate_id == town.known("work_order")[0].state.certificate_id,
    ),
    "connector": lambda town: (
        WorkOrderFilter(connector_id=(town.known("work_order")[0].state.connector_id,)),
        lambda o: o.connector_id == town.known("work_order")[0].state.connector_id,
    ),
    "target": lambda town: (
        WorkOrderFilter(target_system_id=(town.known("work_order")[0].state.target_system_id,)),
        lambda o: o.target_system_id == town.known("work_order")[0].state.target_system_id,
    ),
    "request": lambda town: (
        WorkOrderFilter(request_id=(town.known("work_order")[2].state.request_id,)),
        lambda o: o.request_id == town.known("work_order")[2].state.request_id,
    ),
}


@pytest.mark.parametrize("name", WORK_ORDER_FILTERS)
async def test_work_orders_are_listed_newest_first(town: Town, ask: Views, name: str) -> None:
    """With what they are about; pages of three miss and repeat nothing, and are what the stream gives."""
    narrow, matches = WORK_ORDER_FILTERS[name](town)
    expected = [known.id for known in reversed(town.known("work_order")) if matches(known.state)]
    found = await walk(lambda cursor: ask.work_orders.list(narrow, limit=3, cursor=cursor))
    assert expected == [node.work_order.id for node in found]
    assert expected == [node.work_order.id async for nodes in ask.work_orders.stream(narrow) for node in nodes]
    assert expected != []


async def test_a_work_order_comes_with_what_it_is_about(town: Town, ask: Views) -> None:
    """Connector, certificate and target system; the position of its request is its number for people."""
    for known in town.known("work_order"):
        node = await ask.work_orders.node(known.id)
        assert node is not None
        assert node.connector
        assert node.certificate
        assert node.target_system
        order = node.work_order
        assert (known.state, known.version, known.created_position) == (
            order.state,
            order.version,
            order.created_position,
        )
        assert town.world.states[known.state.connector_id] == node.connector.state
        assert known.state.certificate_id == node.certificate.id
        assert known.state.target_system_id == node.target_system.id
        assert order == await ask.work_orders.get(known.id)


@pytest.mark.parametrize("person", ["rita", "anton", "ivan", "nobody"])
@pytest.mark.parametrize("may", [(True, True), (True, False), (False, True), (False, False)])
async def test_what_waits_for_a_person(town: Town, ask: Views, person: str, may: tuple[bool, bool]) -> None:
    """Open work orders whose next step this person's roles allow and four eyes do not forbid."""

    def waits(order: Any) -> bool:
        if order.status not in {WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS}:
            return False
        allowed = may[0] if order.approvals_given < order.policy.approvals_needed else may[1]
        return allowed and person not in order.participants

    expected = [known.id for known in reversed(town.known("work_order")) if waits(known.state)]
    narrow = WorkOrderFilter(waiting_for=WaitingFor(person=person, may_approve=may[0], may_implement=may[1]))
    assert expected == [node.work_order.id for node in (await ask.work_orders.list(narrow, limit=1000)).items]
    assert bool(expected) == any(may)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.IMPLEMENTER])
@pytest.mark.parametrize("tags", [("certificate_tags",), ("target_tags",), ("certificate_tags", "target_tags")])
async def test_what_waits_for_a_person_with_a_scope(town: Town, ask: Views, role: Role, tags: tuple[str, ...]) -> None:
    """Of these, those whose certificate and target system bear a tag of each list that the scope names."""
    states = town.world.states
    wanted = {"certificate_tags": ("db", "nowhere"), "target_tags": ("prod", "nowhere")}
    scope = RoleScope(**{name: wanted[name] for name in tags})

    def waits(order: Any) -> bool:
        if order.status not in {WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS}:
            return False
        step = Role.APPROVER if order.approvals_given < order.policy.approvals_needed else Role.IMPLEMENTER
        certificate, target = states[order.certificate_id], states[order.target_system_id]
        return step is role and covers(scope, of_both(certificate, target))

    expected = [known.id for known in reversed(town.known("work_order")) if waits(known.state)]
    scoped = frozenset({ScopedRole(role, scope)})
    waiting = WaitingFor(person="nobody", may_approve=False, may_implement=False, scoped=scoped)
    found = (await ask.work_orders.list(WorkOrderFilter(waiting_for=waiting), limit=1000)).items
    assert expected == [node.work_order.id for node in found]


async def test_a_push_request_is_its_work_orders(town: Town, ask: Views) -> None:
    """How they stand, and a page of them; nothing for an unknown request."""
    order = town.known("work_order")[1]
    found = await ask.work_orders.of_request(order.state.request_id)
    assert found is not None
    assert [order.id] == [node.work_order.id for node in found.page.items]
    assert ({order.state.status: 1}, None) == (found.counts, found.page.next_cursor)
    assert await ask.work_orders.of_request(order.id) is None
    cursor = Cursor("created", "999999999", order.id).encode()
    with pytest.raises(BadCursor):
        await ask.work_orders.of_request(order.state.request_id, cursor=cursor)


async def test_latest_ordinals_and_open_work_orders(town: Town, ask: Views) -> None:
    """What a new push of a connector has to know."""
    connectors = town.world.all("connector")
    expected = {c: k.state.ordinal for c, k in _latest(town).items()}
    assert expected == await ask.work_orders.latest_ordinals(connectors)
    assert len(expected) < len(connectors)
    for connector_id in connectors:
        still_open = [k.id for k in town.known("work_order") if k.state.connector_id == connector_id and k.state.open]
        assert still_open == await ask.work_orders.open(connector_id=connector_id)
    for certificate_id in town.world.all("certificate"):
        still_open = [
            k.id for k in town.known("work_order") if k.state.certificate_id == certificate_id and k.state.open
        ]
        assert still_open == await ask.work_orders.open(certificate_id=certificate_id)


async def test_timers_find_what_is_due(town: Town, ask: Views) -> None:
    """Scheduled work orders whose time has come, undispatched ones, and those that have waited for too long."""
    orders, states = town.known("work_order"), town.world.states
    scheduled = [k for k in orders if k.state.status is WorkOrderStatus.SCHEDULED]
    waiting = [
        k for k in orders if k.state.status in {WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS}
    ]
    for now in (town.world.now, town.world.now + 3 * DAY, town.world.now + 30 * DAY):
        due = {k.id for k in scheduled if k.state.scheduled_at <= now}
        assert due == set(await ask.work_orders.due_scheduled(now, 100))
        expired = {k.id for k in waiting if expires_at(k.state) <= now}  # a scheduled push begins, it never expires
        assert expired == set(await ask.work_orders.expirable(now, 100))
    assert expired

    def dispatched(known: Known) -> bool:
        connector = states[known.state.connector_id]
        return (connector.work_order_id, connector.attempt) == (known.id, known.state.attempt)

    implementing = [k for k in orders if k.state.status is WorkOrderStatus.IMPLEMENTING]
    assert [k.id for k in implementing if not dispatched(k)] == await ask.work_orders.undispatched(100)
    assert any(map(dispatched, implementing))


async def test_the_topology_of_a_certificate(town: Town, ask: Views) -> None:
    """The certificate, all its connectors, removed ones too, each with its neighbours, and each bridge once."""
    for certificate_id in town.world.all("certificate"):
        expected = {k.id for k in town.known("connector") if k.state.certificate_id == certificate_id}
        topology = await ask.topology.of_certificate(certificate_id)
        assert topology is not None
        assert certificate_id == topology.certificate.id
        assert expected == {node.connector.id for node in topology.connectors}
        for node in topology.connectors:
            alone = await ask.connectors.node(node.connector.id)
            assert alone == node
        bridges = [node.bridge.state.name for node in topology.connectors if node.bridge]
        assert bridges == sorted(bridges)
        assert sorted(set(bridges)) == [bridge.state.name for bridge in topology.bridges]
    assert await ask.topology.of_certificate(town.world.all("bridge")[0]) is None
