"""A master key in a hardware module, here SoftHSM: it seals and opens there, and what it sealed opens nowhere else."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from adapters.keys.key_source import MASTER_KEY
from adapters.keys.master_key import load_master_keys
from adapters.keys.vault import Envelope
from tests.support.components import ROOT, require

OWNER = UUID(int=1)
PIN = "5f1d-1234"
HEAD = """
import sys
from pathlib import Path
from uuid import UUID
from cryptography.exceptions import InvalidTag
import typed_settings as ts
from adapters.keys.key_source import load_keys
from adapters.keys.master_key import MasterKeyUnusable
from adapters.keys.pkcs11_key import make_key
from adapters.keys.vault import CannotOpen, Envelope
from adapters.settings import Settings, Vault

OWNER = UUID(int=1)

def settings(key='certferry', pin=sys.argv[2], token='certferry', former=()):
    vault = Vault(
        pkcs11_module=Path(sys.argv[1]),
        pkcs11_token=token,
        pkcs11_key=key,
        pkcs11_former=former,
        pkcs11_pin=ts.SecretStr(pin),
    )
    return Settings(data=Path(sys.argv[3]), vault=vault)

def envelope(**different):
    keys = load_keys(settings(**different))
    return Envelope(keys.current, *keys.former)
"""


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A token of its own; the module reads its place from the environment when a process loads it."""
    module = require("softhsm2")
    (tmp_path / "tokens").mkdir()
    conf = tmp_path / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(conf))
    command = ["softhsm2-util", "--init-token", "--free", "--label", "certferry", "--so-pin", "12345678", "--pin", PIN]
    subprocess.run(command, check=True, capture_output=True)
    return module


def run(module: Path, data: Path, program: str) -> list[str]:
    """What a process says, line by line."""
    command = [sys.executable, "-W", "error", "-c", HEAD + program, str(module), PIN, str(data)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert PIN not in done.stdout + done.stderr
    return done.stdout.splitlines()


def test_sealed_there_opened_there(token: Path, tmp_path: Path) -> None:
    """Made once on the token, not to be read out; another process opens what the first one sealed. No file is made."""
    made = """
make_key(settings().vault)
sealed = envelope().seal(OWNER, 'p', b'a secret')
print(sealed.hex())
print(load_keys(settings()).source)
"""
    sealed, source = run(token, tmp_path, made)
    assert b"a secret" not in bytes.fromhex(sealed)
    assert source == "PKCS#11 token certferry, key certferry"
    opened = f"""
sealed = bytes.fromhex('{sealed}')
print(envelope().open(OWNER, 'p', sealed))
changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
wrapped_changed = sealed[:30] + bytes([sealed[30] ^ 1]) + sealed[31:]
for broken, owner in ((changed, OWNER), (sealed, UUID(int=2)), (wrapped_changed, OWNER)):
    try:
        envelope().open(owner, 'p', broken)
    except CannotOpen:
        print('cannot open')
key = load_keys(settings()).current._key
import pkcs11
try:
    print(key[pkcs11.Attribute.VALUE])
except pkcs11.exceptions.PKCS11Error:
    print('it does not leave')
"""
    assert run(token, tmp_path, opened) == ["b'a secret'", *["cannot open"] * 3, "it does not leave"]
    assert not (tmp_path / MASTER_KEY).exists()


def test_what_was_sealed_before_the_module_was_there_opens(token: Path, tmp_path: Path) -> None:
    """The keys of the file are former ones then; so are other keys of the token that the settings name."""
    keys = load_master_keys(tmp_path / MASTER_KEY, {})
    sealed = Envelope(keys.current).seal(OWNER, "p", b"older")
    program = f"""
make_key(settings().vault)
make_key(settings(key='second').vault)
first = envelope().seal(OWNER, 'p', b'first')
later = envelope(key='second', former=('certferry',))
print(later.open(OWNER, 'p', bytes.fromhex('{sealed.hex()}')), later.open(OWNER, 'p', first))
"""
    assert run(token, tmp_path, program) == ["b'older' b'first'"]


def test_what_is_missing_is_said(token: Path, tmp_path: Path) -> None:
    """No such key, no such token, a wrong PIN, no such module: one sentence each, without the PIN."""
    program = """
for different in ({}, {'token': 'other'}, {'pin': 'wrong-pin'}):
    try:
        load_keys(settings(**different))
    except MasterKeyUnusable as error:
        print(error)
"""
    missing_key, *others = run(token, tmp_path, program)
    twice = """
make_key(settings().vault)
try:
    make_key(settings().vault)
except MasterKeyUnusable as error:
    print(error)
"""
    assert "already" in run(token, tmp_path, twice)[0]
    assert "certferry keys make-hsm-key" in missing_key
    assert len(others) == 2
    assert all("cannot be used" in line and "wrong-pin" not in line for line in others)
