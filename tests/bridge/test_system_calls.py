"""One installation as system calls: what is durable before what, and kill -9 at every call that matters."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import SealedContent
from tests.bridge.apply_once import Work
from tests.bridge.deploying import AUTHORITY, Deployer, assignment, config_for, load_pair
from tests.bridge.pki import Issued
from tests.support.components import require
from tests.support.nginx import lay_out

REPOSITORY = Path(__file__).resolve().parents[2]
CALLS = "mkdirat,openat,write,fsync,symlinkat,renameat,unlinkat"
KILLS = [
    *(("mkdirat", n) for n in (1, 2)),
    *(("write", n) for n in (1, 2, 3)),
    *(("fsync", n) for n in range(1, 9)),
    *((call, 1) for call in ("unlinkat", "symlinkat", "renameat")),
]


@pytest.fixture
def plain(root: Path, first: Issued) -> Deployer:
    lay_out(root, first.fullchain_pem, first.key_pem)
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    return Deployer(settings, config_for(root, (), ()), kind="files")


def apply_under_strace(target: Deployer, issued: Issued, directory: Path, *options: str) -> tuple[int, str]:
    """(exit status, trace) of a program that installs the certificate."""
    work = assignment(target.settings, issued, target_kind="files")
    job, trace = directory / "job.json", directory / "trace"
    job.write_bytes(msgspec.json.encode(Work(work, SealedContent(private_key_pem=issued.key_pem))))
    program = [sys.executable, "-m", "tests.bridge.apply_once", str(job)]
    argv = [str(require("strace")), "-f", "-y", "-o", str(trace), "-e", f"trace={CALLS}", *options]
    ran = subprocess.run([*argv, *program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if "PTRACE" in ran.stderr or "ptrace" in ran.stderr:
        pytest.skip(f"processes cannot be traced here: {ran.stderr.strip()}")
    return ran.returncode, trace.read_text()


def test_everything_is_durable_before_the_swap(plain: Deployer, tmp_path: Path) -> None:
    """Files, then their directories are synced, then one rename makes them current, then that is synced too."""
    status, trace = apply_under_strace(plain, AUTHORITY.server(), tmp_path)
    assert status == 0
    before, after = re.split(r"renameat\(.*\"current\"\) = 0", trace)
    place = str(plain.place)
    synced = set(re.findall(r"fsync\(\d+<([^>]*)>\)\s+= 0", before))
    release = re.escape(f"{place}/releases/") + r"1-[0-9a-f]{16}"
    for pattern in (re.escape(place), re.escape(f"{place}/releases"), release, release + "/(fullchain|privkey).pem"):
        assert any(re.fullmatch(pattern, path) for path in synced), (pattern, synced)
    assert place == re.findall(r"fsync\(\d+<([^>]*)>\)\s+= 0", after)[0]


def test_the_key_is_never_open_to_others(plain: Deployer, tmp_path: Path) -> None:
    """Mode 0600 is given in the very call that creates the file: there is no moment with another one."""
    _, trace = apply_under_strace(plain, AUTHORITY.server(), tmp_path)
    created = re.findall(r'openat\([^"]*"privkey\.pem", (O_WRONLY\S*), (0\d+)\)', trace)
    assert 1 == len(created)
    flags, mode = created[0]
    assert {"O_CREAT", "O_EXCL", "O_NOFOLLOW"} <= set(flags.split("|"))
    assert "0600" == mode
    assert "chmod" not in trace


@pytest.mark.parametrize(("call", "number"), KILLS, ids=str)
async def test_killed_at_a_system_call(plain: Deployer, tmp_path: Path, first: Issued, call: str, number: int) -> None:
    """A matching pair, old or new, at every point; the next attempt completes it."""
    new = AUTHORITY.server()
    status, _ = apply_under_strace(plain, new, tmp_path, "-e", f"inject={call}:signal=KILL:when={number}")
    assert -9 == status
    current = (plain.place / "current/fullchain.pem").read_text()
    assert current in {first.fullchain_pem, new.fullchain_pem}
    load_pair(plain.place)
    await plain.apply(new, fence=2)
    assert new.fullchain_pem == (plain.place / "current/fullchain.pem").read_text()
    load_pair(plain.place)
