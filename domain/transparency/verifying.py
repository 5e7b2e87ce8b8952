"""Checking proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2): a handful of hashes against roots that somebody signed."""

from collections.abc import Sequence

from domain.transparency.hashing import EMPTY_ROOT, HASH_BYTES, node_hash
from domain.transparency.proving import NotProven


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """The leaf with the hash `leaf` is number `index` (from 0) of the tree with this size and root, or NotProven."""
    if root_by_inclusion(index, size, leaf, proof) != root:
        raise NotProven(f"the proof of leaf {index} leads to another root than that of the tree of {size} leaves")


def root_by_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that a proof leads to. Raises NotProven for a proof of the wrong shape."""
    if not 0 <= index < size:
        raise NotProven(f"a tree of {size} leaves has no leaf {index}")
    _check_lengths((leaf, *proof))
    here, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise NotProven(f"the proof of leaf {index} in a tree of {size} leaves has too many hashes")
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise NotProven(f"the proof of leaf {index} in a tree of {size} leaves has too few hashes")
    return found


def check_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """The tree of `old` leaves is the beginning of the tree of `size` leaves, or NotProven."""
    if not 0 <= old <= size:
        raise NotProven(f"a tree of {size} leaves does not begin with one of {old}")
    _check_lengths((old_root, root, *proof))
    if old == 0 and old_root != EMPTY_ROOT:
        raise NotProven("the root of the empty tree is the hash of nothing")
    if old in {0, size}:
        if proof:
            raise NotProven(f"a proof from {old} to {size} leaves has no hashes")
        if old == size and old_root != root:
            raise NotProven(f"there are two roots of {size} leaves")
        return
    if _old_and_new(old, size, [old_root, *proof] if _is_power_of_two(old) else proof) != (old_root, root):
        raise NotProven(f"the tree of {size} leaves does not begin with the tree of {old} leaves")


def _old_and_new(old: int, size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots that a proof leads to."""
    if not proof:
        raise NotProven(f"a proof from {old} to {size} leaves has at least one hash")
    here, last = old - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    before = after = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            raise NotProven(f"the proof from {old} to {size} leaves has too many hashes")
        if here & 1 or here == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise NotProven(f"the proof from {old} to {size} leaves has too few hashes")
    return before, after


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0


def _check_lengths(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise NotProven(f"a hash has {HASH_BYTES} bytes")
