"""The simulated target behaves like nginx where a push can notice the difference."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.probing.prober import TlsProber
from bridge.probing.policy import AddressPolicy, parse_networks
from tests.adapters.x509.certificates import Made
from tests.contracts.probe_contract import ISSUER, fingerprint, served
from tests.support.components import ROOT

COMMAND = [sys.executable, "-m", "adapters.simulated.tls_target"]
PROBER = TlsProber(AddressPolicy(parse_networks(["127.0.0.0/8"])))


def install(root: Path, release: str, made: Made, key: str | None = None) -> None:
    """A release directory, and one symbolic link swapped to it, as the bridge does."""
    (root / release).mkdir(parents=True)
    (root / release / "fullchain.pem").write_text(made.pem + ISSUER.pem)
    (root / release / "privkey.pem").write_text(made.key_pem if key is None else key)
    (root / "next").symlink_to(release)
    (root / "next").rename(root / "current")


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, check=False)


def wait_for(path: Path, text: str = "") -> str:
    deadline = time.monotonic() + 30
    while not (path.exists() and text in (found := path.read_text())):
        assert time.monotonic() < deadline, f"{path} never said {text!r}"
        time.sleep(0.01)
    return found


class Target:
    """A running target in a directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.root, self.log = folder / "tls", folder / "log"
        self.pid_file, self._ready_file = folder / "pid", folder / "ready"
        self.first = served("first.test")
        install(self.root, "rel-1", self.first)
        options = ["--root", str(self.root), "--pid-file", str(self.pid_file), "--ready-file", str(self._ready_file)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*COMMAND, *options, "--port", "0"], cwd=ROOT, stderr=log)
        self.port = json.loads(wait_for(self._ready_file))["port"]

    async def serves(self) -> str | None:
        return (await PROBER.probe(f"127.0.0.1:{self.port}", None, 10)).fingerprint_sha256

    def reload(self) -> int:
        return run("--root", str(self.root), "--pid-file", str(self.pid_file), "--reload").returncode

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    started = Target(tmp_path)
    yield started
    started.stop()


async def test_a_reload_serves_the_new_certificate(target: Target) -> None:
    """Swapping the link alone changes nothing; the reload does, without a restart."""
    second = served("second.test")
    assert await target.serves() == fingerprint(target.first)
    install(target.root, "rel-2", second)
    assert await target.serves() == fingerprint(target.first)
    assert target.reload() == 0
    wait_for(target.log, "reloaded")
    assert await target.serves() == fingerprint(second)
    assert target.process.poll() is None


async def test_a_broken_pair_is_refused_and_the_old_one_served_on(target: Target) -> None:
    """A key of another certificate: the check says so with status 1, and a reload all the same keeps the old pair."""
    install(target.root, "rel-2", served("second.test"), key=target.first.key_pem)
    checked = run("--root", str(target.root), "--check")
    assert checked.returncode == 1
    assert "KEY_VALUES_MISMATCH" in checked.stderr
    assert target.reload() == 0
    wait_for(target.log, "the old certificate is served on")
    assert await target.serves() == fingerprint(target.first)


def test_plain_clients_are_answered(target: Target) -> None:
    """Something to see for curl and browsers: one page over HTTPS."""
    url = f"https://127.0.0.1:{target.port}/"
    script = (
        "import ssl,sys,urllib.request as u; c=ssl._create_unverified_context();"
        "print(u.urlopen(sys.argv[1],context=c).read())"
    )
    shown = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
    assert "simulated target" in shown.stdout


def test_a_stopped_target_leaves_nothing_and_cannot_reload(target: Target) -> None:
    """SIGTERM ends it with status 0, its files go, and a reload reports that nobody is there."""
    target.process.send_signal(signal.SIGTERM)
    assert target.process.wait() == 0
    assert not target.pid_file.exists()
    assert target.reload() == 1


@pytest.mark.parametrize(
    ("says", "break_it"),
    [
        ("No such file", lambda release: (release / "privkey.pem").unlink()),
        ("PEM", lambda release: (release / "privkey.pem").write_text("")),
        ("PEM", lambda release: (release / "fullchain.pem").write_text("garbage")),
    ],
    ids=["missing", "empty", "garbage"],
)
def test_the_check_tells_what_is_wrong(tmp_path: Path, says: str, break_it: Callable[[Path], object]) -> None:
    """Exit status 1 and a message, from the check and from a start alike; a good pair passes."""
    install(tmp_path, "rel-1", served("a.test"))
    assert run("--root", str(tmp_path), "--check").returncode == 0
    break_it(tmp_path / "rel-1")
    for options in (["--check"], ["--port", "0"]):
        done = run("--root", str(tmp_path), *options)
        assert (done.returncode, says in done.stderr) == (1, True)


def test_an_encrypted_key_is_refused_without_asking(tmp_path: Path) -> None:
    """Nobody sits at the terminal of a server."""
    made = served("a.test")
    command = ["openssl", "pkcs8", "-topk8", "-passout", "pass:x"]
    encrypted = subprocess.run(command, input=made.key_pem, capture_output=True, text=True, check=True).stdout
    install(tmp_path, "rel-1", made, key=encrypted)
    assert run("--root", str(tmp_path), "--check").returncode == 1
