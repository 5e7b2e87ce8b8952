"""`certferry demo`: what a newcomer sees, and what is left when it ends. Each test has a demo of its own."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.keys.ed25519 import verify_ed25519
from domain.transparency.hashing import leaf_hash
from domain.transparency.keys import VerifierKey
from domain.transparency.tlog_proof import check_tlog_proof, parse_tlog_proof
from tests.support.demo import Demo, running_demo, served

PEOPLE = {"requester", "approver", "implementer", "operator", "auditor", "admin", "lead"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One that is only looked at."""
    with running_demo(tmp_path_factory.mktemp("looked-at") / "a demo") as demo:
        yield demo


def _processes_of(directory: Path) -> list[str]:
    """Every process that has the directory in its command line, or works there."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(directory) in line or str(directory) in place:
            found.append(f"{entry.name}: {line}")
    return found


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_short_living_history(tmp_path: Path) -> None:
    """Seven people, certificates of several colours, pushes in every state, one of them served and verified.

    Started again with the same directory it continues with the same data and tokens; Ctrl-C leaves nothing running.
    """
    directory = tmp_path / "my demo"
    with running_demo(directory) as demo:
        ready = demo.ready
        _has_people(demo)
        _has_a_history(demo)
        assert {"postgres", "api", "worker", "sealer", "bridge"} <= set(ready["pids"])
        assert _mode(demo._ready_file) == _mode(directory / "tokens.json") == 0o600
        assert demo.stop() == 0
    assert not demo._ready_file.exists()
    assert [] == _processes_of(directory)

    with running_demo(directory) as again:
        assert again.ready["tokens"] == ready["tokens"]
        assert again.ready["base_url"] == ready["base_url"]
        _has_a_history(again)
        assert len(again.person("auditor").get("/bridges")["items"]) == 1


def _has_people(demo: Demo) -> None:
    assert set(demo.ready["tokens"]) == PEOPLE
    roles = {name: set(demo.person(name).get("/me")["roles"]) for name in PEOPLE}
    assert roles["lead"] == {"requester", "approver", "implementer"}
    assert all(roles[name] == {name} for name in PEOPLE - {"lead"})


def _has_a_history(demo: Demo) -> None:
    auditor = demo.person("auditor")
    certificates = auditor.get("/certificates")["items"]
    assert {"green", "blue", "yellow", "orange", "red"} <= {each["colour"] for each in certificates}
    orders = auditor.get("/work-orders")["items"]
    wanted = ["approval_pending", "completed", "failed", "review_in_progress", "scheduled"]
    told = [(order["status"], order["deployment"]) for order in orders]
    assert wanted == sorted(order["status"] for order in orders), told
    failed = next(order for order in orders if order["status"] == "failed")
    assert failed["deployment"]["error"]["cause"] == "service_reload_failed", failed
    completed = next(order for order in orders if order["status"] == "completed")
    connector = auditor.get(f"/connectors/{completed['connector_id']}")
    certificate = auditor.get(f"/certificates/{connector['certificate_id']}")
    [endpoint] = connector["endpoints"]
    shown = served(endpoint, "shop.example.com", trusted=Path(demo.ready["ca_pem_path"]))
    assert shown == certificate["fingerprint_sha256"]
    demo.until(
        lambda: auditor.get(f"/connectors/{connector['id']}")["validation"][0]["state"] == "matched", "the verification"
    )


def test_kill_9_of_the_demo_itself(tmp_path: Path) -> None:
    """Its parts end with it; the next start finds everything in order.

    Where the bridge has no certificate that lasts any more, the same bridge is enrolled again.
    """
    directory = tmp_path / "demo"
    with running_demo(directory) as demo:
        ready = demo.ready
        demo.process.send_signal(signal.SIGKILL)
        demo.process.wait()
    (directory / "bridge" / "certificate.pem").unlink()
    with running_demo(directory) as again:
        [bridge] = again.person("auditor").get("/bridges")["items"]
        assert (bridge["id"], bridge["status"]) == (ready["bridge_id"], "connected")
        assert again.ready["tokens"] == ready["tokens"]
        assert not set(again.pids.values()) & set(ready["pids"].values())
        _has_a_history(again)
    assert [] == _processes_of(directory)


def test_a_part_that_is_killed_comes_back_and_one_that_is_stopped_stays_so(tmp_path: Path) -> None:
    """kill -9 is a crash, SIGTERM a wish; nobody is refused a connection while the API starts again."""
    with running_demo(tmp_path / "demo") as demo:
        for part in ("worker", "api", "bridge"):
            demo.kill(part)
        demo.until(lambda: demo.person("auditor").get("/me"), "the API")
        os.kill(demo.pids["bridge"], signal.SIGTERM)
        demo.until(lambda: "bridge" not in _alive(demo), "the bridge to stop")
        bridge = f"/bridges/{demo.ready['bridge_id']}"
        demo.until(lambda: demo.person("auditor").get(bridge)["status"] == "disconnected", "its silence to be noticed")
        assert "bridge" not in _alive(demo)


def _alive(demo: Demo) -> set[str]:
    return {name for name, pid in demo.pids.items() if Path(f"/proc/{pid}").exists()}


def test_without_nginx(tmp_path: Path) -> None:
    """Simulated TLS targets stand in, and the demo says so; the same history ends the same way."""
    with running_demo(tmp_path / "demo", "--simulated") as demo:
        assert "simulated TLS targets" in (tmp_path / "demo-said.txt").read_text()
        _has_a_history(demo)


def test_two_demos_in_one_directory(demo: Demo) -> None:
    """The second one says so and leaves the first one alone."""
    second = _tried("--port", "0", "--data", str(demo.directory))
    assert second.returncode == 1
    assert "Another demo runs" in second.stderr
    assert demo.person("auditor").get("/me")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """One sentence, and nothing keeps running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        tried = _tried("--port", port, "--data", str(tmp_path / "demo"))
    assert tried.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in tried.stderr
    assert "Traceback" not in tried.stderr
    assert [] == _processes_of(tmp_path / "demo")


def _tried(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-c", "from api.cli import main; main()", "demo", "--no-browser", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_ready_file_that_cannot_be_written(tmp_path: Path) -> None:
    """Said at once, in a sentence: not after a minute's start, and not as a traceback."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "ready.json", Path("/proc/certferry/ready.json")):
        tried = _tried("--port", "0", "--data", str(tmp_path / "demo"), "--ready-file", str(path))
        assert tried.returncode == 1
        assert f"{path} cannot be written" in tried.stderr
        assert "Traceback" not in tried.stderr
        assert not (tmp_path / "demo" / "postgres").exists()


def test_no_secret_is_logged_or_shown_to_other_users(demo: Demo) -> None:
    """Tokens stand in no log and in no command line; what holds secrets is for its owner only."""
    directory = demo.directory
    logs = "".join(file.read_text() for file in (directory / "logs").iterdir())
    lines = "".join(_processes_of(directory))
    password = (directory / "certferry.toml").read_text().partition("certferry_app:")[2].partition("@")[0]
    assert password
    for secret in (*demo.ready["tokens"].values(), password):
        assert secret not in logs
        assert secret not in lines
    assert _mode(directory) == 0o700
    assert _mode(directory / "certferry.toml") == 0o600


def test_pages_are_there(demo: Demo) -> None:
    """A browser is asked to sign in; the description of the API is there without anything from elsewhere."""
    with httpx.Client(base_url=demo.ready["base_url"], follow_redirects=True, trust_env=False) as client:
        assert client.get("/").status_code == 200
        assert client.get("/docs").status_code == 200
        assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
        assert "BEGIN CERTIFICATE" in client.get("/pki/ca.pem").text
        assert client.get("/api/v1/me", headers={"authorization": "Bearer cf_nothing"}).status_code == 401


def test_the_panel_says_what_to_do(demo: Demo) -> None:
    """Address, tokens and what to try stand on the terminal; the ready file says the same to programs."""
    said = demo.directory.with_name(f"{demo.directory.name}-said.txt").read_text()
    for text in (demo.ready["base_url"], demo.ready["ca_pem_path"], *demo.ready["tokens"].values(), *PEOPLE):
        assert text in said
    assert "What to try" in said


def test_the_ledger_is_sealed_as_it_grows(demo: Demo) -> None:
    """Checkpoints follow within seconds, in a file too; an event of the history is proven by its own key."""
    auditor = demo.person("auditor")
    key = auditor.client.get("/audit/key")
    assert key.status_code == 200, key.text
    size = int(auditor.get("/audit-events", sort="-position", limit=1)["items"][0]["position"])

    def sealed() -> bool:
        return int(auditor.client.get("/audit/checkpoint").text.split("\n")[1]) >= size

    demo.until(sealed, "the newest event is sealed")
    origin = auditor.client.get("/audit/checkpoint").text.partition("\n")[0]
    proof = parse_tlog_proof(auditor.client.get(f"/audit-events/{size}/proof").text)
    leaf = auditor.client.get(f"/audit-events/{size}/leaf").content
    keys = [VerifierKey.parse(line) for line in key.text.splitlines()]
    check_tlog_proof(proof, leaf_hash(leaf), origin, keys, verify_ed25519)
    assert (Path(demo.ready["data"]) / "checkpoints.ndjson").read_text().count("\n") >= 1
