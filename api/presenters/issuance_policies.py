"""Issuance policies, and what orders break of them."""

import msgspec

from api.presenters.common import actor
from api.schemas.issuance_policies import EvaluationBody, IssuancePolicyBody, IssuanceRuleBody
from api.schemas.violations import ViolationBody
from domain.issuance_policy import IssuancePolicy
from domain.issuance_rules import IssuanceRule
from domain.register import Entry, Revision
from domain.violation import Judgement, Violation


def body(found: Entry[IssuancePolicy]) -> IssuancePolicyBody:
    """A policy as it is now."""
    return revision(found, found.revisions[-1])


def revision(found: Entry[IssuancePolicy], said: Revision[IssuancePolicy]) -> IssuancePolicyBody:
    """A policy as it was in one of its versions."""
    latest = said is found.revisions[-1]
    return IssuancePolicyBody(
        id=found.id,
        name=said.terms.name,
        description=said.terms.description,
        version=found.version if latest else said.version,
        rules=tuple(IssuanceRuleBody(**msgspec.structs.asdict(rule)) for rule in said.terms.rules),
        retired=latest and found.retired,
        changed_at=said.at,
        changed_by=actor(said.by),
    )


def rule(wanted: IssuanceRuleBody) -> IssuanceRule:
    """A rule as it was sent."""
    return IssuanceRule(**msgspec.structs.asdict(wanted))


def evaluation(found: Judgement) -> EvaluationBody:
    """What policies would say."""
    return EvaluationBody(
        allowed=not found.violations,
        violations=tuple(map(violation, found.violations)),
        warnings=tuple(map(violation, found.warnings)),
    )


def violation(found: Violation) -> ViolationBody:
    """One of them."""
    return ViolationBody(**msgspec.structs.asdict(found))
