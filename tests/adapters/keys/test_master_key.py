"""The master key is found, or made so that nobody else could ever read it."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.keys.master_key import CREDENTIAL, ENVIRONMENT, MasterKey, MasterKeyUnusable, Wrapper, load_master_keys
from tests.support.components import ROOT

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()
MAKE = "import sys; from pathlib import Path; from adapters.keys.master_key import load_master_keys as load; "
PRINT = MAKE + "print(load(Path(sys.argv[1]), {}).current.key.hex())"


def loaded(path: Path, environment: dict[str, str]) -> MasterKey:
    current: Wrapper = load_master_keys(path, environment).current
    assert isinstance(current, MasterKey)
    return current


def test_a_missing_file_is_made_once(tmp_path: Path) -> None:
    """The first start makes a key in a private directory, later starts find it; nothing else is left there."""
    path = tmp_path / "data" / "master.key"
    first = loaded(path, {})
    assert first == loaded(path, {})
    assert [path] == list(path.parent.iterdir())
    assert (0o600, 0o700) == (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode))
    assert 32 == len(first.key)
    assert first != loaded(tmp_path / "other.key", {})


@pytest.mark.needs("strace")
def test_the_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    """The mode stands in the system call that creates the file, and no file is opened wider and narrowed later."""
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-e", "trace=openat,open,creat,chmod,fchmod,fchmodat", "-o", str(trace), sys.executable]
    subprocess.run([*command, "-c", PRINT, str(tmp_path / "key")], cwd=ROOT, check=True, capture_output=True)
    lines = trace.read_text().splitlines()
    created = [line for line in lines if "O_CREAT" in line and str(tmp_path / ".key") in line]
    assert len(created) == 1
    assert "O_EXCL" in created[0]
    assert ", 0600)" in created[0]
    assert not [line for line in lines if "chmod" in line and str(tmp_path) in line]


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    """API, worker and command line may start at the same moment on an empty directory."""
    command = [sys.executable, "-c", PRINT, str(tmp_path / "key")]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    keys = {process.communicate()[0] for process in processes}
    assert [0] * 6 == [process.returncode for process in processes]
    assert len(keys) == 1
    assert [tmp_path / "key"] == list(tmp_path.iterdir())


def test_the_order_of_sources(tmp_path: Path) -> None:
    """The systemd credential comes before the environment, the environment before the file."""
    path = tmp_path / "file.key"
    from_file = loaded(path, {})
    environment = {ENVIRONMENT: base64.b64encode(b"e" * 32).decode(), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert MasterKey(b"e" * 32) == loaded(path, environment)
    (tmp_path / CREDENTIAL).write_text(TEXT + "\n")
    assert MasterKey(KEY) == loaded(path, environment)
    assert from_file == loaded(path, {ENVIRONMENT: ""})


@pytest.mark.parametrize("text", ["", "abc", TEXT[:-4], TEXT + TEXT, "é" * 44, base64.b64encode(bytes(31)).decode()])
def test_a_malformed_key_is_refused(tmp_path: Path, text: str) -> None:
    """A key that is cut, empty or of another length stops the start; the message shows none of it."""
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    for environment in ({}, {ENVIRONMENT: text} if text else {}):
        with pytest.raises(MasterKeyUnusable) as caught:
            loaded(path, environment)
        assert not text or text not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """A key that others could read is no secret any more; the message says how to mend it."""
    path = tmp_path / "key"
    path.write_text(TEXT)
    path.chmod(mode)
    with pytest.raises(MasterKeyUnusable, match="chmod 0600"):
        loaded(path, {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Whoever owns the file knows the key and may change it."""
    path = tmp_path / "key"
    path.write_text(TEXT)
    path.chmod(0o600)
    os.chown(path, 65534, 65534)
    with pytest.raises(MasterKeyUnusable, match="somebody else"):
        loaded(path, {})


def test_no_byte_of_the_key_shows_in_a_representation() -> None:
    """A master key may end in a traceback; what shows is its public id."""
    key = MasterKey(KEY)
    assert f"MasterKey({key.key_id.hex()})" == repr(key) == str(key)
    assert key.key_id not in KEY
