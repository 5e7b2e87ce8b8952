"""The agent against a control plane that really listens: what it does with work, and with one that is in trouble."""

import asyncio
import contextlib
import datetime as dt
import itertools
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bridge import running, state
from bridge.config import Config, ReloadProfile
from bridge.protocol import (
    HEARTBEAT_PATH,
    RESULT_PATH,
    Assignment,
    AssignmentKind,
    DiscoveryRequest,
    FailureCause,
    Outcome,
    ResultRequest,
    SealedContent,
)
from tests.bridge.control_plane import Answer, ControlPlane, Offer, problem
from tests.bridge.deploying import AUTHORITY, Deployer, assignment, files_of
from tests.bridge.pki import Issued
from tests.support.nginx import Nginx

# The HTTP library leaves a connection to the garbage collector when a call is cancelled during its TLS handshake, which
# happens when a test ends its bridge at that moment. A real bridge's process ends then.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")

CUT = Answer(0, b"", cut=True)


def quick(config: Config) -> Config:
    """The same bridge, for tests: short pauses between polls, heartbeats and attempts."""
    return msgspec.structs.replace(config, poll_seconds=1, heartbeat_seconds=0.1, retry_seconds=0.2, stop_seconds=20)


@contextlib.asynccontextmanager
async def at_work(directory: Path, config: Config) -> AsyncIterator[None]:
    """A bridge that runs during the block."""
    task = asyncio.create_task(running.run(directory, quick(config)))
    try:
        yield
        assert not task.done(), task.result()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def deployment(target: Deployer, issued: Issued, **changes: object) -> tuple[Assignment, SealedContent]:
    work = assignment(target.settings, issued, profile=target.profile, target_kind=target.kind)
    content = SealedContent(private_key_pem=issued.key_pem, secrets=target.secrets)
    return msgspec.structs.replace(work, **changes), content


async def result_of(control_plane: ControlPlane, offer: Offer) -> ResultRequest:
    report = await control_plane.decided(offer)
    assert isinstance(report, ResultRequest)
    return report


@pytest.fixture
def plain(root: Path) -> Deployer:
    """Files on this host, without a service."""
    settings = {"transport": "local", "root": str(root), "reload_profile": "web"}
    return Deployer(settings, Config(roots=(str(root),), profiles={"web": ReloadProfile()}), kind="files")


async def test_a_deployment_from_the_lease_to_the_result(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx
) -> None:
    """Leased, installed, reloaded, read back, reported with its steps, and served."""
    new = AUTHORITY.server()
    async with at_work(enrolled, local.config):
        result = await result_of(control_plane, control_plane.offer(*deployment(local, new)))
    assert (Outcome.SUCCESS, None, True, False, new.fingerprint) == (
        result.outcome,
        result.cause,
        result.written,
        result.already_in_place,
        result.read_back_fingerprint_sha256,
    )
    assert ["check", "connect", "look", "write", "swap", "test", "reload", "read_back", "tidy"] == [
        step.name for step in result.steps
    ]
    nginx.wait_until_serves(new.fingerprint)


async def test_progress_is_told_while_it_works(control_plane: ControlPlane, enrolled: Path, plain: Deployer) -> None:
    """The control plane hears of a step that takes its time while it goes on."""
    target = plain.with_config(profiles={"web": ReloadProfile(reload=("sleep", "1"))})
    offer = control_plane.offer(*deployment(target, AUTHORITY.server()))
    async with at_work(enrolled, target.config):
        await control_plane.wait(lambda: "reload" in offer.steps)
        assert not offer.received
        await result_of(control_plane, offer)


async def test_a_second_deployment_of_the_same_is_already_in_place(
    control_plane: ControlPlane, enrolled: Path, local: Deployer
) -> None:
    """Nothing is written and nothing reloaded, and the report says so."""
    new = AUTHORITY.server()
    async with at_work(enrolled, local.config):
        await result_of(control_plane, control_plane.offer(*deployment(local, new)))
        before = files_of(local.place)
        second = await result_of(control_plane, control_plane.offer(*deployment(local, new)))
    assert (Outcome.SUCCESS, True) == (second.outcome, second.already_in_place)
    assert before == files_of(local.place)


async def test_a_failure_has_its_cause_and_words(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx, first: Issued
) -> None:
    """What the driver says arrives unchanged: cause, whether written, nginx's own message."""
    nginx.break_configuration()
    async with at_work(enrolled, local.config):
        result = await result_of(control_plane, control_plane.offer(*deployment(local, AUTHORITY.server())))
    assert (Outcome.FAILED, FailureCause.SERVICE_RELOAD_FAILED, False) == (
        result.outcome,
        result.cause,
        result.written,
    )
    assert 'unknown directive "no_such_directive"' in result.message
    assert first.fingerprint == nginx.serves()


async def test_discovery_and_test(control_plane: ControlPlane, enrolled: Path, local: Deployer, first: Issued) -> None:
    """The other two kinds of work: what the target holds, and whether a push could work."""
    discovery = assignment(local.settings, kind=AssignmentKind.DISCOVERY)
    dry_run = assignment(local.settings, kind=AssignmentKind.TEST)
    async with at_work(enrolled, local.config):
        found = await control_plane.decided(control_plane.offer(discovery))
        tested = await result_of(control_plane, control_plane.offer(dry_run))
    assert isinstance(found, DiscoveryRequest)
    assert (True, [first.fingerprint]) == (found.healthy, [each.fingerprint_sha256 for each in found.found])
    assert Outcome.SUCCESS is tested.outcome


async def test_a_discovery_of_a_target_that_cannot_be_read(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer
) -> None:
    """Unhealthy is not empty: the report says that nothing is known."""
    settings = {**plain.settings, "root": "/elsewhere"}
    async with at_work(enrolled, plain.config):
        offer = control_plane.offer(assignment(settings, kind=AssignmentKind.DISCOVERY, target_kind="files"))
        found = await control_plane.decided(offer)
    assert isinstance(found, DiscoveryRequest)
    assert (False, ()) == (found.healthy, found.found)


async def test_what_is_sealed_to_another_lease_is_refused(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer
) -> None:
    """A sealed key that was meant for another bridge opens nothing: invalid_certificate_or_key, nothing written."""
    assert control_plane.bridge is not None
    control_plane.bridge.bridge_id = uuid.uuid4()
    async with at_work(enrolled, plain.config):
        result = await result_of(control_plane, control_plane.offer(*deployment(plain, AUTHORITY.server())))
    assert (FailureCause.INVALID_CERTIFICATE_OR_KEY, False) == (result.cause, result.written)
    assert {} == files_of(plain.place)


async def test_a_lost_answer_makes_the_same_report_come_again(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer
) -> None:
    """The control plane took the result and the answer was lost, twice: the very same report comes until it arrives."""
    offer = control_plane.offer(*deployment(plain, AUTHORITY.server()))
    with control_plane.interfering(RESULT_PATH, CUT, CUT) as left:
        async with at_work(enrolled, plain.config):
            await control_plane.wait(lambda: len(offer.received) == 3)
    assert [] == left
    assert [offer.decided] * 3 == [report for report, _ in offer.received]
    assert [True, False, False] == [answer.accepted for _, answer in offer.received]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503])
async def test_results_wait_for_a_control_plane_that_is_in_trouble(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer, status: int
) -> None:
    """Whatever it answers meanwhile, the report is delivered in the end."""
    offer = control_plane.offer(*deployment(plain, AUTHORITY.server()))
    with control_plane.interfering(RESULT_PATH, *[problem(status, "not now")] * 3) as left:
        async with at_work(enrolled, plain.config):
            result = await result_of(control_plane, offer)
    assert [] == left
    assert Outcome.SUCCESS is result.outcome


async def test_a_report_that_is_refused_for_good_is_not_sent_for_ever(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer
) -> None:
    """A problem of the control plane itself ends the matter, and the bridge goes on with other work."""
    with control_plane.interfering(RESULT_PATH, problem(404, "no such assignment")):
        async with at_work(enrolled, plain.config):
            refused = control_plane.offer(*deployment(plain, AUTHORITY.server(), lease_seconds=3600))
            await control_plane.wait(lambda: RESULT_PATH in control_plane.requests)
            second = await result_of(control_plane, control_plane.offer(*deployment(plain, AUTHORITY.server())))
    assert Outcome.SUCCESS is second.outcome
    assert [] == refused.received


async def test_a_proxys_404_is_not_the_control_planes(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer
) -> None:
    """Only a problem document means that a report is pointless."""
    html = Answer(404, b"<html>not here</html>")
    with control_plane.interfering(RESULT_PATH, replace(html, content_type=b"text/html")):
        async with at_work(enrolled, plain.config):
            result = await result_of(control_plane, control_plane.offer(*deployment(plain, AUTHORITY.server())))
    assert Outcome.SUCCESS is result.outcome


async def test_one_at_a_time_per_target_and_several_at_once_otherwise(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer, tmp_path: Path
) -> None:
    """Two pushes to one target never overlap; looking at two targets does."""
    log = tmp_path / "log"
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    reload = ("sh", "-c", f'echo begin "$0" >> {log}; sleep 0.3; echo end "$0" >> {log}', "{place}")
    together = ("sh", "-c", _MEET.format(meeting=meeting), "{place}")
    profiles = {"web": ReloadProfile(reload=reload), "meet": ReloadProfile(test=together)}
    target = plain.with_config(profiles=profiles)
    others = [_other(target, name) for name in ("one", "two")]
    async with at_work(enrolled, target.config):
        same = [control_plane.offer(*deployment(target, AUTHORITY.server())) for _ in range(3)]
        tests = [assignment(o.settings, kind=AssignmentKind.TEST, target_kind=o.kind) for o in others]
        meet = [control_plane.offer(test, SealedContent()) for test in tests]
        results = [await result_of(control_plane, offer) for offer in (*same, *meet)]
    assert [Outcome.SUCCESS] * 5 == [result.outcome for result in results]
    assert [f"begin {target.place}", f"end {target.place}"] * 3 == log.read_text().splitlines()


_MEET = 'touch {meeting}/$(basename "$0"); while [ $(ls {meeting} | wc -l) -lt 2 ]; do sleep 0.02; done'


def _other(target: Deployer, name: str) -> Deployer:
    place = target.place / name
    place.mkdir()
    return replace(target, settings={**target.settings, "root": str(place), "reload_profile": "meet"})


async def test_no_more_at_once_than_configured(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer, tmp_path: Path
) -> None:
    """Five targets, `concurrency = 2`: never are three reloads running."""
    log = tmp_path / "log"
    reload = ("sh", "-c", f"echo 1 >> {log}; sleep 0.1; echo -1 >> {log}")
    target = plain.with_config(profiles={"meet": ReloadProfile(reload=reload)}, concurrency=2)
    async with at_work(enrolled, target.config):
        others = [_other(target, f"target-{number}") for number in range(5)]
        offers = [control_plane.offer(*deployment(other, AUTHORITY.server())) for other in others]
        results = [await result_of(control_plane, offer) for offer in offers]
    assert [Outcome.SUCCESS] * 5 == [result.outcome for result in results]
    running = list(itertools.accumulate(map(int, log.read_text().split())))
    assert max(running) <= 2
    assert 10 == len(running)


async def test_a_lease_that_is_lost_before_the_swap(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer, first: Issued
) -> None:
    """A heartbeat says that the lease is gone while the bridge waits to begin: nothing on the target changes."""
    slow = ReloadProfile(reload=("sleep", "1"))
    target = plain.with_config(profiles={"web": slow})
    async with at_work(enrolled, target.config):
        ahead = control_plane.offer(*deployment(target, first, lease_seconds=3600))
        await control_plane.wait(lambda: "reload" in ahead.steps)
        behind = control_plane.offer(*deployment(target, AUTHORITY.server(), lease_seconds=3600))
        await control_plane.wait(lambda: behind.fence == 1)
        behind.lost = True
        await control_plane.wait(lambda: bool(behind.received))
    report, answer = behind.received[0]
    assert isinstance(report, ResultRequest)
    assert (Outcome.FAILED, FailureCause.BRIDGE_DISCONNECTED, False) == (report.outcome, report.cause, report.written)
    assert (False, True) == (answer.accepted, answer.stale)
    assert first.fullchain_pem == (target.place / "current/fullchain.pem").read_text()


async def test_a_control_plane_that_is_silent_for_longer_than_a_lease(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer, first: Issued
) -> None:
    """Heartbeats fail until the lease has ended and the work is handed out again: both attempts report, one decides."""
    target = plain.with_config(profiles={"web": ReloadProfile(reload=("sleep", "1"))})
    new = AUTHORITY.server()
    ahead = control_plane.offer(*deployment(target, first, lease_seconds=3600))
    with control_plane.interfering(HEARTBEAT_PATH, *[problem(503, "not now")] * 20):
        async with at_work(enrolled, target.config):
            await control_plane.wait(lambda: "reload" in ahead.steps)
            behind = control_plane.offer(*deployment(target, new, lease_seconds=1))
            result = await result_of(control_plane, behind)
            await control_plane.wait(lambda: len(behind.received) == behind.fence)
    assert Outcome.SUCCESS is result.outcome
    assert 1 == sum(answer.accepted for _, answer in behind.received)
    assert new.fullchain_pem == (target.place / "current/fullchain.pem").read_text()


@pytest.mark.parametrize("offset", [dt.timedelta(days=-1), dt.timedelta(0), dt.timedelta(days=1)])
async def test_the_control_planes_clock_counts(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer, offset: dt.timedelta
) -> None:
    """A day between the two clocks changes nothing: deadlines are the control plane's."""
    control_plane.clock_offset = offset
    now = dt.datetime.now(dt.UTC) + offset
    async with at_work(enrolled, plain.config):
        late = control_plane.offer(*deployment(plain, AUTHORITY.server(), deadline=now - dt.timedelta(minutes=1)))
        early = control_plane.offer(*deployment(plain, AUTHORITY.server(), deadline=now + dt.timedelta(minutes=1)))
        too_late, in_time = await result_of(control_plane, late), await result_of(control_plane, early)
    assert (Outcome.FAILED, False) == (too_late.outcome, too_late.written)
    assert "deadline" in too_late.message
    assert Outcome.SUCCESS is in_time.outcome


async def test_work_it_does_not_understand_is_answered(
    control_plane: ControlPlane, enrolled: Path, plain: Deployer
) -> None:
    """A later control plane may hand out more than this version knows: that work fails clearly, other work goes on."""
    known, _ = deployment(plain, AUTHORITY.server())
    offer = control_plane.offer(known)
    offer.fence, offer.leased_until = 1, float("inf")
    control_plane.raw_assignments = [
        {**msgspec.to_builtins(known), "kind": "deploy_to_the_moon"},
        {"assignment_id": "nonsense"},
    ]
    unknown_target = replace(plain, kind="toaster")
    async with at_work(enrolled, plain.config):
        not_understood = await result_of(control_plane, offer)
        no_driver = await result_of(control_plane, control_plane.offer(*deployment(unknown_target, AUTHORITY.server())))
    assert (FailureCause.UNKNOWN, False) == (not_understood.cause, not_understood.written)
    assert "does not understand" in not_understood.message
    assert "no driver for targets of kind 'toaster'" in no_driver.message


async def test_no_secret_in_reports_or_journal(control_plane: ControlPlane, enrolled: Path, plain: Deployer) -> None:
    """Keys and passwords are nowhere in what is sent or kept: the journal has them sealed only."""
    new = AUTHORITY.server()
    work, content = deployment(plain, new)
    secret = msgspec.structs.replace(content, secrets={"ssh_private_key": "canary-Ohf4aeTh"})
    async with at_work(enrolled, plain.config):
        offer = control_plane.offer(work, secret)
        await result_of(control_plane, offer)
    told = msgspec.json.encode([report for report, _ in offer.received]).decode()
    kept = (enrolled / state.JOURNAL).read_text()
    key_text = new.key_pem.splitlines()[1]
    assert "canary" not in told + kept
    assert key_text not in told + kept
