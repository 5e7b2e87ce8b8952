"""What issuance policies say of orders."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.certificate_order import OrderParameters, Provider
from domain.entity import ActorKind
from domain.issuance_rules import InForce, IssuanceRule, Requested, Requester, asked, judge
from domain.role_grant import Role
from domain.violation import Severity

RITA, OTHER = UUID(int=1), UUID(int=2)
WISH = OrderParameters(
    provider=Provider.ACME,
    common_name="www.example.org",
    subject_alternative_names=("shop.example.org", "www.example.org"),
    key_algorithm="rsa-2048",
    validity_days=90,
    provider_id=UUID(int=9),
)
BY_RITA = Requester(ActorKind.USER, RITA, frozenset({Role.REQUESTER}))


def policy(*rules: IssuanceRule, number: int = 1) -> InForce:
    return InForce(UUID(int=100 + number), 3, f"Policy {number}", rules)


def said(
    rule: dict[str, Any], *, requested: Requested | None = None, by: Requester = BY_RITA, **changes: Any
) -> list[tuple[str, str]]:
    """Restriction and place of every violation of one rule."""
    order = asked(msgspec.structs.replace(WISH, **changes), requested, by)
    judgement = judge([policy(IssuanceRule(name="rule", **rule))], order)
    return [(each.restriction, each.pointer) for each in judgement.violations]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({}, []),
        ({"key_algorithms": ("rsa-2048",)}, []),
        ({"key_algorithms": ("ec-256", "ec-384")}, [("key_algorithms", "/key_algorithm")]),
        ({"minimum_rsa_bits": 2048, "minimum_ec_bits": 384}, []),
        ({"minimum_rsa_bits": 3072}, [("minimum_rsa_bits", "/key_algorithm")]),
        ({"maximum_validity_days": 90}, []),
        ({"maximum_validity_days": 89}, [("maximum_validity_days", "/validity_days")]),
        ({"names": ("example.org",)}, []),
        ({"names": ("www.example.org",)}, [("names", "/subject_alternative_names/0")]),
        ({"maximum_names": 2}, []),
        ({"maximum_names": 1}, [("maximum_names", "/subject_alternative_names")]),
        ({"providers": (Provider.ACME,)}, []),
        ({"providers": (Provider.LOCAL_PKI,), "provider_ids": (UUID(int=9),)}, []),
        ({"providers": (Provider.LOCAL_PKI,)}, [("providers", "/provider")]),
        ({"principal_ids": (OTHER,), "roles": (Role.REQUESTER,)}, []),
        ({"principal_ids": (OTHER,), "roles": (Role.ADMIN,)}, [("requesters", "")]),
        ({"actor_kinds": (ActorKind.ACME_CLIENT,)}, [("requesters", "")]),
        ({"domains": ("example.com",), "maximum_validity_days": 1}, []),
        ({"domains": ("shop.example.org",), "maximum_validity_days": 1}, [("maximum_validity_days", "/validity_days")]),
    ],
)
def test_each_restriction(rule: dict[str, Any], found: list[tuple[str, str]]) -> None:
    """Inclusive limits; empty restricts nothing; one name of the domain is enough for the whole order."""
    assert found == said(rule)


def test_wildcards_and_mixed_names() -> None:
    """A wildcard is caught by what is said about a host it stands for; other names may not ride along."""
    names = ("*.example.org", "www.evil.example")
    given: dict[str, Any] = {"common_name": "", "subject_alternative_names": names}
    assert [("wildcards", "/subject_alternative_names/0")] == said({"wildcards": False}, **given)
    rule = {"domains": ("bank.example.org",), "names": ("example.org",)}
    assert [("names", "/subject_alternative_names/1")] == said(rule, **given)


def test_of_a_signing_request_key_and_names_are_judged() -> None:
    """Whatever the order says beside it."""
    request = Requested("ec-521", "www.example.org", ("www.example.org", "*.evil.example"))
    rule = {"key_algorithms": ("rsa-2048",), "names": ("example.org",), "wildcards": False, "minimum_ec_bits": 600}
    assert [
        ("key_algorithms", "/csr_pem"),
        ("minimum_ec_bits", "/csr_pem"),
        ("names", "/csr_pem"),
        ("wildcards", "/csr_pem"),
    ] == said(rule, requested=request, csr_pem="-----BEGIN")


def test_a_person_is_no_host() -> None:
    """The common name of a client certificate counts where it is a host, an address or the mail of one."""
    rule = {"names": ("example.org",)}
    for name, found in (
        ("Rita Example", []),
        ("rita", []),
        ("rita@example.org", []),
        ("rita@evil.example", [("names", "/common_name")]),
        ("evil.example", [("names", "/common_name")]),
        ("*.evil.example", [("names", "/common_name")]),
        ("192.0.2.1", [("names", "/common_name")]),
        ("2001:db8::1", [("names", "/common_name")]),
    ):
        assert found == said(rule, usage="client", common_name=name, subject_alternative_names=())


def test_a_key_that_nobody_chose_is_judged_as_what_is_made() -> None:
    """The default is named in the rule like any other."""
    assert [] == said({"key_algorithms": ("ec-256",)}, key_algorithm=None)


def test_soft_rules_warn_and_everything_is_told() -> None:
    """Every broken rule of every policy, each in its policy and version; soft ones apart."""
    strict = IssuanceRule(name="strict", maximum_validity_days=30)
    mild = IssuanceRule(name="mild", severity=Severity.SOFT, maximum_validity_days=60, minimum_rsa_bits=4096)
    judgement = judge([policy(strict, mild), policy(strict, number=2)], asked(WISH, None, BY_RITA))
    assert [("Policy 1", 3, "strict"), ("Policy 2", 3, "strict")] == [
        (each.policy, each.policy_version, each.rule) for each in judgement.violations
    ]
    assert ["minimum_rsa_bits", "maximum_validity_days"] == [each.restriction for each in judgement.warnings]
    assert (UUID(int=101), UUID(int=102)) == judgement.policy_ids


PATTERNS = st.sampled_from(["*", "example.org", "*.example.org", "www.example.org", "example.com", "10.0.0.0/8"])
NAMES = st.sampled_from(["www.example.org", "*.example.org", "example.org", "www.example.com", "10.0.0.1"])
KEYS = st.sampled_from(["rsa-2048", "rsa-4096", "ec-256", "ec-384", "ed25519"])


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, max_size=2).map(tuple)


RULES = st.builds(
    IssuanceRule,
    name=st.just("rule"),
    severity=st.sampled_from(Severity),
    domains=several(PATTERNS),
    key_algorithms=several(KEYS),
    minimum_rsa_bits=st.sampled_from([None, 2048, 4096]),
    minimum_ec_bits=st.sampled_from([None, 256, 384]),
    maximum_validity_days=st.one_of(st.none(), st.integers(1, 400)),
    names=several(PATTERNS),
    wildcards=st.booleans(),
    maximum_names=st.one_of(st.none(), st.integers(1, 4)),
    providers=several(st.sampled_from(Provider)),
    roles=several(st.sampled_from(Role)),
    actor_kinds=several(st.sampled_from(ActorKind)),
)
POLICIES = st.lists(st.lists(RULES, max_size=3), max_size=4)
ORDERS = st.builds(
    OrderParameters,
    provider=st.sampled_from(Provider),
    common_name=st.one_of(st.just(""), NAMES),
    subject_alternative_names=several(NAMES),
    key_algorithm=KEYS,
    validity_days=st.integers(1, 400),
)
REQUESTERS = st.builds(
    Requester, kind=st.sampled_from(ActorKind), roles=st.frozensets(st.sampled_from(Role), max_size=2)
)


@settings(max_examples=200, deadline=None)
@given(POLICIES, st.lists(RULES, max_size=3), ORDERS, REQUESTERS)
def test_one_more_policy_never_allows_what_was_refused(
    before: list[list[IssuanceRule]], added: list[IssuanceRule], wish: OrderParameters, requester: Requester
) -> None:
    """Most restrictive wins: what was said before is said still, wherever the new policy stands; warnings, too."""
    order = asked(wish, None, requester)
    policies = [policy(*rules, number=n) for n, rules in enumerate(before)]
    said_before = judge(policies, order)
    for place in range(len(policies) + 1):
        now = judge([*policies[:place], policy(*added, number=99), *policies[place:]], order)
        assert set(said_before.violations) <= set(now.violations)
        assert set(said_before.warnings) <= set(now.warnings)


@settings(max_examples=200, deadline=None)
@given(RULES, ORDERS, REQUESTERS)
def test_a_soft_rule_objects_to_what_it_would_object_to_if_it_were_hard(
    rule: IssuanceRule, wish: OrderParameters, requester: Requester
) -> None:
    """Severity changes what follows, never what is seen."""
    order = asked(wish, None, requester)
    soft, hard = (
        judge([policy(msgspec.structs.replace(rule, severity=severity))], order)
        for severity in (Severity.SOFT, Severity.HARD)
    )
    assert not soft.violations
    assert not hard.warnings
    assert [each.restriction for each in soft.warnings] == [each.restriction for each in hard.violations]
