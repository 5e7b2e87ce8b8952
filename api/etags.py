"""Versions as entity tags: `ETag: "3"` on single resources, `If-Match: "3"` on commands (RFC 9110, 8.8.3, 13.1.1)."""

import re

from api.problems import Problem

IF_MATCH_PATTERN = r'^(\*|(W/)?"[\x21\x23-\x7e]*")$'
_TAG = re.compile(r'"(\d{1,18})"')
_NEEDS_IF_MATCH = frozenset({"PUT", "PATCH", "DELETE"})


def etag(version: int) -> str:
    """The entity tag of an aggregate version."""
    return f'"{version}"'


def expected_version(if_match: str | None, method: str) -> int | None:
    """The version a command was decided on; None: any. Raises 428 where a version must be named, 412 for no version."""
    if if_match is None:
        if method in _NEEDS_IF_MATCH:
            raise Problem(
                "precondition-required", "Send If-Match with the ETag you read, so that no one's change is lost."
            )
        return None
    if if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise Problem("version-conflict", f'{if_match[:99]} is no version of this; it looks like "3", quotes included.')
    return int(found[1])
