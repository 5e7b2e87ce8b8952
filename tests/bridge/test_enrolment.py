"""Enrolment: the pinned CA is who gets the token, keys stay here, a lost answer loses nothing."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from bridge import enrolment, state
from bridge.kinds import KINDS
from bridge.protocol import ENROL_PATH
from bridge.tls import ServerRefused, check_pin, check_url
from tests.bridge.conftest import Listening
from tests.bridge.control_plane import TOKEN, Answer
from tests.bridge.pki import Authority

PROGRAM = (sys.executable, "-c", "from bridge.cli import main; main()")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return state.open_state(tmp_path / "bridge")


def test_a_bridge_enrols(listening: Listening, directory: Path) -> None:
    """The token becomes a certificate for a key that was made here, and the bridge knows who it is."""
    identity = enrolment.enrol(directory, listening.url, TOKEN, listening.pin)
    bridge = listening.control_plane.bridge
    assert bridge is not None
    assert (bridge.bridge_id, "edge-1", listening.url) == (identity.bridge_id, identity.name, identity.url)
    assert identity == state.read_identity(directory)
    assert bridge.hpke_key == state.read_hpke_key(directory).public_key().public_bytes_raw()
    assert tuple(KINDS) == bridge.request.kinds


def test_nobody_else_can_read_the_state(listening: Listening, directory: Path) -> None:
    """Directory 0700, every file 0600."""
    enrolment.enrol(directory, listening.url, TOKEN, listening.pin)
    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


def test_another_ca_gets_no_token(listening: Listening, directory: Path) -> None:
    """A server whose chain lacks the pinned CA sees a handshake and no request."""
    with pytest.raises(ServerRefused, match="no certificate of a CA with the pin"):
        enrolment.enrol(directory, listening.url, TOKEN, Authority.create("Other").root.fingerprint)
    assert [] == listening.control_plane.requests


def test_showing_the_pinned_ca_is_not_enough(listening: Listening, directory: Path, tmp_path: Path) -> None:
    """A server can append the real CA's certificate to its chain; it cannot have been issued by it."""
    from tests.bridge.listening import listening as listen

    ca = listening.control_plane.ca
    impostor = Authority.create("Bridge CA").server()
    chain, key = impostor.write(tmp_path, "impostor")
    chain.write_text(impostor.pem + ca.root.pem)
    seen: list[str] = []

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        seen.append(str(scope["type"]))

    ca_file = tmp_path / "bridge-ca.pem"
    with (
        listen(app, (chain, key), ca_file) as port,  # type: ignore[arg-type] # it is never called
        pytest.raises(enrolment.EnrolmentFailed, match="certificate verify failed"),
    ):
        enrolment.enrol(directory, f"https://127.0.0.1:{port}", TOKEN, listening.pin)
    assert "http" not in seen


def test_a_bridges_certificate_is_no_servers(listening: Listening, directory: Path, tmp_path: Path) -> None:
    """A client certificate of the very same CA does not make its holder a control plane."""
    from tests.bridge.listening import listening as listen

    ca_file = tmp_path / "bridge-ca.pem"
    bridge = listening.control_plane.ca.client("127.0.0.1").write(tmp_path, "client")
    with (
        listen(listening.control_plane, bridge, ca_file) as port,
        pytest.raises(enrolment.EnrolmentFailed, match="certificate verify failed"),
    ):
        enrolment.enrol(directory, f"https://127.0.0.1:{port}", TOKEN, listening.pin)


def test_a_wrong_token_says_so(listening: Listening, directory: Path) -> None:
    """The control plane's own words, and the token in none of them."""
    with pytest.raises(enrolment.EnrolmentFailed, match="wrong, used or too old") as caught:
        enrolment.enrol(directory, listening.url, "wrong-token-canary", listening.pin)
    assert "canary" not in str(caught.value)
    assert not (directory / state.IDENTITY).exists()


def test_after_a_lost_answer_the_same_request_is_sent_again(listening: Listening, directory: Path) -> None:
    """The token was spent and the answer lost: the second try sends the same key and gets the same bridge."""
    with (
        listening.control_plane.interfering(ENROL_PATH, Answer(0, b"", cut=True)),
        pytest.raises(enrolment.EnrolmentFailed, match="cannot be reached"),
    ):
        enrolment.enrol(directory, listening.url, TOKEN, listening.pin)
    assert listening.control_plane.bridge is not None
    spent = listening.control_plane.bridge.bridge_id
    assert spent == enrolment.enrol(directory, listening.url, TOKEN, listening.pin).bridge_id


def test_a_certificate_for_another_key_is_refused(listening: Listening, directory: Path) -> None:
    """Whatever the control plane answers, the bridge keeps only what belongs to its own key."""
    answer = {
        "bridge_id": "00000000-0000-0000-0000-000000000001",
        "name": "edge",
        "certificate_pem": listening.control_plane.ca.client().pem,
        "ca_pem": listening.control_plane.ca.root.pem,
    }
    with (
        listening.control_plane.interfering(ENROL_PATH, Answer(200, json.dumps(answer).encode())),
        pytest.raises(ServerRefused, match="another key"),
    ):
        enrolment.enrol(directory, listening.url, TOKEN, listening.pin)
    assert not (directory / state.CERTIFICATE).exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"bridge_id": 1}', b"\xff"])
def test_an_answer_that_makes_no_sense(listening: Listening, directory: Path, body: bytes) -> None:
    """A clear failure, and another try is possible."""
    with (
        listening.control_plane.interfering(ENROL_PATH, Answer(200, body)),
        pytest.raises(enrolment.EnrolmentFailed),
    ):
        enrolment.enrol(directory, listening.url, TOKEN, listening.pin)
    enrolment.enrol(directory, listening.url, TOKEN, listening.pin)


@pytest.mark.parametrize("pin", ["", "abc", "g" * 64, "a" * 63])
def test_pins_that_are_none(pin: str) -> None:
    """A pin has 64 hex digits."""
    with pytest.raises(ValueError, match="64 hex digits"):
        check_pin(pin)


def test_a_pin_may_have_colons() -> None:
    """As OpenSSL prints it."""
    assert "ab" * 32 == check_pin(":".join(["AB"] * 32))


@pytest.mark.parametrize(
    "url",
    ["http://host:1", "host:1", "https://", "https://u:p@host", "https://host/path", "https://host?x=1", "ftp://h"],
)
def test_urls_that_are_none(url: str) -> None:
    """TLS, a host, a port, and nothing else."""
    with pytest.raises(ValueError, match="https://host:port"):
        check_url(url)


def run_program(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(
        [*PROGRAM, *arguments], input=stdin, capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize("by", ["stdin", "file", "environment"])
def test_the_command_takes_the_token_in_three_ways(listening: Listening, tmp_path: Path, by: str) -> None:
    """Standard input, a file or the environment; never an argument, which everybody on the host can read."""
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    arguments = ["enrol", "--url", listening.url, "--ca-pin", listening.pin, "--state", str(tmp_path / "b"), "--json"]
    match by:
        case "stdin":
            ran = run_program(*arguments, "--token-file", "-", stdin=TOKEN + "\n")
        case "file":
            ran = run_program(*arguments, "--token-file", str(file))
        case _:
            ran = run_program(*arguments, CERTFERRY_BRIDGE_TOKEN=TOKEN)
    assert (0, "edge-1") == (ran.returncode, json.loads(ran.stdout)["name"]), ran.stderr


def test_enrolling_twice_needs_a_word(listening: Listening, tmp_path: Path) -> None:
    """An enrolled bridge is not overwritten by accident; `--replace` makes new keys."""
    directory = tmp_path / "b"
    arguments = ["enrol", "--url", listening.url, "--ca-pin", listening.pin, "--state", str(directory)]
    assert 0 == run_program(*arguments, CERTFERRY_BRIDGE_TOKEN=TOKEN).returncode
    key = (directory / state.KEY).read_text()
    refused = run_program(*arguments, CERTFERRY_BRIDGE_TOKEN=TOKEN)
    assert (2, True) == (refused.returncode, "--replace" in refused.stderr)
    listening.control_plane.bridge = None
    assert 0 == run_program(*arguments, "--replace", CERTFERRY_BRIDGE_TOKEN=TOKEN).returncode
    assert key != (directory / state.KEY).read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--url", "https://127.0.0.1:1", "--ca-pin", "aa"], "64 hex digits"),
        (["--url", "http://127.0.0.1:1", "--ca-pin", "a" * 64], "https://host:port"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    """Exit status 2, one sentence, no traceback."""
    ran = run_program("enrol", *arguments, "--state", str(tmp_path / "b"), CERTFERRY_BRIDGE_TOKEN=TOKEN)
    assert (2, True, False) == (ran.returncode, sentence in ran.stderr, "Traceback" in ran.stderr)


def test_no_token_is_told(tmp_path: Path) -> None:
    """The ways to give one are named."""
    arguments = ["--url", "https://127.0.0.1:1", "--ca-pin", "a" * 64, "--state", str(tmp_path / "b")]
    ran = run_program("enrol", *arguments, CERTFERRY_BRIDGE_TOKEN="")
    assert (2, True) == (ran.returncode, "--token-file" in ran.stderr)


def test_a_control_plane_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    """Exit status 1: the same command may work later."""
    arguments = ["--url", "https://no-such-host.invalid:1", "--ca-pin", "a" * 64, "--state", str(tmp_path / "b")]
    ran = run_program("enrol", *arguments, CERTFERRY_BRIDGE_TOKEN=TOKEN)
    assert (1, True, False) == (ran.returncode, "cannot be reached" in ran.stderr, "Traceback" in ran.stderr)


def test_the_certificate_is_for_clients_only(listening: Listening, directory: Path) -> None:
    """What the bridge kept verifies as a client certificate of the CA it trusts."""
    enrolment.enrol(directory, listening.url, TOKEN, listening.pin)
    certificate = x509.load_pem_x509_certificate((directory / state.CERTIFICATE).read_bytes())
    certificate.verify_directly_issued_by(listening.control_plane.ca.root.certificate)
