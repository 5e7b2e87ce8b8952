"""The ledger as a transparency log: the Merkle tree over its leaves, and the texts that prove things about it.

Pure functions over bytes, by published formats alone, so that tools nobody here wrote can check every proof: the tree
of RFC 6962 section 2.1 (RFC 9162 section 2.1), and C2SP (https://c2sp.org) tlog-tiles, signed-note, tlog-checkpoint,
tlog-cosignature and tlog-proof. Storage, keys and signing are adapters'.
"""
