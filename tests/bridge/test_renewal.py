"""The bridge renews its certificate by itself: in time, while it works, and through kill -9 between any two steps."""

import datetime as dt
import os
import shutil
import signal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bridge import enrolment, renewal, state
from bridge.config import Config, ReloadProfile
from bridge.protocol import RENEW_PATH
from bridge.tls import mutual_context
from tests.bridge.conftest import Listening
from tests.bridge.control_plane import TOKEN, Answer, ControlPlane, problem
from tests.bridge.deploying import AUTHORITY, Deployer
from tests.bridge.test_agent import at_work, deployment, quick, result_of
from tests.bridge.test_crashes import crashing_bridge

# As in test_agent: a bridge that is ended in the middle of a handshake.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")

WORN = dt.timedelta(hours=13), dt.timedelta(hours=11)
"""More than half of its day is over."""
ACTS = (
    f"save {state.NEXT_KEY}",
    f"save {state.NEXT_REQUEST}",
    "renewal",
    "answer to the renewal",
    f"save {state.AUTHORITY}",
    f"save {state.NEXT_CERTIFICATE}",
    f"move {state.NEXT_KEY}",
    f"move {state.NEXT_CERTIFICATE}",
    f"remove {state.NEXT_REQUEST}",
)
"""All that a renewal does to the world outside of the process."""
FRESH = dt.timedelta(hours=11), dt.timedelta(hours=13)


def enrolled_anew(listening: Listening, directory: Path) -> Path:
    """The state directory of a bridge that has just enrolled."""
    shutil.rmtree(directory, ignore_errors=True)
    listening.control_plane.bridge = None
    enrolment.enrol(state.open_state(directory), listening.url, TOKEN, listening.pin)
    return directory


@pytest.fixture
def worn(listening: Listening, tmp_path: Path) -> Path:
    """The state directory of a bridge whose certificate is due."""
    listening.control_plane.enrolment_lasts = WORN
    return enrolled_anew(listening, tmp_path / "bridge")


def certificate_of(directory: Path) -> bytes:
    found = x509.load_pem_x509_certificate((directory / state.CERTIFICATE).read_bytes())
    return found.public_bytes(Encoding.DER)


def in_use(control_plane: ControlPlane) -> bool:
    """Has the bridge asked for work with its renewed certificate?"""
    return control_plane.bridge is not None and bool(control_plane.bridge.outdated)


def holds_together(control_plane: ControlPlane, directory: Path) -> None:
    """One generation further, with the key that belongs to it, and nobody else was seen under the bridge's name."""
    assert control_plane.bridge is not None
    assert (2, 0) == (control_plane.bridge.generation, control_plane.clones)
    assert control_plane.bridge.certificate == certificate_of(directory)
    mutual_context(directory)
    assert not list(directory.glob("*next*"))


async def test_renewed_when_half_of_its_life_is_over(control_plane: ControlPlane, worn: Path) -> None:
    """A new key, a new certificate, in use with the next request for work; the bridge never stopped."""
    key = (worn / state.KEY).read_text()
    async with at_work(worn, Config()):
        await control_plane.wait(lambda: in_use(control_plane))
    holds_together(control_plane, worn)
    assert key != (worn / state.KEY).read_text()
    assert 1 == control_plane.requests.count(RENEW_PATH)


async def test_not_renewed_before(listening: Listening, tmp_path: Path) -> None:
    """Less than half is over: nothing to do yet."""
    control_plane = listening.control_plane
    control_plane.enrolment_lasts = FRESH
    directory = enrolled_anew(listening, tmp_path / "bridge")
    async with at_work(directory, Config()):
        await control_plane.wait(lambda: control_plane.requests.count("/bridge/v1/lease") > 1)
    assert RENEW_PATH not in control_plane.requests


async def test_the_control_planes_clock_decides(listening: Listening, tmp_path: Path) -> None:
    """The bridge's own clock is half a day behind: by the control plane's it is time."""
    control_plane = listening.control_plane
    control_plane.enrolment_lasts = FRESH
    control_plane.clock_offset = dt.timedelta(hours=6)
    directory = enrolled_anew(listening, tmp_path / "bridge")
    async with at_work(directory, Config()):
        await control_plane.wait(lambda: RENEW_PATH in control_plane.requests)


async def test_work_goes_on_through_a_renewal(control_plane: ControlPlane, worn: Path, root: Path) -> None:
    """What was leased under the old certificate is reported under the new one, and what comes after it is done too."""
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    plain = Deployer(settings, Config(roots=(str(root),), profiles={"web": ReloadProfile()}), kind="files")
    with control_plane.interfering(RENEW_PATH, problem(503, "not now")):
        async with at_work(worn, plain.config):
            first = control_plane.offer(*deployment(plain, AUTHORITY.server()))
            assert "success" == (await result_of(control_plane, first)).outcome
            await control_plane.wait(lambda: in_use(control_plane))
            second = control_plane.offer(*deployment(plain, AUTHORITY.server()))
            assert "success" == (await result_of(control_plane, second)).outcome
    holds_together(control_plane, worn)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(0, b"", cut=True),
        problem(503, "not now"),
        problem(409, "this request cannot be answered"),
        Answer(200, b"{}"),
        Answer(200, b'{"certificate_pem": "-", "ca_pem": "-", "generation": 2}'),
    ],
    ids=["lost", "busy", "pointless", "empty", "nonsense"],
)
async def test_a_renewal_that_fails_is_repeated(control_plane: ControlPlane, worn: Path, answer: Answer) -> None:
    """Whatever comes instead of an answer, also when the control plane has made the certificate already."""
    with control_plane.interfering(RENEW_PATH, answer) as left:
        async with at_work(worn, Config()):
            await control_plane.wait(lambda: in_use(control_plane))
    assert [] == left
    holds_together(control_plane, worn)


async def test_killed_between_any_two_steps_of_a_renewal(listening: Listening, worn: Path) -> None:
    """Before each file, each rename, the request and its answer in turn: after the restart the bridge works, with one
    pair of key and certificate, and is nobody's clone.
    """
    control_plane, killed = listening.control_plane, set[str]()
    async with crashing_bridge(worn, quick(Config())) as bridge:
        for act in ACTS:
            enrolled_anew(listening, worn)
            await bridge.start(act)
            killed.add(await bridge.end())
            pid = await bridge.start()
            await control_plane.wait(lambda: in_use(control_plane))
            os.kill(pid, signal.SIGTERM)
            assert "ended 0" == await bridge.end()
            holds_together(control_plane, worn)
    assert killed == {f"killed {act}" for act in ACTS}


def test_what_a_crash_left_of_a_request_is_not_used(worn: Path) -> None:
    """A key without its request, or a request without its key: both are made anew."""
    for name in (state.NEXT_KEY, state.NEXT_REQUEST):
        (worn / name).write_text("half")
        renewal.finish(worn)
        assert not (worn / name).exists()
