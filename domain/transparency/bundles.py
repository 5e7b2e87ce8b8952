"""Entry bundles (C2SP tlog-tiles): up to 256 leaves, each behind its length as a big-endian uint16."""

from collections.abc import Iterable

from domain.transparency.proving import NotProven

LONGEST_LEAF = 65_535


def bundle(leaves: Iterable[bytes]) -> bytes:
    """Leaves as a bundle. Raises ValueError for one that is too long."""
    parts: list[bytes] = []
    for leaf in leaves:
        if len(leaf) > LONGEST_LEAF:
            raise ValueError(f"a leaf has at most {LONGEST_LEAF} bytes")
        parts += (len(leaf).to_bytes(2), leaf)
    return b"".join(parts)


def unbundle(data: bytes) -> list[bytes]:
    """The leaves of a bundle. Raises NotProven when it was cut."""
    leaves: list[bytes] = []
    place = 0
    while place < len(data):
        length, start = int.from_bytes(data[place : place + 2]), place + 2
        place = start + length
        if start > len(data) or place > len(data):
            raise NotProven(f"the entry bundle ends within its entry {len(leaves)}")
        leaves.append(data[start:place])
    return leaves
