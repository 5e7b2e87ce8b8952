"""The hashes of the tree (RFC 6962, section 2.1): SHA-256, leaves and nodes told apart by their first byte."""

from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """The 32 bytes that stand for one leaf."""
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32 bytes that stand for two subtrees."""
    return sha256(b"\1" + left + right).digest()


def layer_above(hashes: bytes) -> bytes:
    """The hashes over each pair of concatenated hashes; an odd last one has no pair and is left out."""
    even = len(hashes) // 64 * 64
    return b"".join([sha256(b"\1" + hashes[start : start + 64]).digest() for start in range(0, even, 64)])
