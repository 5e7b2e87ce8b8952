"""Which hashes of the tree stand for which leaves: perfect subtrees, and ranges made of them."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

from domain.transparency.hashing import EMPTY_ROOT, node_hash


class Subtree(NamedTuple):
    """The perfect subtree over the leaves `number << height` up to, not including, `(number + 1) << height`."""

    height: int
    number: int


class Range(NamedTuple):
    """The leaves `start` up to, not including, `end`, counted from 0; RFC 6962 writes D[start:end]."""

    start: int
    end: int

    def parts(self) -> Sequence[Subtree]:
        """The perfect subtrees it consists of, from left to right."""
        start, end = self
        length = end - start
        if length & (length - 1) == 0 and start & (length - 1) == 0 and length:  # most ranges of a proof are one
            height = length.bit_length() - 1
            return (Subtree(height, start >> height),)
        found: list[Subtree] = []
        while start < end:
            height = (end - start).bit_length() - 1
            if start:
                height = min(height, (start & -start).bit_length() - 1)
            found.append(Subtree(height, start >> height))
            start += 1 << height
        return found


Lookup = Callable[[Subtree], bytes]


def combined(hashes: Sequence[bytes]) -> bytes:
    """The hash over subtrees of falling size, given from left to right; the empty tree's when there are none."""
    if not hashes:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def hash_of(leaves: Range, lookup: Lookup) -> bytes:
    """The Merkle tree hash over a range that a tree, a proof or a tile consists of."""
    parts = leaves.parts()
    return lookup(parts[0]) if len(parts) == 1 else combined([lookup(part) for part in parts])


def root(size: int, lookup: Lookup) -> bytes:
    """The root of the tree over the first `size` leaves."""
    return hash_of(Range(0, size), lookup)
