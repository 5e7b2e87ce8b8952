"""The editor of approval policies: what a policy is for, how long approvals hold, and who gives each level."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from api.asking import Command, Reading
from api.pages import finding, levels
from api.pages.editing import Editor, Known, Upkeep, convert, handlers
from api.pages.fields import Field, Look, Raw, Section, choices, raw_of, value_of, written
from api.pages.lasting import HINT, lasting, seconds
from api.pages.policy_forms import NAME
from api.presenters.approval_policies import terms_of
from api.registered import entry_of
from api.schemas.approval_policies import WEEK, ApprovalPolicyBodyIn
from application import registers
from application.house import Context
from bridge.protocol import KINDS
from domain.approval_policy import BUILT_IN, KIND, ApprovalTerms, PushAction, checked, checked_change
from domain.roles import Permission

TIMES = (
    Field("request_expires_after_seconds", "A request waits for its approvals", hint=HINT, required=True),
    Field("approval_expires_after_seconds", "Approvals hold", hint=HINT, required=True),
)
POLICY = (NAME, Field("description", "Description", Look.AREA), *TIMES)
_TARGETS = "target_system_ids"
_ONCE_MORE = "Redeploy: once more what was approved and deployed on a connector and has not changed since."
SCOPE = (
    Field("actions", "For", Look.MANY, choices(PushAction), _ONCE_MORE),
    Field("certificate_tags", "Tags of the certificate", Look.LINES, hint="One a line. Empty: whatever its tags."),
    Field(_TARGETS, "Target systems", Look.LINES, hint=f"{finding.TARGETS} Empty: all."),
    Field("target_kinds", "Kinds of target", Look.LINES, hint=f"One a line, of {', '.join(KINDS)}. Empty: all."),
    Field("target_tags", "Tags of the target system", Look.LINES, hint="One a line. Empty: whatever its tags."),
    Field("priority", "Priority", Look.NUMBER, hint="Of the policies that match, the highest counts. Empty: 0."),
)
_BUILT_IN = "built-in"
"""The kind of form that a built-in policy has: what it is for stays as it is."""


def _fields(raw: Raw) -> tuple[Field, ...]:
    return POLICY if _BUILT_IN in raw("kind") else (*POLICY, *SCOPE)


def _blank(_: Raw) -> dict[str, tuple[str, ...]]:
    values: dict[str, Any] = {each.name: lasting(timedelta(seconds=WEEK)) for each in TIMES}
    return raw_of((*POLICY, *SCOPE), values | {"actions": (PushAction.PUSH,)}) | levels.raw_levels(2, ())


async def _load(reading: Reading, policy_id: UUID) -> Known:
    found = await entry_of(reading, KIND, policy_id)
    terms = found.terms
    values = msgspec.structs.asdict(terms)
    values |= {each.name: lasting(values[each.name.removesuffix("_seconds")]) for each in TIMES}
    values[_TARGETS] = await finding.target_lines(reading.views, terms.target_system_ids)
    raw = raw_of((*POLICY, *SCOPE), values) | levels.raw_levels(terms.levels, terms.level_roles)
    return Known(terms.name, found.version, raw | {"kind": (_BUILT_IN,) if _is_built_in(policy_id) else ()})


def _names(raw: Raw) -> list[str]:
    return [*(each.name for each in _fields(raw)), *levels.level_names(raw)]


def _sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    made = [Section("Policy", written(POLICY, raw, problems))]
    if _BUILT_IN not in raw("kind"):
        made.append(Section("Pushes that come under it", written(SCOPE, raw, problems)))
    return [*made, *levels.level_sections(raw, problems)]


async def _save(command: Command, context: Context, policy_id: UUID | None, raw: Raw) -> int:
    terms = await _terms(command, raw, built_in=policy_id is not None and _is_built_in(policy_id))
    if policy_id is None:
        with levels.numbered(raw):
            return (await registers.create(command.house, context, KIND, checked(ApprovalTerms(**terms)))).position

    def changed(known: ApprovalTerms) -> ApprovalTerms:
        wanted = msgspec.structs.replace(known, **terms)
        if (known.levels, levels.trimmed(known.level_roles)) == (wanted.levels, levels.trimmed(wanted.level_roles)):
            wanted = msgspec.structs.replace(wanted, level_roles=known.level_roles)
        return checked_change(policy_id, wanted)

    with levels.numbered(raw):
        return (await registers.change(command.house, context, KIND, policy_id, changed)).position


async def _terms(command: Command, raw: Raw, *, built_in: bool) -> dict[str, Any]:
    """Everything that the form decides on."""
    value = value_of(POLICY if built_in else (*POLICY, *SCOPE), raw)
    value |= {each.name: seconds(value[each.name], f"/{each.name}") for each in TIMES}
    value["levels"], value["level_roles"] = levels.levels_of(raw)
    if _TARGETS in value:
        await command.caught_up()
        value[_TARGETS] = await finding.target_ids(command.services.views, value[_TARGETS], f"/{_TARGETS}")
    with levels.numbered(raw):
        body = convert(value, ApprovalPolicyBodyIn)
    kept = {each.name for each in SCOPE} if built_in else frozenset[str]()
    return terms_of({name: each for name, each in msgspec.structs.asdict(body).items() if name not in kept})


def _is_built_in(policy_id: UUID) -> bool:
    return BUILT_IN.get(policy_id) is not None


async def _retire(command: Command, context: Context, policy_id: UUID) -> int:
    return (await registers.retire(command.house, context, KIND, policy_id)).position


_RETIRED = "No later push comes under it; work orders keep what they were requested under. Its history stays."
EDITOR = Editor(
    path="/approval-policies",
    words="approval policy",
    permission=Permission.POLICIES,
    blank=_blank,
    names=_names,
    sections=_sections,
    save=_save,
    upkeep=Upkeep(_load, _retire, _RETIRED, lasting=_is_built_in),
    more="Another level",
)
HANDLERS = handlers(EDITOR)
