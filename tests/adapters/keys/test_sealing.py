"""What is sealed to a bridge opens there, for the same bridge, assignment, fence and certificate, and nowhere else."""

import hashlib
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.keys.sealing import NotAnHpkeKey, check_hpke_key, seal_content, seal_to
from bridge import sealing as bridge_side
from bridge.protocol import SealedContent, seal_context

BRIDGE, ASSIGNMENT = UUID(int=1), UUID(int=2)
KEY = X25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
CONTENT = SealedContent(private_key_pem="canary-key", secrets={"password": "canary-pässword"})


def sealed(content: SealedContent = CONTENT) -> str:
    return seal_content(content, PUBLIC, bridge_id=BRIDGE, assignment_id=ASSIGNMENT, fence=7, fullchain_pem="the chain")


def test_the_bridges_own_code_opens_what_we_seal() -> None:
    """Two implementations, one format: content sealed here is the content the bridge reads."""
    context = seal_context(BRIDGE, ASSIGNMENT, 7, "the chain")
    assert bridge_side.open_sealed(sealed(), KEY, context) == CONTENT
    assert "canary" not in sealed()


@pytest.mark.parametrize(
    "context",
    [
        seal_context(UUID(int=3), ASSIGNMENT, 7, "the chain"),
        seal_context(BRIDGE, UUID(int=3), 7, "the chain"),
        seal_context(BRIDGE, ASSIGNMENT, 8, "the chain"),
        seal_context(BRIDGE, ASSIGNMENT, 7, "another chain"),
        seal_context(BRIDGE, ASSIGNMENT, 7, None),
    ],
    ids=["bridge", "assignment", "fence", "certificate", "no certificate"],
)
def test_nothing_of_the_context_can_be_exchanged(context: bytes) -> None:
    """A replay to another bridge, for another assignment, under another fence or certificate does not open."""
    with pytest.raises(bridge_side.CannotOpen):
        bridge_side.open_sealed(sealed(), KEY, context)


def test_another_bridges_key_does_not_open() -> None:
    """Sealed means sealed to one key."""
    context = seal_context(BRIDGE, ASSIGNMENT, 7, "the chain")
    with pytest.raises(bridge_side.CannotOpen):
        bridge_side.open_sealed(sealed(), X25519PrivateKey.generate(), context)


def test_the_context_is_the_documented_one() -> None:
    """The exact bytes are part of the protocol: old bridges rely on them."""
    chain = hashlib.sha256(b"the chain").hexdigest()
    expected = f"certferry/bridge/v1|{BRIDGE}|{ASSIGNMENT}|7|{chain}".encode()
    assert expected == seal_context(BRIDGE, ASSIGNMENT, 7, "the chain")


def test_the_format_is_enc_ciphertext_tag() -> None:
    """RFC 9180 sizes: 32 bytes of encapsulated key before, 16 bytes of tag behind the ciphertext."""
    assert len(seal_to(PUBLIC, b"12345", b"context")) == 32 + 5 + 16
    assert seal_to(PUBLIC, b"12345", b"context") != seal_to(PUBLIC, b"12345", b"context")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31)])
def test_what_is_no_usable_key_is_refused(key: bytes) -> None:
    """Wrong lengths, and points of low order, to which everybody could open what is sealed."""
    with pytest.raises(NotAnHpkeKey):
        check_hpke_key(key)


def test_a_usable_key_is_accepted() -> None:
    """The check lets real keys pass."""
    check_hpke_key(PUBLIC)
