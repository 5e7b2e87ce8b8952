"""Inclusion and consistency proofs: which hashes they consist of (RFC 6962 sections 2.1.1 and 2.1.2).

A path is a list of ranges; `subtrees.hash_of` makes hashes of them, once the tiles that hold them are at hand.
"""

from domain.transparency.subtrees import Lookup, Range, hash_of


class NotProven(ValueError):
    """A proof, a signature or a text does not prove what it should. The message says what is wrong with it."""


def inclusion_path(index: int, size: int) -> list[Range]:
    """From the sibling of the leaf `index` (from 0) up to the root's child, in the tree over `size` leaves."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, size: int) -> list[Range]:
    """That the tree over `old` leaves is the beginning of the one over `size`. Empty for none, and for the same."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} leaves does not begin with one of {old}")
    path: list[Range] = []
    start, end = 0, size
    while 0 < old < end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(start, middle))
            start = middle
    if start:
        path.append(Range(start, end))
    return path[::-1]


def hashes_of(path: list[Range], lookup: Lookup) -> list[bytes]:
    """The proof itself."""
    return [hash_of(leaves, lookup) for leaves in path]


def _split(leaves: int) -> int:
    """The largest power of two smaller than a number of leaves above one."""
    return 1 << (leaves - 1).bit_length() - 1
