"""The signing keys: one file each, for the sealing process alone, in the form that other tools of signed notes read."""

import stat
from base64 import b64decode
from pathlib import Path

import pytest

from adapters.keys.ed25519 import verify_ed25519
from adapters.sealing.keyring import Keyring, KeyringUnusable

ORIGIN = "ledger.example/test"


def test_a_key_is_made_private_and_found_again(tmp_path: Path) -> None:
    """0600 in a 0700 directory; the file is the line of golang.org/x/mod/sumdb/note."""
    ring = Keyring(tmp_path / "keys")
    made = ring.make(ORIGIN)
    [again] = Keyring(tmp_path / "keys").signers()
    assert made.key == again.key
    assert verify_ed25519(made.key.public_key, again.sign(b"text"), b"text")
    [path] = (tmp_path / "keys").iterdir()
    assert (0o600, 0o700) == (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode))
    name, key_id, seed = path.read_text().strip().removeprefix("PRIVATE+KEY+").split("+", 2)
    assert (ORIGIN, made.key.key_id.hex(), 33, 1) == (name, key_id, len(b64decode(seed)), b64decode(seed)[0])
    assert b64decode(seed)[1:] == made.private_key.private_bytes_raw()
    assert "PrivateKey" not in repr(made)


def test_the_newest_key_stands_first_and_the_last_one_stays(tmp_path: Path) -> None:
    """A retired key is gone for good."""
    ring = Keyring(tmp_path)
    keys = [ring.make(ORIGIN).key for _ in range(3)]
    assert keys[::-1] == [signer.key for signer in ring.signers()]
    for key in keys[:2]:
        ring.retire(key.key_id.hex())
    assert [keys[2]] == [signer.key for signer in ring.signers()]
    for key_id in (keys[2].key_id.hex(), keys[0].key_id.hex(), "", "*"):
        with pytest.raises(KeyringUnusable, match="no key"):
            ring.retire(key_id)


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    """The sentence says which file, and how to change it."""
    Keyring(tmp_path).make(ORIGIN)
    [path] = tmp_path.iterdir()
    path.chmod(0o640)
    with pytest.raises(KeyringUnusable, match="chmod 0600"):
        Keyring(tmp_path).signers()


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY", "PRIVATE+KEY+a+00000000+AAAA", "x" * 2000])
def test_what_is_no_key_is_refused_and_never_quoted(tmp_path: Path, text: str) -> None:
    """Whatever the file holds."""
    path = tmp_path / "0001-aa.key"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(KeyringUnusable, match="no signing key") as refused:
        Keyring(tmp_path).signers()
    assert "AAAA" not in str(refused.value)


def test_one_directory_holds_the_keys_of_one_log(tmp_path: Path) -> None:
    """And a log's name is one word."""
    ring = Keyring(tmp_path)
    ring.make(ORIGIN)
    with pytest.raises(KeyringUnusable, match="of another log"):
        ring.make("other.example")
    with pytest.raises(ValueError, match="an origin"):
        ring.make("two words")
