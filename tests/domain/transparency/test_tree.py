"""The tree of RFC 6962: roots and proofs, held against the RFC's own words and its published vectors."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.transparency.edge import Edge, FullTile, edge_of, grow
from domain.transparency.hashing import EMPTY_ROOT, leaf_hash
from domain.transparency.proving import NotProven, consistency_path, hashes_of, inclusion_path
from domain.transparency.subtrees import root
from domain.transparency.verifying import check_consistency, check_inclusion, root_by_inclusion
from tests.domain.transparency.by_the_book import mth, path, proof
from tests.domain.transparency.trees import leaves, lookup

# The test vectors of certificate-transparency (merkletree/merkle_tree_test.cc), roots of the first 1 to 8 leaves.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = (1, 2, 3, 7, 8, 9, 255, 256, 257, 513, 700)


def edge_after(entries: list[bytes]) -> Edge:
    return edge_of([leaf_hash(entry) for entry in entries])


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    """Eight leaves that every implementation of RFC 6962 is tried with."""
    assert ROOTS[size - 1] == edge_after([bytes.fromhex(entry) for entry in ENTRIES[:size]]).root().hex()


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    """RFC 6962, section 2.1."""
    assert sha256(b"").digest() == EMPTY_ROOT == Edge().root() == root(0, lookup([]))


@pytest.mark.parametrize("size", SIZES)
def test_a_root_is_the_same_from_the_edge_from_tiles_and_by_the_book(size: int) -> None:
    """Whatever the tree was built of."""
    entries = leaves(size)
    assert mth(entries) == edge_after(entries).root() == root(size, lookup(entries))
    assert size == edge_after(entries).size


@given(st.lists(st.integers(0, 300), max_size=8))
def test_an_edge_grows_in_any_steps(steps: list[int]) -> None:
    """A tree that was sealed in many batches is the tree of all leaves, and so are its tiles."""
    entries = leaves(sum(steps))
    edge, done = Edge(), 0
    filled: list[FullTile] = []
    for step in steps:
        growth = grow(edge, [leaf_hash(entry) for entry in entries[done : done + step]])
        edge, done = growth.edge, done + step
        filled += growth.tiles
    at_once = grow(Edge(), [leaf_hash(entry) for entry in entries])
    assert at_once.edge.root() == edge.root()
    assert sorted(at_once.tiles) == sorted(filled)


@given(st.data())
def test_an_inclusion_proof_is_the_one_of_the_book_and_verifies(data: st.DataObject) -> None:
    """For any leaf of any tree."""
    entries = leaves(data.draw(st.integers(1, 700)))
    number = data.draw(st.integers(0, len(entries) - 1))
    found = hashes_of(inclusion_path(number, len(entries)), lookup(entries))
    assert path(number, entries) == found
    check_inclusion(number, len(entries), leaf_hash(entries[number]), found, mth(entries))


@given(st.data())
def test_a_consistency_proof_is_the_one_of_the_book_and_verifies(data: st.DataObject) -> None:
    """For any two sizes of one tree."""
    entries = leaves(data.draw(st.integers(1, 700)))
    old = data.draw(st.integers(1, len(entries)))
    found = hashes_of(consistency_path(old, len(entries)), lookup(entries))
    assert proof(old, entries) == found
    check_consistency(old, mth(entries[:old]), len(entries), mth(entries), found)


def test_every_tree_begins_with_the_empty_one() -> None:
    """No hashes are needed for that, and none are allowed."""
    assert [] == consistency_path(0, 5)
    check_consistency(0, EMPTY_ROOT, 5, mth(leaves(5)), [])
    with pytest.raises(NotProven, match="no hashes"):
        check_consistency(0, EMPTY_ROOT, 5, mth(leaves(5)), [EMPTY_ROOT])
    with pytest.raises(NotProven, match="hash of nothing"):
        check_consistency(0, mth(leaves(1)), 5, mth(leaves(5)), [])


@given(st.data())
def test_a_changed_proof_proves_nothing(data: st.DataObject) -> None:
    """One bit of any hash, a hash too many, one too few, another leaf, another place, another size."""
    entries = leaves(data.draw(st.integers(2, 300)))
    number = data.draw(st.integers(0, len(entries) - 1))
    size, top = len(entries), mth(entries)
    good = hashes_of(inclusion_path(number, size), lookup(entries))
    place, bit = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(good[place]) ^ 1 << bit).to_bytes(32)
    leaf = leaf_hash(entries[number])
    wrong = [
        (number, size, leaf, [*good[:place], flipped, *good[place + 1 :]]),
        (number, size, leaf, [*good, top]),
        (number, size, leaf, good[:-1]),
        (number, size, leaf_hash(b"another"), good),
        ((number + 1) % size, size, leaf, good),
    ]
    for claim in wrong:
        with pytest.raises(NotProven):
            check_inclusion(*claim, top)


@given(st.data())
def test_a_changed_history_is_not_consistent(data: st.DataObject) -> None:
    """Who changes any leaf below the older checkpoint finds no proof, neither old hashes nor new ones."""
    entries = leaves(data.draw(st.integers(2, 300)))
    old = data.draw(st.integers(1, len(entries) - 1))
    forged = list(entries)
    forged[data.draw(st.integers(0, old - 1))] = b"forged"
    for source in (entries, forged):
        found = hashes_of(consistency_path(old, len(entries)), lookup(source))
        with pytest.raises(NotProven, match="does not begin with"):
            check_consistency(old, mth(entries[:old]), len(entries), mth(forged), found)


@pytest.mark.parametrize(
    ("old", "size", "hashes"),
    [(3, 2, []), (2, 5, []), (2, 5, [b"short"]), (3, 5, [bytes(32)] * 9), (3, 5, [bytes(32)])],
)
def test_a_consistency_proof_of_the_wrong_shape_is_refused(old: int, size: int, hashes: list[bytes]) -> None:
    """Before any root is looked at."""
    with pytest.raises(NotProven):
        check_consistency(old, bytes(32), size, bytes(32), hashes)


def test_sizes_and_places_that_do_not_exist_are_errors() -> None:
    """Of the caller who proves, and of the proof that claims them."""
    with pytest.raises(ValueError, match="no leaf 5"):
        inclusion_path(5, 5)
    with pytest.raises(ValueError, match="does not begin with one of 6"):
        consistency_path(6, 5)
    with pytest.raises(NotProven, match="no leaf 5"):
        root_by_inclusion(5, 5, bytes(32), [])
    with pytest.raises(NotProven, match="32 bytes"):
        root_by_inclusion(0, 2, bytes(32), [bytes(31)])
