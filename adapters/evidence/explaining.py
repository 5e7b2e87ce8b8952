"""VERIFY.md: what the evidence is, how to check it, and what a check shows."""

from collections.abc import Mapping
from typing import Any

_HOW = """\
# {title}

{what}

All of it is proven by one signed checkpoint of the ledger `{origin}`: its first {tree_size} events have one Merkle tree
(RFC 6962), whose root is in `checkpoint.txt` under a signature (C2SP tlog-checkpoint).

## Check it

    python verify.py THIS-ARCHIVE.zip

`verify.py` is two hundred lines of Python that need the package `cryptography` and nothing of the service. Read it: it
lies in this archive; or take it from the source of certferry. It says which file, which position or which rule does not
hold.

The archive brings the ledger's key along (`vkeys.txt`). Whoever forged all of it would have brought theirs. So compare
the key with the one you were given (`--vkey KEY`), and keep checkpoints of your own (`--checkpoint FILE`): whoever
holds the database and the key can sign another history, but not one that agrees with a checkpoint that you kept.

## What is in it

| file | |
|---|---|
| `events.ndjson` | a line per event: its position, the exact text of its leaf, the salt and the exact payload |
| `proof.json` | hashes of the subtrees around these events: together with their leaves they give the root |
| `checkpoint.txt`, `vkeys.txt` | the signed root, and the keys of the ledger |
{further}| `manifest.json` | every file with its size and its SHA-256 |

A leaf hash is SHA-256 over a zero byte and the leaf. A leaf names its event, its place and `data_sha256`, SHA-256 over
salt and payload. Personal texts (names, comments, addresses of people) stand in payloads sealed, as
`cf-sealed:1:<kind>:<person>:...`, so that they can be erased while every proof stays. The archive ends with its own
SHA-256, as the comment of the zip. No file holds a secret.
"""

_RANGE = (
    "All {events} events of the ledger from position {first_position} to {last_position}. It is proven, too, that none "
    "of them is missing."
)
_PUSH = (
    "One push, work order {work_order_id}: who requested, approved and implemented what, what was sent, what the "
    "bridge confirmed, and what was really served. The check also compares what was approved with what was sent (by "
    "their digest), and that nobody gave two of request, approval and implementation."
)
_FILES_OF_A_PUSH = """\
| `certificate.pem` | the certificate that was pushed, and its issuers |
| `summary.json` | the story in short, each step with its position; personal texts opened, `[erased]` where they were |
| `texts.json`, `open_texts.py` | each text with its own key: `python open_texts.py THIS-ARCHIVE.zip` checks that the \
events hold it |
| `report.json` | how the push counts in the Push Validation Report |
| `proofs/*.tlog-proof` | for each event a proof of its own (C2SP tlog-proof), for other tools |
"""


def explanation(about: Mapping[str, Any]) -> str:
    """The text for an archive."""
    push = about["kind"] == "push"
    return _HOW.format(
        title="Evidence of a push" if push else "Evidence of a stretch of the ledger",
        what=(_PUSH if push else _RANGE).format(**about),
        further=_FILES_OF_A_PUSH if push else "",
        **about,
    )
