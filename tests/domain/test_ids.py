"""Identifiers are those of uuid5 (RFC 9562, 5.5), whatever they name."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from domain import ids

_parts = st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(), st.uuids()), max_size=4)


@given(kind=st.text(st.characters(exclude_categories=["Cs"])), parts=_parts)
def test_an_id_follows_from_what_it_names(kind: str, parts: list[object]) -> None:
    """The ids of the ledger stand for ever: however they are made, they are the same ones."""
    assert ids.derive(kind, *parts) == uuid5(ids.NAMESPACE, "\x1f".join((kind, *map(str, parts))))


def test_an_id_that_is_in_ledgers() -> None:
    """A known answer, beside the rule."""
    assert ids.certificate_id("00" * 32) == UUID("d10cff0f-58a3-5471-a0e7-96894e6e0d4d")
