"""Orders, target systems, bridges, discoveries, verification runs, principals, alerts: compared with their states."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from domain.acme_account import AcmeAccountStatus
from domain.bridge import BridgeStatus
from domain.certificate_order import OrderStatus
from domain.role_grant import Role
from projections.acme_clients.view import AccountFilter, AcmeOrderFilter, EabKeyFilter
from projections.alerts.view import AlertFilter
from projections.bridges.view import BridgeFilter
from projections.catalogue import Views
from projections.discoveries.view import DiscoveryFilter
from projections.orders.view import OrderFilter
from projections.principals.view import PrincipalFilter, TokenFilter
from projections.rows import Page, Row
from projections.target_systems.view import TargetSystemFilter
from projections.verification_runs.view import VerificationRunFilter
from tests.projections.conftest import Known, Town
from tests.projections.paging import walk


def _newest_first(town: Town, kind: str, matches: Callable[[Any], bool] = lambda _: True) -> list[Any]:
    return [known.id for known in reversed(town.known(kind)) if matches(known.state)]


def _orders(town: Town, matches: Callable[[Any], bool] = lambda _: True) -> list[Any]:
    """Newest first, those of mass replacements among them."""
    both = sorted((*town.known("order"), *town.known("replacement_order")), key=lambda known: known.created_position)
    return [known.id for known in reversed(both) if matches(known.state)]


def _by_name(town: Town, kind: str, matches: Callable[[Any], bool] = lambda _: True) -> list[Any]:
    found = [known for known in town.known(kind) if matches(known.state)]
    return [known.id for known in sorted(found, key=lambda known: (known.state.name.lower(), known.id))]


async def _page(model: Any, narrow: Any, cursor: str | None) -> Page[Row[Any]]:
    page: Page[Row[Any]] = await model.list(narrow, limit=3, cursor=cursor)
    return page


def _same(known: Known, row: Any) -> bool:
    return (known.id, known.version, known.created_position, known.position, known.state) == (
        row.id,
        row.version,
        row.created_position,
        row.position,
        row.state,
    )


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("order", "orders"),
        ("target", "target_systems"),
        ("bridge", "bridges"),
        ("discovery", "discoveries"),
        ("run", "verification_runs"),
        ("principal", "principals"),
        ("alert", "alerts"),
    ],
)
async def test_each_thing_is_found_by_its_id(town: Town, ask: Views, kind: str, model: str) -> None:
    """State, version and positions are those of its events; an unknown id is None."""
    known = town.known(kind)
    assert known
    for one in known:
        assert _same(one, await getattr(ask, model).get(one.id))
    assert await getattr(ask, model).get(town.world.all("certificate")[0]) is None


async def test_orders(town: Town, ask: Views) -> None:
    """Newest first, by status, provider, mode, name and who asked."""
    cases: list[tuple[OrderFilter, Callable[[Any], bool]]] = [
        (OrderFilter(), lambda _: True),
        (OrderFilter(status=(OrderStatus.FAILED,)), lambda o: o.status is OrderStatus.FAILED),
        (OrderFilter(provider=("acme", "local_pki")), lambda o: o.parameters.provider in {"acme", "local_pki"}),
        (OrderFilter(mode=("csr",)), lambda o: o.mode == "csr"),
        (OrderFilter(requested_by=("rita",)), lambda o: o.requested_by.id == "rita"),
        (OrderFilter(q="NEW1"), lambda o: "new1" in o.parameters.common_name),
    ]
    for narrow, matches in cases:
        expected = _orders(town, matches)
        assert expected
        found = await walk(partial(_page, ask.orders, narrow))
        assert expected == [row.id for row in found]
        assert expected == [row.id async for rows in ask.orders.stream(narrow) for row in rows]
    still_open = {OrderStatus.PENDING, OrderStatus.PROCESSING}
    expected = _orders(town, lambda o: o.status in still_open)[::-1]
    assert expected[:2] == [row.id for row in await ask.orders.open(2)]


async def _asked(question: Any, narrow: Any, cursor: str | None) -> Page[Row[Any]]:
    page: Page[Row[Any]] = await question(narrow, limit=3, cursor=cursor)
    return page


async def test_acme_clients(town: Town, ask: Views) -> None:
    """Keys, accounts and orders, newest first: of whom, with what, in which state."""
    clients = ask.acme_clients
    key, order = town.known("acme_eab_key")[0], town.known("acme_order")[0]
    [account] = [known for known in town.known("acme_account") if known.id == order.state.account_id]
    owner = key.state.principal_id
    cases: list[tuple[str, Any, Any, Callable[[Any], bool]]] = [
        ("acme_eab_key", clients.eab_keys, EabKeyFilter(), lambda _: True),
        ("acme_eab_key", clients.eab_keys, EabKeyFilter(principal_id=(owner,)), lambda k: k.principal_id == owner),
        ("acme_eab_key", clients.eab_keys, EabKeyFilter(revoked=True), lambda k: k.revoked_at is not None),
        ("acme_account", clients.accounts, AccountFilter(), lambda _: True),
        (
            "acme_account",
            clients.accounts,
            AccountFilter(eab_key_id=(account.state.eab_key_id,), principal_id=(account.state.principal_id,)),
            lambda a: a.eab_key_id == account.state.eab_key_id,
        ),
        (
            "acme_account",
            clients.accounts,
            AccountFilter(status=(AcmeAccountStatus.REVOKED,)),
            lambda a: a.status is AcmeAccountStatus.REVOKED,
        ),
        ("acme_order", clients.orders, AcmeOrderFilter(q="ACME1"), lambda o: "acme1" in o.names[0]),
        (
            "acme_order",
            clients.orders,
            AcmeOrderFilter(account_id=(account.id,)),
            lambda o: o.account_id == account.id,
        ),
    ]
    for kind, question, narrow, matches in cases:
        expected = _newest_first(town, kind, matches)
        assert expected, narrow
        assert expected == [row.id for row in await walk(partial(_asked, question, narrow))], narrow
    for kind, question in (
        ("acme_eab_key", clients.eab_key),
        ("acme_account", clients.account),
        ("acme_order", clients.order),
    ):
        for one in town.known(kind):
            assert _same(one, await question(one.id))
    assert await clients.order(key.id) is None


async def test_target_systems(town: Town, ask: Views) -> None:
    """By name, narrowed by kind, bridge, tag, text."""
    bridge_id = town.known("target")[0].state.bridge_id
    cases: list[tuple[TargetSystemFilter, Callable[[Any], bool]]] = [
        (TargetSystemFilter(), lambda _: True),
        (TargetSystemFilter(kind=("haproxy",)), lambda t: t.settings.kind == "haproxy"),
        (TargetSystemFilter(bridge_id=(bridge_id,)), lambda t: t.bridge_id == bridge_id),
        (TargetSystemFilter(tag=("prod", "none")), lambda t: "prod" in t.tags),
        (TargetSystemFilter(cloud=False, retired=False), lambda t: not t.settings.cloud and not t.retired),
        (TargetSystemFilter(q="EB-1"), lambda t: "eb-1" in t.name),
    ]
    for narrow, matches in cases:
        expected = _by_name(town, "target", matches)
        assert expected
        found = await walk(partial(_page, ask.target_systems, narrow))
        assert expected == [row.id for row in found]
        assert expected == [row.id async for rows in ask.target_systems.stream(narrow) for row in rows]
    assert set(_by_name(town, "target")) == set(await ask.target_systems.get_many(town.world.all("target")))


async def test_bridges(town: Town, ask: Views) -> None:
    """By name and status; by the certificate they come with; by the token that enrols them, until it is spent."""
    assert _by_name(town, "bridge") == [row.id for row in await walk(lambda c: ask.bridges.list(limit=2, cursor=c))]
    connected = BridgeFilter(status=(BridgeStatus.CONNECTED,))
    expected = _by_name(town, "bridge", lambda b: b.status is BridgeStatus.CONNECTED)
    assert expected
    assert expected == [row.id for row in (await ask.bridges.list(connected)).items]
    assert [] == list((await ask.bridges.list(BridgeFilter(q="no such name"))).items)
    spent = 0
    for known in town.known("bridge"):
        if fingerprint := known.state.certificate_fingerprint_sha256:
            row = await ask.bridges.by_certificate(fingerprint)
            assert row
            assert known.id == row.id
            assert await ask.bridges.by_enrolment_token(known.id.hex * 2) is None
            spent += 1
        else:
            row = await ask.bridges.by_enrolment_token(known.state.token_sha256)
            assert row
            assert known.id == row.id
    assert 0 < spent < len(town.known("bridge"))


async def test_discoveries(town: Town, ask: Views) -> None:
    """Newest first; the last completed one of each target system."""
    target = town.known("discovery")[0].state.target_system_id
    narrow = DiscoveryFilter(target_system_id=(target,), completed=True)
    expected = _newest_first(town, "discovery", lambda d: d.completed and d.target_system_id == target)
    assert expected == [row.id for row in await walk(lambda c: ask.discoveries.list(narrow, limit=1, cursor=c))]
    ill = _newest_first(town, "discovery", lambda d: d.healthy is False)
    assert ill == [row.id for row in (await ask.discoveries.list(DiscoveryFilter(healthy=False))).items]
    last = {k.state.target_system_id: k.id for k in sorted(town.known("discovery"), key=_position) if k.state.completed}
    assert last == {key: row.id for key, row in (await ask.discoveries.latest(town.world.all("target"))).items()}
    assert len(last) > 1


def _position(known: Known) -> int:
    return known.position


async def test_verification_runs(town: Town, ask: Views) -> None:
    """Newest first; the last completed one."""
    narrow = VerificationRunFilter(completed=True, trigger=("schedule",))
    found = await walk(lambda cursor: ask.verification_runs.list(narrow, limit=50, cursor=cursor))
    assert _newest_first(town, "run", lambda r: r.completed) == [row.id for row in found]
    last = max((k for k in town.known("run") if k.state.completed), key=_position)
    latest = await ask.verification_runs.latest()
    assert latest
    assert last.id == latest.id


async def test_principals_and_tokens(town: Town, ask: Views) -> None:
    """Newest first, by role, by id; a token comes with its owner as they are now, also when neither is of use."""
    walked = await walk(lambda cursor: ask.principals.list(limit=4, cursor=cursor))
    assert _newest_first(town, "principal") == [row.id for row in walked]
    approver = next(role for role in Role if any(role in k.state.roles for k in town.known("principal")))
    expected = _newest_first(town, "principal", lambda p: approver in p.roles)
    assert expected == [row.id for row in (await ask.principals.list(PrincipalFilter(role=(approver,)))).items]
    disabled = PrincipalFilter(disabled=True)
    assert _newest_first(town, "principal", lambda p: p.disabled) == [
        r.id for r in (await ask.principals.list(disabled)).items
    ]
    someone = town.known("principal")[2]
    assert [someone.id] == [row.id for row in (await ask.principals.list(PrincipalFilter(ids=(someone.id,)))).items]
    assert not (await ask.principals.list(PrincipalFilter(ids=()))).items
    for known in town.known("token"):
        holder = await ask.principals.token(known.id)
        assert holder
        assert _same(known, holder.token)
        assert town.world.states[known.state.principal_id] == holder.owner.state
    revoked = _newest_first(town, "token", lambda t: t.revoked_at is not None)
    found = await walk(lambda cursor: ask.principals.tokens(TokenFilter(revoked=True), limit=2, cursor=cursor))
    assert revoked == [holder.token.id for holder in found]
    owner = town.known("token")[0].state.principal_id
    of_owner = await ask.principals.tokens(TokenFilter(principal_id=(owner,)))
    assert _newest_first(town, "token", lambda t: t.principal_id == owner) == [h.token.id for h in of_owner.items]


async def test_alerts(town: Town, ask: Views) -> None:
    """Newest first; which are open of a cause, and how many a cause has had."""
    alerts = town.known("alert")
    found = await walk(lambda cursor: ask.alerts.list(AlertFilter(open=True), limit=1, cursor=cursor))
    assert _newest_first(town, "alert", lambda a: a.open) == [row.id for row in found]
    seen = AlertFilter(acknowledged=True)
    assert _newest_first(town, "alert", lambda a: a.acknowledged_at is not None) == [
        row.id for row in (await ask.alerts.list(seen)).items
    ]
    for cause in {known.state.cause for known in alerts}:
        of_cause = [known for known in alerts if known.state.cause == cause]
        assert [k.id for k in of_cause if k.state.open] == await ask.alerts.open_of_cause(cause)
        assert max(k.state.ordinal for k in of_cause) == await ask.alerts.latest_ordinal(cause)
        listed = await ask.alerts.list(AlertFilter(cause=(cause,)))
        assert [k.id for k in reversed(of_cause)] == [row.id for row in listed.items]
    assert await ask.alerts.latest_ordinal("push_failed:nobody") == 0
    assert await ask.alerts.open_of_cause("push_failed:nobody") == []
