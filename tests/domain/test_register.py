"""Registers: entries with versions of their own in one stream; shown on issuance policies."""

import pytest

from domain import ids, register
from domain.errors import Code, Refused
from domain.issuance_policy import (
    KIND,
    IssuancePolicy,
    IssuancePolicyChanged,
    IssuancePolicyCreated,
    IssuancePolicyRetired,
    checked,
    in_force,
)
from domain.issuance_rules import IssuanceRule
from tests.support.deciders import state_of
from tests.support.histories import HOUR, OPERATOR, T0, by

FIRST, SECOND = ids.derive("test", "first"), ids.derive("test", "second")
SHORT = IssuancePolicy(name="Short", rules=(IssuanceRule(name="short", maximum_validity_days=90),))
SHORTER = IssuancePolicy(name="Shorter", rules=(IssuanceRule(name="short", maximum_validity_days=30),))
META, LATER = by(OPERATOR), by(OPERATOR, T0 + HOUR)
CREATED = IssuancePolicyCreated(meta=META, policy_id=FIRST, policy=SHORT)
CHANGED = IssuancePolicyChanged(meta=LATER, policy_id=FIRST, policy=SHORTER)
RETIRED = IssuancePolicyRetired(meta=LATER, policy_id=FIRST)


def test_an_entry_from_creation_to_retirement() -> None:
    """Each version stays; a repeat makes no event; what is retired does not count and cannot be changed."""
    assert (CREATED,) == register.create(KIND, None, META, FIRST, SHORT)
    made = state_of(CREATED)
    assert () == register.create(KIND, made, META, FIRST, SHORT)
    assert () == register.change(KIND, made, META, FIRST, SHORT)
    assert (CHANGED,) == register.change(KIND, made, LATER, FIRST, SHORTER)
    changed = state_of(CREATED, CHANGED)
    [entry] = changed.entries
    assert (2, SHORTER, [SHORT, SHORTER]) == (entry.version, entry.terms, [each.terms for each in entry.revisions])
    assert [2] == [each.version for each in in_force(changed)]
    assert (RETIRED,) == register.retire(KIND, changed, LATER, FIRST)
    over = state_of(CREATED, CHANGED, RETIRED)
    assert (3, ()) == (over.entries[0].version, in_force(over))
    assert () == register.retire(KIND, over, LATER, FIRST)
    with pytest.raises(Refused) as caught:
        register.change(KIND, over, LATER, FIRST, SHORT)
    assert Code.INVALID_TRANSITION is caught.value.code


def test_names_are_unique_among_what_is_in_force() -> None:
    """Whatever the case; a retired entry gives its name back; another's version stays as it is."""
    with pytest.raises(Refused) as caught:
        register.create(KIND, state_of(CREATED), META, SECOND, IssuancePolicy(name="SHORT", rules=SHORT.rules))
    assert (Code.ALREADY_EXISTS, "/name") == (caught.value.code, caught.value.pointer)
    over = state_of(CREATED, RETIRED)
    [again] = register.create(KIND, over, META, SECOND, SHORT)
    both = register.with_entry(over, META, SECOND, SHORT)
    assert (SECOND, [2, 1]) == (both.entries[1].id, [entry.version for entry in both.entries])
    assert isinstance(again, IssuancePolicyCreated)
    with pytest.raises(Refused) as caught:
        register.retire(KIND, both, META, ids.derive("test", "third"))
    assert Code.NOT_FOUND is caught.value.code


def test_a_policy_is_checked_as_a_whole() -> None:
    """Patterns get their one spelling; each rule has a name of its own, each mistake a place."""
    rules = (IssuanceRule(name="a", domains=("Example.ORG",)), IssuanceRule(name="A", names=("*",)))
    for wrong, pointer in (
        (rules, "/rules/1/name"),
        ((rules[0], IssuanceRule(name="b", domains=("*", "no pattern"))), "/rules/1/domains/1"),
        ((IssuanceRule(name="b", names=("**",)),), "/rules/0/names/0"),
    ):
        with pytest.raises(Refused) as caught:
            checked(IssuancePolicy(name="Servers", rules=wrong))
        assert (Code.VALIDATION_FAILED, pointer) == (caught.value.code, caught.value.pointer)
    assert ("example.org",) == checked(IssuancePolicy(name="Servers", rules=rules[:1])).rules[0].domains
