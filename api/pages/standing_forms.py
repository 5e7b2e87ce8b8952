"""The form that proposes a standing approval. Its terms are never changed: revoke it, and propose another one."""

from typing import Any
from uuid import UUID

import msgspec

from api.asking import Command
from api.instants import in_utc
from api.pages import finding
from api.pages.editing import Editor, convert, handlers
from api.pages.fields import Field, Look, Raw, Section, choices, raw_of, value_of, written
from api.pages.policy_forms import NAME, PATTERNS
from api.pages.standing_words import PATH
from api.presenters.standing_approvals import terms_of
from api.schemas.standing_approvals import StandingApprovalBodyIn
from application.house import Context
from application.standing import propose_standing_approval
from domain.roles import Permission
from domain.standing_terms import StandingTerms, Weekday

_TARGETS = "target_system_ids"
TERMS = (
    NAME,
    Field("description", "Description", Look.AREA),
    Field("names", "Every name lies within", Look.LINES, hint=PATTERNS),
    Field("issuers", "Issuers", Look.LINES, hint="Distinguished or common names, exactly, one a line."),
    Field("key_algorithms", "Key algorithms", Look.LINES, hint="As ec-256 or rsa-3072, one a line."),
    Field(_TARGETS, "Target systems", Look.LINES, hint=f"{finding.TARGETS} Changed settings take a new approval."),
)
TIME = (
    Field("starts_at", "From (UTC)", Look.MOMENT, hint="Empty: as soon as it is approved."),
    Field("expires_at", "Until (UTC)", Look.MOMENT, hint="Within 400 days."),
)
WINDOW = (
    Field("opens", "Pushes begin from (UTC)", hint="As 22:00. Empty: at any time."),
    Field("closes", "and before (UTC)", hint="As 02:00; at or before the other time: of the next day."),
    Field("weekdays", "On these days", Look.MANY, choices(Weekday), "None of them: every day."),
)
_WINDOW = "window."


def _blank(_: Raw) -> dict[str, tuple[str, ...]]:
    return raw_of((*TERMS, *TIME), {}) | raw_of(WINDOW, {}, _WINDOW)


def _names(_: Raw) -> list[str]:
    return [*(each.name for each in (*TERMS, *TIME)), *(f"{_WINDOW}{each.name}" for each in WINDOW)]


def _sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    return [
        Section("Renewals that are pushed under it", written(TERMS, raw, problems)),
        Section("In force", written(TIME, raw, problems)),
        Section("Window", written(WINDOW, raw, problems, _WINDOW)),
    ]


async def _propose(command: Command, context: Context, _: UUID | None, raw: Raw) -> int:
    return (await propose_standing_approval(command.house, context, await _terms(command, raw))).position


async def _terms(command: Command, raw: Raw) -> StandingTerms:
    value: dict[str, Any] = value_of((*TERMS, *TIME), raw)
    if window := {name: said for name, said in value_of(WINDOW, raw, _WINDOW).items() if said}:
        value["window"] = {"opens": "", "closes": ""} | window
    await command.caught_up()
    value[_TARGETS] = await finding.target_ids(command.services.views, value[_TARGETS], f"/{_TARGETS}")
    body = convert(value, StandingApprovalBodyIn)
    given = {each.name: in_utc(at, f"/{each.name}") for each in TIME if (at := getattr(body, each.name)) is not None}
    return msgspec.structs.replace(terms_of(body), **given)


EDITOR = Editor(
    path=PATH,
    words="standing approval",
    permission=Permission.STANDING_APPROVALS,
    blank=_blank,
    names=_names,
    sections=_sections,
    save=_propose,
)
HANDLERS = handlers(EDITOR)
