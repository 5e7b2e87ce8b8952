"""Tiles and bundles: what C2SP tlog-tiles says, with its own examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.transparency.bundles import LONGEST_LEAF, bundle, unbundle
from domain.transparency.hashing import leaf_hash
from domain.transparency.proving import NotProven, consistency_path, inclusion_path
from domain.transparency.tiles import (
    Tile,
    expanded,
    packed,
    parse_tile_name,
    tile_name,
    tiles_for,
    tiles_of,
    unpacked,
    width_in,
)
from tests.domain.transparency.by_the_book import mth
from tests.domain.transparency.trees import leaves, tiles


def test_a_tree_of_70_000_leaves_has_the_tiles_of_the_specification() -> None:
    """273 full and one of 112 at level 0; one full and one of 17 at level 1; one of width 1 at level 2."""
    found = list(tiles_of(70_000))
    assert [Tile(0, number) for number in range(273)] == [tile for tile in found if tile.level == 0 and tile.full]
    assert [Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)] == found[273:]
    assert [Tile(0, 0), Tile(1, 0, 1)] == list(tiles_of(256))


def test_numbers_are_spelt_in_groups_of_three_digits() -> None:
    """`x001/x234/067`, the specification's example."""
    assert "x001/x234/067" == tile_name(1_234_067)
    assert "000" == tile_name(0)
    assert "x001/000.p/7" == tile_name(1000, 7)
    assert "3/x001/234.p/12" == Tile(3, 1234, 12).path
    assert Tile(3, 1234, 12) == Tile.parse("3/x001/234.p/12")


@given(st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_every_tile_has_one_name(number: int, width: int) -> None:
    """Reading undoes writing."""
    assert (number, width) == parse_tile_name(tile_name(number, width))


@pytest.mark.parametrize(
    "name",
    ["", "0", "00", "1234", "x000/001", "001/002", "x001", "001.p/0", "001.p/256", "001.p/01", "001.p/", "001.p", "٠٠١",
     "x001/x002", "-01", "001/", "/001", "x001//002", "001.p/1/2", "999/../001", "x1/001", "001\n"],
)  # fmt: skip
def test_no_other_spelling_is_taken(name: str) -> None:
    """One resource, one address."""
    with pytest.raises(NotProven):
        parse_tile_name(name)


@pytest.mark.parametrize("path", ["", "0", "00/001", "8/001", "64/001", "a/001", "-1/001", "0/1"])
def test_no_other_level_is_taken(path: str) -> None:
    """Levels above 7 hold nothing in a log whose positions are 63 bits."""
    with pytest.raises(NotProven):
        Tile.parse(path)


def test_a_tile_holds_the_hashes_of_the_specification() -> None:
    """MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])"""
    entries = leaves(700)
    found = tiles(entries)
    assert b"".join(mth([entry]) for entry in entries[256:512]) == found[0, 1].layers[0]
    assert b"".join(mth(entries[start : start + 256]) for start in (0, 256)) == found[1, 0].layers[0]
    assert {(0, 0), (0, 1), (0, 2), (1, 0)} == set(found)


def test_a_full_tile_is_packed_with_its_inner_nodes() -> None:
    """So that a proof reads them and hashes nothing; the tile itself is the beginning."""
    hashes = b"".join(leaf_hash(entry) for entry in leaves(256))
    tile = expanded(hashes)
    assert 510 * 32 == len(packed(tile))
    assert packed(tile).startswith(hashes)
    assert tile == unpacked(packed(tile))
    assert mth(leaves(256)) == tile.root


def test_a_partial_tile_has_no_hash_of_its_own() -> None:
    """It must not be hashed into the level above."""
    tile = expanded(b"".join(leaf_hash(entry) for entry in leaves(255)))
    with pytest.raises(IndexError, match="narrower"):
        _ = tile.root
    with pytest.raises(IndexError):
        tile.node(1, 127)


@given(st.data())
def test_the_tiles_for_a_proof_are_tiles_of_that_tree(data: st.DataObject) -> None:
    """And never wider than it."""
    size = data.draw(st.integers(1, 200_000))
    path = inclusion_path(data.draw(st.integers(0, size - 1)), size)
    path += consistency_path(data.draw(st.integers(0, size)), size)
    assert tiles_for(path, size) <= set(tiles_of(size))


def test_the_width_of_a_tile_follows_from_the_size() -> None:
    """Nothing, a part, all."""
    assert (0, 44, 256) == tuple(width_in(0, number, 300) for number in (2, 1, 0))


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_gives_back_its_leaves(entries: list[bytes]) -> None:
    """Whatever bytes they are."""
    assert entries == unbundle(bundle(entries))


def test_the_longest_leaf_fits_and_a_longer_one_does_not() -> None:
    """Its length is a uint16."""
    longest = bytes(LONGEST_LEAF)
    assert [longest, b""] == unbundle(bundle([longest, b""]))
    with pytest.raises(ValueError, match="65535"):
        bundle([longest + b"x"])


@pytest.mark.parametrize("cut", [1, 3, 4])
def test_a_cut_bundle_is_noticed(cut: int) -> None:
    """Within a length or within a leaf."""
    with pytest.raises(NotProven, match="entry 1"):
        unbundle(bundle([b"one", b"two"])[:-cut])
