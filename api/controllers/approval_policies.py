"""Approval policies: how many people must agree to a push, and who."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import single
from api.asking import Command, Reading, location_of
from api.body import given
from api.controllers.certificate_filter import Text
from api.paging import Cursor, Limit, listed
from api.presenters.approval_policies import body, resolved, terms_of
from api.registered import entry_of, pages_of
from api.schemas.approval_policies import (
    ApprovalPolicyBody,
    ApprovalPolicyBodyIn,
    ApprovalPolicyPage,
    ChangeApprovalPolicyBody,
    ResolveBody,
    ResolvedBody,
)
from api.security import any_role, requires
from application import registers
from application.approval_rules import resolve_push
from application.house import Done
from domain.approval_policy import KIND, ApprovalTerms, checked, checked_change
from domain.roles import Permission

WRITERS = requires(Permission.POLICIES)


@get("/approval-policies", opt=any_role())
async def list_approval_policies(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    retired: FromQuery[bool | None] = None,
    q: Text = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ApprovalPolicyPage]:
    """The policies that say who must agree to a push: the built-in ones, then oldest first; `q`: a part of the name."""
    ask = pages_of(reading, KIND, retired=retired, q=q)
    columns = ApprovalPolicyBody.__struct_fields__
    return await listed(request, ask, lambda each: body(each.entry), columns, limit=limit, cursor=cursor)


@post("/approval-policies", opt=WRITERS)
async def create_an_approval_policy(
    data: JSONBody[ApprovalPolicyBodyIn], command: NamedDependency[Command]
) -> Response[ApprovalPolicyBody]:
    """From now on pushes that match come under it, unless one of a higher priority matches, too."""
    wanted = checked(ApprovalTerms(**terms_of(msgspec.structs.asdict(data))))
    done = await registers.create(command.house, command.context, KIND, wanted)
    location = location_of("approval-policies", done.result.id)
    return await command.answer(done, body(done.result), status=201, version=done.result.version, location=location)


@get("/approval-policies/{approval_policy_id:uuid}", opt=any_role())
async def get_approval_policy(
    approval_policy_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[ApprovalPolicyBody]:
    """One policy. How it was when a push was requested, `as_of_position` shows."""
    found = await entry_of(reading, KIND, approval_policy_id)
    return single(body(found), found.version)


@patch("/approval-policies/{approval_policy_id:uuid}", opt=WRITERS)
async def change_an_approval_policy(
    approval_policy_id: FromPath[UUID], data: JSONBody[ChangeApprovalPolicyBody], command: NamedDependency[Command]
) -> Response[ApprovalPolicyBody]:
    """A new version, for pushes requested from now on. Work orders keep the one that they were requested under."""
    sent = given(data)
    terms = terms_of(sent)

    def changed(known: ApprovalTerms) -> ApprovalTerms:
        return checked_change(approval_policy_id, msgspec.structs.replace(known, **terms))

    done = await registers.change(command.house, command.context, KIND, approval_policy_id, changed)
    return await command.answer(done, body(done.result), version=done.result.version)


@delete("/approval-policies/{approval_policy_id:uuid}", opt=WRITERS)
async def retire_an_approval_policy(
    approval_policy_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[None]:
    """No later push comes under it. Its history stays. A built-in policy cannot be retired."""
    done = await registers.retire(command.house, command.context, KIND, approval_policy_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@post("/approval-policies/evaluate", opt=any_role(), status_code=200)
async def evaluate_approval_policies(
    data: JSONBody[ResolveBody], command: NamedDependency[Command]
) -> Response[ResolvedBody]:
    """Which policy a push would come under, and why. Nothing is requested, nothing recorded."""
    house = command.house
    found = await resolve_push(
        house,
        command.now,
        certificate_id=data.certificate_id,
        target_system_id=data.target_system_id,
        profile=data.profile,
        action=data.action,
    )
    return await command.answer(Done(result=found, position=await house.log.head()), resolved(found))


HANDLERS = [
    list_approval_policies,
    create_an_approval_policy,
    get_approval_policy,
    change_an_approval_policy,
    retire_an_approval_policy,
    evaluate_approval_policies,
]
