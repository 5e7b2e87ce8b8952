"""Some leaves of a tree, proven together: the root follows from them at their places, and from nothing else."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.transparency.excerpt import CompactRange, check_excerpt, excerpt_proof, gaps
from domain.transparency.hashing import leaf_hash
from domain.transparency.proving import NotProven
from domain.transparency.subtrees import Range
from tests.domain.transparency.by_the_book import mth
from tests.domain.transparency.trees import leaves, lookup


class Excerpt(NamedTuple):
    """Some leaves of a tree with their proof."""

    leaves: list[tuple[int, bytes]]
    size: int
    proof: list[bytes]
    root: bytes


def excerpt(indexes: list[int], size: int) -> Excerpt:
    entries = leaves(size)
    proof = excerpt_proof([Range(at, at + 1) for at in indexes], size, lookup(entries) if size else lambda _: b"")
    return Excerpt([(at, leaf_hash(entries[at])) for at in indexes], size, proof, mth(entries))


def _of(size: int) -> st.SearchStrategy[Excerpt]:
    some = st.lists(st.integers(0, size - 1), unique=True, max_size=20).map(sorted) if size else st.just([])
    stretch = st.tuples(st.integers(0, size), st.integers(0, size)).map(lambda ends: list(range(min(ends), max(ends))))
    return st.builds(excerpt, some | stretch, st.just(size))


excerpts = st.integers(0, 700).flatmap(_of)


@given(known=excerpts)
def test_its_leaves_give_the_root(known: Excerpt) -> None:
    """Scattered ones and whole stretches, of any tree; at most two hashes per height and gap."""
    check_excerpt(known.leaves, known.size, known.proof, known.root)
    assert len(known.proof) <= 2 * known.size.bit_length() * (len(known.leaves) + 1)


@given(known=excerpts, data=st.data())
def test_other_leaves_do_not(known: Excerpt, data: st.DataObject) -> None:
    """One changed, dropped, doubled, moved or added: not proven."""
    found = known.leaves
    wrong = [[*found, (known.size, leaf_hash(b"one more"))]]
    if found:
        at = data.draw(st.integers(0, len(found) - 1))
        index, digest = found[at]
        wrong.append([*found[:at], *found[at + 1 :]])
        wrong.append([*found[:at], (index, leaf_hash(b"another")), *found[at + 1 :]])
        wrong.append([*found[:at], found[at], *found[at:]])
        wrong.append([*found[:at], (index + 1, digest), *found[at + 1 :]])
    for each in wrong:
        with pytest.raises(NotProven):
            check_excerpt(each, known.size, known.proof, known.root)


@given(known=excerpts, data=st.data())
def test_other_hashes_do_not(known: Excerpt, data: st.DataObject) -> None:
    """A hash of the proof changed, dropped or added: not proven."""
    wrong = [[*known.proof, bytes(32)]]
    if known.proof:
        at = data.draw(st.integers(0, len(known.proof) - 1))
        wrong += [known.proof[:at] + known.proof[at + 1 :], [*known.proof[:at], bytes(32), *known.proof[at + 1 :]]]
    for each in wrong:
        with pytest.raises(NotProven):
            check_excerpt(known.leaves, known.size, each, known.root)


@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=5).map(sorted))
def test_the_root_of_every_size_on_the_way(sizes: list[int]) -> None:
    """What was read so far always gives the root of as many leaves."""
    entries, seen = leaves(sizes[-1]), CompactRange()
    for size in sizes:
        for entry in entries[seen.size : size]:
            seen.add(leaf_hash(entry))
        assert mth(entries[:size]) == seen.root()


def test_a_stretch_without_gaps_has_none() -> None:
    """Only what is before and behind it."""
    assert [Range(0, 3), Range(7, 10)] == list(gaps([Range(3, 5), Range(5, 7)], 10))
    assert [] == list(gaps([Range(0, 10)], 10))


def test_subtrees_begin_where_they_may() -> None:
    """A subtree of two leaves cannot begin at an odd leaf; stretches follow each other within the tree."""
    seen = CompactRange()
    seen.add(leaf_hash(b"one"))
    with pytest.raises(NotProven, match="height 1"):
        seen.add(bytes(32), 1)
    with pytest.raises(ValueError, match="no leaves 4 to 5 after 5"):
        list(gaps([Range(3, 5), Range(4, 5)], 10))
    with pytest.raises(ValueError, match="no leaves 9 to 11"):
        list(gaps([Range(9, 11)], 10))
