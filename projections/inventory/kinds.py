"""The kind of a certificate: all that many others have in common with it, as one number. Pure.

Of a million certificates there are some hundred kinds. The list has an index by kind for each of its orders: what is
asked of source, usage, provider, private key, successor, key or issuer is asked of the kinds, and a page is merged from
the beginnings of those that have it.

Whoever signs himself is an issuer of his own. Such certificates share a kind whatever their issuer is (a negative one).
"""

import hashlib
from functools import lru_cache

from domain.certificate import Certificate


def of_certificate(state: Certificate) -> int:
    """63 bits of a digest, as a number of 64 bits: with kinds as few as they are, no two have the same."""
    facts = state.facts
    found = _number(
        state.source.value,
        facts.usage.value,
        state.provider,
        state.has_private_key,
        state.renewed_to is not None,
        facts.algorithm,
        None if facts.subject == facts.issuer else (facts.issuer, facts.authority_key_id),
    )
    return -1 - found if facts.subject == facts.issuer else found


@lru_cache(10_000)
def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8]) >> 1
