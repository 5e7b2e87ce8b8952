"""One sealed text: it opens for its own key, person and kind, and for nothing else."""

import secrets
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.keys.personal import NotGenuine, open_text, open_with, parse, seal_text, text_key
from domain.personal import PREFIX, is_sealed

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
KEY = secrets.token_bytes(32)
RITA = UUID("6b1f7c52-0f5e-4a6e-9d0a-5a4a5c9d7e10")


@given(st.text(max_size=300), st.sampled_from(["text", "name", "address"]))
def test_a_text_comes_back(text: str, kind: str) -> None:
    """What is sealed opens again, is no word of the text, and holds nothing that any format escapes."""
    sealed = seal_text(KEY, RITA, kind, text)
    assert is_sealed(sealed)
    assert sealed.startswith(f"{PREFIX}{kind}:{RITA.hex}:")
    assert set(sealed) <= {*ALPHABET, ":"}
    assert open_text(KEY, parse(sealed)) == text


def test_the_same_text_twice_is_two() -> None:
    """Nobody sees that two people wrote the same, or one person twice."""
    assert seal_text(KEY, RITA, "text", "yes") != seal_text(KEY, RITA, "text", "yes")


def test_a_text_that_was_moved_does_not_open() -> None:
    """Passed off as another person's, or as another kind: refused, even under the right key."""
    sealed = seal_text(KEY, RITA, "text", "approved")
    for forged in (sealed.replace(RITA.hex, uuid4().hex), sealed.replace(":text:", ":name:")):
        with pytest.raises(NotGenuine):
            open_text(KEY, parse(forged))


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 63))
def test_a_text_that_was_changed_does_not_open(where: float, shift: int) -> None:
    """Any character of it changed, or any end cut off."""
    sealed = seal_text(KEY, RITA, "text", "approved")
    start = len(sealed) - len(sealed.rpartition(":")[2])
    place = start + int(where * (len(sealed) - 1 - start))  # the last one has bits that mean nothing
    changed = ALPHABET[(ALPHABET.index(sealed[place]) + shift) % 64]
    for forged in (sealed[:place] + changed + sealed[place + 1 :], sealed[:place]):
        with pytest.raises(NotGenuine):
            open_text(KEY, parse(forged))


def test_a_text_key_opens_one_text_and_proves_it() -> None:
    """Whoever is given the key of one text can check it without us, and opens no other with it."""
    first, second = (parse(seal_text(KEY, RITA, "text", text)) for text in ("first", "second"))
    key = text_key(KEY, first)
    assert open_with(key, first) == "first"
    assert KEY not in key
    with pytest.raises(NotGenuine):
        open_with(key, second)
    with pytest.raises(NotGenuine):
        open_with(bytes(32), first)
