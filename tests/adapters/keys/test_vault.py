"""A sealed value opens for its owner and purpose, unchanged, under its master key, and never otherwise."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.keys.master_key import MasterKey
from adapters.keys.vault import OVERHEAD, CannotOpen, Envelope

OWNER, OTHER = UUID(int=1), UUID(int=2)
OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)
ENVELOPE = Envelope(NEW)


@given(st.binary(max_size=5_000), st.uuids(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_was_sealed_opens(plaintext: bytes, owner: UUID, purpose: str) -> None:
    """Any bytes come back, and sealing adds the same number of bytes always."""
    sealed = ENVELOPE.seal(owner, purpose, plaintext)
    assert plaintext == ENVELOPE.open(owner, purpose, sealed)
    assert OVERHEAD == len(sealed) - len(plaintext)


def test_sealing_twice_gives_two_values() -> None:
    """Equal secrets cannot be told from different ones."""
    assert ENVELOPE.seal(OWNER, "p", b"x") != ENVELOPE.seal(OWNER, "p", b"x")


@pytest.mark.parametrize(
    ("owner", "purpose"), [(OTHER, "purpose"), (OWNER, "purpos"), (OWNER, "purpose "), (OWNER, "")]
)
def test_owner_and_purpose_are_bound(owner: UUID, purpose: str) -> None:
    """A value moved to another owner or another use does not open."""
    with pytest.raises(CannotOpen):
        ENVELOPE.open(owner, purpose, ENVELOPE.seal(OWNER, "purpose", b"x"))


@given(st.data())
def test_every_changed_byte_is_noticed(data: st.DataObject) -> None:
    """Flip a bit anywhere, cut anywhere: one clear error, the same everywhere."""
    sealed = bytearray(ENVELOPE.seal(OWNER, "purpose", b"some plaintext"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    cut = bytes(sealed[:at])
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    for broken in (bytes(sealed), cut, bytes(sealed) + b"\0"):
        with pytest.raises(CannotOpen, match=f"cannot open purpose of {OWNER}"):
            ENVELOPE.open(OWNER, "purpose", broken)


def test_parts_of_two_values_do_not_fit_together() -> None:
    """The data key of one value with the ciphertext of another one of the same owner is noticed."""
    first, second = (ENVELOPE.seal(OWNER, "p", text) for text in (b"first", b"other"))
    middle = OVERHEAD - 28
    with pytest.raises(CannotOpen):
        ENVELOPE.open(OWNER, "p", first[:middle] + second[middle:])


def test_values_of_a_former_master_key_still_open() -> None:
    """New values use the new master key; old values open as long as the old one is given too."""
    old_value = Envelope(OLD).seal(OWNER, "p", b"x")
    both = Envelope(NEW, OLD)
    assert both.open(OWNER, "p", old_value) == b"x"
    assert ENVELOPE.open(OWNER, "p", both.seal(OWNER, "p", b"y")) == b"y"
    with pytest.raises(CannotOpen):
        ENVELOPE.open(OWNER, "p", old_value)


def test_a_sealed_value_names_its_master_key_by_a_hash() -> None:
    """The id in the blob tells which key is needed and nothing about the key."""
    sealed = ENVELOPE.seal(OWNER, "p", b"x")
    assert b"\x01" + NEW.key_id == sealed[:9]
    assert NEW.key_id != OLD.key_id
    assert NEW.key[:8] not in sealed
