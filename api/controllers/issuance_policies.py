"""Issuance policies: rules that orders are held against."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET

from api.answers import single
from api.asking import Command, Reading, location_of
from api.body import given
from api.controllers.certificate_filter import Text
from api.controllers.orders import parameters
from api.paging import Cursor, Limit, listed
from api.presenters.issuance_policies import body, evaluation, rule
from api.registered import entry_of, pages_of
from api.schemas.issuance_policies import (
    ChangeIssuancePolicyBody,
    EvaluationBody,
    IssuancePolicyBody,
    IssuancePolicyBodyIn,
    IssuancePolicyPage,
)
from api.schemas.orders import OrderBodyIn
from api.security import requires
from application import registers
from application.house import Done
from application.judging import judge_order
from application.ordering import check_order
from domain.issuance_policy import KIND, IssuancePolicy, checked
from domain.roles import Permission

READERS = requires(Permission.POLICIES, Permission.READ_EVERYTHING)
WRITERS = requires(Permission.POLICIES)


@get("/issuance-policies", opt=READERS)
async def list_issuance_policies(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    retired: FromQuery[bool | None] = None,
    q: Text = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[IssuancePolicyPage]:
    """Issuance policies, oldest first; `q` is a part of the name."""
    ask = pages_of(reading, KIND, retired=retired, q=q)
    columns = IssuancePolicyBody.__struct_fields__
    return await listed(request, ask, lambda each: body(each.entry), columns, limit=limit, cursor=cursor)


@post("/issuance-policies", opt=WRITERS)
async def create_an_issuance_policy(
    data: JSONBody[IssuancePolicyBodyIn], command: NamedDependency[Command]
) -> Response[IssuancePolicyBody]:
    """From now on orders are held against this policy, too. It counts with the next order."""
    wanted = IssuancePolicy(name=data.name, description=data.description, rules=tuple(map(rule, data.rules)))
    done = await registers.create(command.house, command.context, KIND, checked(wanted))
    location = location_of("issuance-policies", done.result.id)
    return await command.answer(done, body(done.result), status=201, version=done.result.version, location=location)


@get("/issuance-policies/{issuance_policy_id:uuid}", opt=READERS)
async def get_issuance_policy(
    issuance_policy_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[IssuancePolicyBody]:
    """One policy. How it was when an order was judged, `as_of` shows."""
    found = await entry_of(reading, KIND, issuance_policy_id)
    return single(body(found), found.version)


@patch("/issuance-policies/{issuance_policy_id:uuid}", opt=WRITERS)
async def change_an_issuance_policy(
    issuance_policy_id: FromPath[UUID], data: JSONBody[ChangeIssuancePolicyBody], command: NamedDependency[Command]
) -> Response[IssuancePolicyBody]:
    """A new version. Orders that were submitted before are not judged again, unless they are resubmitted."""
    sent = given(data)
    if data.rules is not UNSET:
        sent["rules"] = tuple(map(rule, data.rules))

    def changed(known: IssuancePolicy) -> IssuancePolicy:
        return checked(msgspec.structs.replace(known, **sent))

    done = await registers.change(command.house, command.context, KIND, issuance_policy_id, changed)
    return await command.answer(done, body(done.result), version=done.result.version)


@delete("/issuance-policies/{issuance_policy_id:uuid}", opt=WRITERS)
async def retire_an_issuance_policy(
    issuance_policy_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[None]:
    """No order is held against it any more. Its history stays."""
    done = await registers.retire(command.house, command.context, KIND, issuance_policy_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@post(
    "/issuance-policies/evaluate",
    opt=requires(Permission.ORDER, Permission.POLICIES, Permission.READ_EVERYTHING),
    status_code=200,
)
async def evaluate_issuance_policies(
    data: JSONBody[OrderBodyIn], command: NamedDependency[Command]
) -> Response[EvaluationBody]:
    """What the policies would say of this order of yours. Nothing is ordered, nothing recorded."""
    house, issuers = command.house, command.services.issuers
    wish = await check_order(house, issuers, parameters(data))
    judged = await judge_order(house, command.context.actor, issuers, wish)
    done = Done(result=judged.judgement, position=await house.log.head())
    return await command.answer(done, evaluation(judged.judgement))


HANDLERS = [
    list_issuance_policies,
    create_an_issuance_policy,
    get_issuance_policy,
    change_an_issuance_policy,
    retire_an_issuance_policy,
    evaluate_issuance_policies,
]
