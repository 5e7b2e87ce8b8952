"""The editor of expiry alert rules."""

from uuid import UUID

import msgspec

from api.asking import Command, Reading
from api.pages.editing import Editor, Known, Upkeep, convert, handlers
from api.pages.fields import Field, Look, Raw, Section, raw_of, value_of, written
from api.pages.policy_forms import NAME, PATTERNS
from api.registered import entry_of, save
from api.schemas.expiry_alert_rules import ExpiryAlertRuleBodyIn
from application import registers
from application.house import Context
from domain.expiry_alert_rule import DEFAULT_THRESHOLDS, KIND, ExpiryAlertRule, checked
from domain.roles import Permission

FIELDS = (
    NAME,
    Field("thresholds", "Days before expiry", Look.NUMBERS, hint="One a line."),
    Field("relative_thresholds", "Percent of the lifetime left", Look.NUMBERS, hint="One a line, 1 to 99."),
    Field("owners", "Owners", Look.LINES, hint="One a line. Empty: whoever owns it."),
    Field("tags", "Tags", Look.LINES, hint="One a line. Empty: whatever its tags."),
    Field("issuers", "Issuers", Look.LINES, hint="Parts of their names, one a line. Empty: every issuer."),
    Field("names", "Names", Look.LINES, hint=f"{PATTERNS} Empty: every name."),
    Field("channel_ids", "Channels", Look.LINES, hint="Ids, one a line. Empty: all that take alerts of expiry."),
)


def _blank(_: Raw) -> dict[str, tuple[str, ...]]:
    return raw_of(FIELDS, {"thresholds": DEFAULT_THRESHOLDS})


async def _load(reading: Reading, rule_id: UUID) -> Known:
    found = await entry_of(reading, KIND, rule_id)
    return Known(found.terms.name, found.version, raw_of(FIELDS, msgspec.structs.asdict(found.terms)))


def _names(_: Raw) -> list[str]:
    return [each.name for each in FIELDS]


def _sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    return [Section("Rule", written(FIELDS, raw, problems))]


async def _save(command: Command, context: Context, rule_id: UUID | None, raw: Raw) -> int:
    body = convert(value_of(FIELDS, raw), ExpiryAlertRuleBodyIn)
    terms = checked(ExpiryAlertRule(**msgspec.structs.asdict(body)))
    return await save(command.house, context, KIND, rule_id, terms)


async def _retire(command: Command, context: Context, rule_id: UUID) -> int:
    return (await registers.retire(command.house, context, KIND, rule_id)).position


EDITOR = Editor(
    path="/expiry-alert-rules",
    words="expiry alert rule",
    permission=Permission.CHANNELS,
    blank=_blank,
    names=_names,
    sections=_sections,
    save=_save,
    upkeep=Upkeep(_load, _retire, "It raises nothing any more, and its open alerts are resolved. Its history stays."),
)
HANDLERS = handlers(EDITOR)
