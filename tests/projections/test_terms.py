"""What the inverted index holds of a certificate: every part of a name leads to it, values that differ are apart."""

from hashlib import sha256
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.certificate import Certificate
from projections.inventory import terms
from projections.inventory.projection import INVENTORY
from tests.support.histories import a_certificate

_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"), min_size=1, max_size=30)


def _certificate(**facts: Any) -> Certificate:
    state = a_certificate()
    return msgspec.structs.replace(state, facts=msgspec.structs.replace(state.facts, **facts))


def _leads_to(asked: terms.Asked, found: tuple[int, ...]) -> bool:
    wanted, every = asked
    return {*wanted} <= {*found} if every else not {*found}.isdisjoint(wanted)


@given(name=_names, other=_names, ends=st.tuples(st.integers(0, 30), st.integers(1, 30)), shout=st.booleans())
def test_every_part_of_a_name_leads_to_it(name: str, other: str, ends: tuple[int, int], shout: bool) -> None:
    """Of any length, whatever the case, in the common name, in an alternative name and in the issuer's."""
    start, length = ends
    part = name.lower()[start : start + length]
    part = part.upper() if shout and part.upper().lower() == part else part
    found = terms.of_certificate(_certificate(common_name=other, subject_alternative_names=(other, name), issuer=name))
    assert _leads_to(terms.in_names(part), found)
    assert _leads_to(terms.in_issuer(part), found)


def test_what_is_in_no_name_leads_nowhere() -> None:
    """Neither a part of the issuer's name in the subject's, nor the other way round."""
    found = terms.of_certificate(
        _certificate(common_name="www.example.com", subject_alternative_names=(), issuer="CN=R11")
    )
    for part in ("r11", "zebra", "zz", "www.example.org"):
        assert not _leads_to(terms.in_names(part), found), part
    for part in ("www", "r12"):
        assert not _leads_to(terms.in_issuer(part), found), part


def test_terms_are_in_order_and_fit_into_the_column() -> None:
    """Each once, ascending, four bytes: rows that are equal are equal byte for byte."""
    found = terms.of_certificate(_certificate(common_name="abcabcabc", issuer="ü" * 90))
    assert list(found) == sorted({*found})
    assert all(-(2**31) <= term < 2**31 for term in found)


def test_fields_and_values_are_apart() -> None:
    """An owner is no tag of that name, and yes is not no."""
    assert len({terms.value("owner", "web"), terms.value("tag", "web"), terms.value("owner", "db")}) == 3
    assert terms.flag("renewed", holds=True) != terms.flag("renewed", holds=False)


def test_other_terms_are_another_version_of_the_inventory() -> None:
    """Rows that are there hold what they were made with: whoever changes that raises the version, so that all of them
    are made anew.
    """
    name = "www.example.org"
    state = _certificate(common_name=name, subject_alternative_names=(name, "ü.example"), issuer="CN=R11")
    tagged = msgspec.structs.replace(state, tags=("web",), owner="team")
    made = sha256(repr(terms.of_certificate(tagged)).encode()).hexdigest()[:16]
    assert (5, "305a5da136f049b9") == (INVENTORY.version, made)
