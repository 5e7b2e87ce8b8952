"""The terms of a certificate: what an inverted index finds it by, as integers. Pure.

Three bytes that follow each other in its names are one integer below 2**24, those of its issuer's name one above.
Whatever is compared as a whole (an owner, a tag, ...) is a negative one, a checksum of field and value. So names cannot
be mistaken for each other, values hardly ever; who asks compares the rows that were found as well. All of a kind stand
together in ascending order: values, names, issuer.

Names end with a line feed here: then every two bytes begin one term.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import unpack
from zlib import crc32

from domain.certificate import Certificate
from projections.text import search_text

_ISSUER = 1 << 24
_SPREAD = 3
"""Of a longer text every third term is asked for: together they hold all of it, and fewer have to be looked up."""


def of_certificate(state: Certificate) -> tuple[int, ...]:
    """All terms, ascending, each once."""
    facts = state.facts
    values = _values(
        facts.algorithm,
        facts.authority_key_id,
        facts.usage.value,
        state.source.value,
        state.provider,
        state.owner,
        has_private_key=state.has_private_key,
        renewed=state.renewed_to is not None,
    )
    if state.tags:
        values = _ascending({*values, *(value("tag", tag) for tag in state.tags)})
    names = dict.fromkeys((facts.common_name, *facts.subject_alternative_names))
    return values + _name_terms(*names) + _issuer_terms(facts.issuer)


@lru_cache(10_000)
def _values(
    key_algorithm: str,
    issuer_key_id: str | None,
    usage: str,
    source: str,
    provider: str | None,
    owner: str | None,
    **flags: bool,
) -> tuple[int, ...]:
    """Many certificates share them."""
    named = (
        ("key_algorithm", key_algorithm),
        ("issuer_key_id", issuer_key_id),
        ("usage", usage),
        ("source", source),
        ("provider", provider or ""),
        ("owner", owner),
    )
    found = {value(field, text) for field, text in named if text is not None}
    return _ascending(found | {flag(field, holds) for field, holds in flags.items()})


def value(field: str, text: str) -> int:
    """The term of a field that has this value."""
    return -1 - (crc32(f"{field}={text}".encode()) >> 1)


def flag(field: str, holds: bool) -> int:
    """The term of a field that is true, or false."""
    return value(field, "yes" if holds else "no")


def in_names(part: str) -> "Asked":
    """What certificates have that contain a part, whatever the case, in one of their names."""
    return _asked(part, 0)


def in_issuer(part: str) -> "Asked":
    """The same of the issuer's name."""
    return _asked(part, _ISSUER)


Asked = tuple[Sequence[int], bool]
"""Terms of which a certificate has all (True), or at least one (False); none where there is nothing to look up."""


def _asked(part: str, offset: int) -> Asked:
    data = part.lower().encode()
    if len(data) < 2:
        return (), True
    if len(data) == 2:
        first = offset + (data[0] << 16 | data[1] << 8)
        return range(first, first + 256), False
    starts = {*range(0, len(data) - 2, _SPREAD), len(data) - 3}
    return sorted({offset + int.from_bytes(data[start : start + 3]) for start in starts}), True


def _threes(text: str, offset: int = 0) -> tuple[int, ...]:
    """Every three bytes that follow each other, with the offset's byte before them: one number of four bytes."""
    data = text.encode() + b"\n"
    count = len(data) - 2
    if count <= 0:
        return ()
    numbers = bytearray(4 * count)
    numbers[0::4] = bytes([offset >> 24]) * count
    for place in range(3):
        numbers[place + 1 :: 4] = data[place : place + count]
    return _ascending(set(unpack(f">{count}I", numbers)))


def _ascending(terms: set[int]) -> tuple[int, ...]:
    return tuple(sorted(terms))


@lru_cache(1_000)
def _name_terms(*names: str) -> tuple[int, ...]:
    """They stay as they are while a certificate changes."""
    return _threes(search_text(*names))


@lru_cache(10_000)
def _issuer_terms(issuer: str) -> tuple[int, ...]:
    """There are few issuers."""
    return _threes(search_text(issuer), _ISSUER)
