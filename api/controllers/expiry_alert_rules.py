"""Expiry alert rules: of which certificates, and how early, people are told."""

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
from api.presenters.expiry_alert_rules import body
from api.registered import entry_of, pages_of
from api.schemas.expiry_alert_rules import (
    ChangeExpiryAlertRuleBody,
    ExpiryAlertRuleBody,
    ExpiryAlertRuleBodyIn,
    ExpiryAlertRulePage,
)
from api.security import requires
from application import registers
from domain.expiry_alert_rule import KIND, ExpiryAlertRule, checked
from domain.roles import Permission

READERS = requires(Permission.ALERTS, Permission.CHANNELS, Permission.READ_EVERYTHING)
WRITERS = requires(Permission.CHANNELS)


@get("/expiry-alert-rules", opt=READERS)
async def list_expiry_alert_rules(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    retired: FromQuery[bool | None] = None,
    q: Text = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ExpiryAlertRulePage]:
    """Expiry alert rules, oldest first; `q` is a part of the name."""
    ask = pages_of(reading, KIND, retired=retired, q=q)
    columns = ExpiryAlertRuleBody.__struct_fields__
    return await listed(request, ask, lambda each: body(each.entry), columns, limit=limit, cursor=cursor)


@post("/expiry-alert-rules", opt=WRITERS)
async def create_an_expiry_alert_rule(
    data: JSONBody[ExpiryAlertRuleBodyIn], command: NamedDependency[Command]
) -> Response[ExpiryAlertRuleBody]:
    """Of every certificate that matches an alert is raised at each threshold, once."""
    wanted = checked(ExpiryAlertRule(**msgspec.structs.asdict(data)))
    done = await registers.create(command.house, command.context, KIND, wanted)
    location = location_of("expiry-alert-rules", done.result.id)
    return await command.answer(done, body(done.result), status=201, version=done.result.version, location=location)


@get("/expiry-alert-rules/{expiry_alert_rule_id:uuid}", opt=READERS)
async def get_expiry_alert_rule(
    expiry_alert_rule_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[ExpiryAlertRuleBody]:
    """One rule."""
    found = await entry_of(reading, KIND, expiry_alert_rule_id)
    return single(body(found), found.version)


@patch("/expiry-alert-rules/{expiry_alert_rule_id:uuid}", opt=WRITERS)
async def change_an_expiry_alert_rule(
    expiry_alert_rule_id: FromPath[UUID], data: JSONBody[ChangeExpiryAlertRuleBody], command: NamedDependency[Command]
) -> Response[ExpiryAlertRuleBody]:
    """Change a rule. Open alerts that it would not raise any more are resolved."""
    sent = given(data)

    def changed(known: ExpiryAlertRule) -> ExpiryAlertRule:
        return checked(msgspec.structs.replace(known, **sent))

    done = await registers.change(command.house, command.context, KIND, expiry_alert_rule_id, changed)
    return await command.answer(done, body(done.result), version=done.result.version)


@delete("/expiry-alert-rules/{expiry_alert_rule_id:uuid}", opt=WRITERS)
async def retire_an_expiry_alert_rule(
    expiry_alert_rule_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[None]:
    """It raises nothing any more; its open alerts are resolved."""
    done = await registers.retire(command.house, command.context, KIND, expiry_alert_rule_id)
    return await command.answer(done, None, status=204, version=done.result.version)


HANDLERS = [
    list_expiry_alert_rules,
    create_an_expiry_alert_rule,
    get_expiry_alert_rule,
    change_an_expiry_alert_rule,
    retire_an_expiry_alert_rule,
]
