"""The editor of issuance policies: the policy, and rule by rule what it says."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec

from api.asking import Command, Reading
from api.pages.editing import Editor, Known, Upkeep, convert, handlers
from api.pages.fields import Field, Look, Raw, Section, choices, raw_of, value_of, written
from api.presenters.issuance_policies import rule
from api.registered import entry_of, save
from api.schemas.issuance_policies import IssuancePolicyBodyIn
from application import registers
from application.house import Context
from domain import issuance_policy
from domain.certificate_order import Provider
from domain.entity import ActorKind
from domain.errors import Refused
from domain.issuance_policy import IssuancePolicy
from domain.role_grant import Role
from domain.roles import Permission
from domain.violation import Severity

NAME = Field("name", "Name", required=True)
_ALGORITHMS = ("ec-256", "ec-384", "ec-521", "ed25519", "ed448", "rsa-2048", "rsa-3072", "rsa-4096", "rsa-8192")
PATTERNS = "One a line: example.org and everything below it, *.example.org only below it, 10.0.0.0/8, or *."
POLICY = (NAME, Field("description", "Description", Look.AREA))
RULE = (
    NAME,
    Field("severity", "Severity", Look.ONE, choices(Severity), "Hard ones block an order, soft ones warn."),
    Field("domains", "Orders that touch these domains", Look.LINES, hint=f"{PATTERNS} Empty: every order."),
    Field("key_algorithms", "Key algorithms", Look.MANY, tuple((each, each) for each in _ALGORITHMS)),
    Field("minimum_rsa_bits", "Bits of RSA keys, at least", Look.NUMBER),
    Field("minimum_ec_bits", "Bits of EC keys, at least", Look.NUMBER),
    Field("maximum_validity_days", "Days valid, at most", Look.NUMBER),
    Field("names", "Every name lies within", Look.LINES, hint=PATTERNS),
    Field("wildcards", "Wildcards are allowed", Look.SWITCH),
    Field("maximum_names", "Names, at most", Look.NUMBER),
    Field("providers", "Kinds of provider", Look.MANY, choices(Provider)),
    Field("provider_ids", "Single providers", Look.LINES, hint="Ids, one a line."),
    Field("roles", "Who holds one of these roles may ask", Look.MANY, choices(Role)),
    Field("principal_ids", "These may ask", Look.LINES, hint="Ids of principals, one a line."),
    Field("actor_kinds", "These kinds of actor may ask", Look.MANY, choices(ActorKind)),
)
MOST = 100
"""Rules of a policy, as over REST."""
_NEW_RULE: dict[str, Any] = {"severity": Severity.HARD.value, "wildcards": True}
_LEFT_OUT = Field("left_out", "Leave this rule out", Look.SWITCH)


def _rules(raw: Raw) -> range:
    """The numbers of the rules in the form."""
    return range(min(max(len(raw("section")), 1), MOST))


def _blank(_: Raw) -> dict[str, tuple[str, ...]]:
    return {"section": ("0",), **raw_of(RULE, _NEW_RULE, "rules.0.")}


async def _load(reading: Reading, policy_id: UUID) -> Known:
    found = await entry_of(reading, issuance_policy.KIND, policy_id)
    terms = found.terms
    raw = raw_of(POLICY, msgspec.structs.asdict(terms))
    for number, each in enumerate(terms.rules):
        raw |= raw_of(RULE, msgspec.structs.asdict(each), f"rules.{number}.")
    raw["section"] = tuple(map(str, range(len(terms.rules))))
    return Known(terms.name, found.version, raw)


def _names(raw: Raw) -> list[str]:
    return [*(each.name for each in POLICY), *(f"rules.{n}.{each.name}" for n in _rules(raw) for each in RULE)]


def _sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    made = [Section("Policy", written(POLICY, raw, problems))]
    for number in _rules(raw):
        prefix = f"rules.{number}."
        held = raw if raw(f"{prefix}severity") else _fresh(prefix)
        made.append(Section(f"Rule {number + 1}", written((*RULE, _LEFT_OUT), held, problems, prefix)))
    return made


def _fresh(prefix: str) -> Raw:
    """A rule that somebody is about to write."""
    held = raw_of(RULE, _NEW_RULE, prefix)
    return lambda name: held.get(name, ())


async def _save(command: Command, context: Context, policy_id: UUID | None, raw: Raw) -> int:
    kept = [number for number in _rules(raw) if not raw(f"rules.{number}.left_out")]
    rules = [value_of(RULE, raw, f"rules.{number}.") for number in kept]
    with _numbered(kept):
        body = convert(value_of(POLICY, raw) | {"rules": rules}, IssuancePolicyBodyIn)
        wanted = IssuancePolicy(name=body.name, description=body.description, rules=tuple(map(rule, body.rules)))
        terms = issuance_policy.checked(wanted)
    return await save(command.house, context, issuance_policy.KIND, policy_id, terms)


@contextmanager
def _numbered(kept: Sequence[int]) -> Iterator[None]:
    """What is wrong with a rule is told by its number in the form, where others may have been left out."""
    try:
        yield
    except Refused as refused:
        steps = (refused.pointer or "").split("/")
        if steps[1:2] == ["rules"] and len(steps) > 2:
            steps[2] = str(kept[int(steps[2])])
        raise Refused(refused.code, refused.detail, pointer="/".join(steps)) from None


async def _retire(command: Command, context: Context, policy_id: UUID) -> int:
    return (await registers.retire(command.house, context, issuance_policy.KIND, policy_id)).position


EDITOR = Editor(
    path="/issuance-policies",
    words="issuance policy",
    permission=Permission.POLICIES,
    blank=_blank,
    names=_names,
    sections=_sections,
    save=_save,
    upkeep=Upkeep(_load, _retire, "No order is held against it any more. Its history stays."),
    more="Another rule",
)
HANDLERS = handlers(EDITOR)
