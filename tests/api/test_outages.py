"""When something is away: a clear answer at once, nothing lost, and everything goes on by itself afterwards."""

import asyncio
from pathlib import Path
from uuid import uuid4

from adapters.bootstrap import Core
from adapters.settings import Push
from api.cli.working import work
from tests.api.desk import Desk, in_one_task, no_work, only_read_models, open_desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Story, issued
from tests.support.outages import database_away
from tests.support.postgres import Pg


async def test_a_database_that_is_away_is_told_and_comes_back(pg: Pg, tmp_path: Path) -> None:
    """Reads and commands answer 503 with Retry-After; the same command with its key is done once when it is back."""
    async with in_one_task(open_desk(pg, tmp_path, work=work, read_wait=1.0)) as desk:
        story = await Story(desk).imported()
        body = {"certificate_pem": issued("later.example.org").certificate_pem}
        key = {"Idempotency-Key": str(uuid4())}
        url = f"{API}/certificates"
        await asyncio.to_thread(database_away, pg, away=True)
        try:
            for answer in (
                await desk.as_("auditor").get(f"{url}/{story.certificate_id}"),
                await desk.as_("operator").post(url, json=body, headers=key),
                await desk.as_("operator").post(url, json=body),
            ):
                refused(answer, 503, "unavailable")
                assert int(answer.headers["Retry-After"]) >= 1
            assert (await desk.as_(None).get("/livez")).status_code == 200
        finally:
            await asyncio.to_thread(database_away, pg, away=False)
        async with asyncio.timeout(120):
            while (made := await desk.as_("operator").post(url, json=body, headers=key)).status_code == 503:
                await asyncio.sleep(0.2)
        assert made.status_code in {201, 409}, made.text
        # Answers that are behind are answers: the read models may still be coming back.
        async with asyncio.timeout(120):
            while not (found := await desk.as_("auditor").get(url, params={"q": "later"})).json().get("items"):
                assert found.status_code in {200, 503}, found.text
                await asyncio.sleep(0.2)
        assert len(found.json()["items"]) == 1


async def test_reads_before_the_first_worker_say_what_to_do(pg: Pg, tmp_path: Path) -> None:
    """A service whose worker was never started has no read models: 503, and the sentence names the command."""
    async with in_one_task(open_desk(pg, tmp_path, work=no_work, read_wait=0.1)) as desk:
        auditor = desk.as_("auditor")
        audit = f"audit-events?subject={uuid4()}"
        for path in ("certificates", f"certificates/{uuid4()}", "work-orders", audit, "reports/push-validation"):
            for accept in ("application/json", "application/x-ndjson", "text/csv", "text/event-stream"):
                answer = await auditor.get(f"{API}/{path}", headers={"Accept": accept})
                if answer.status_code != 406:
                    assert "certferry work" in refused(answer, 503, "unavailable")["detail"]


async def test_without_a_worker_reads_say_how_far_they_are(pg: Pg, tmp_path: Path) -> None:
    """They answer with what there is; only who asks for more gets 503. The worker comes back, and all is there."""
    runs, idle = asyncio.Event(), asyncio.Event()

    async def now_and_then(core: Core) -> None:
        while True:
            await runs.wait()
            working = asyncio.create_task(only_read_models(core))
            while runs.is_set():
                await asyncio.sleep(0.01)
            working.cancel()
            await asyncio.wait({working})
            idle.set()

    runs.set()
    async with in_one_task(open_desk(pg, tmp_path, work=now_and_then, read_wait=0.2)) as desk:
        auditor, url = desk.as_("auditor"), f"{API}/certificates"
        runs.clear()
        await idle.wait()
        made = await desk.as_("operator").post(url, json={"certificate_pem": issued().certificate_pem})
        position, shown = int(made.headers["Event-Position"]), 0
        for _ in range(2):
            answer = await auditor.get(url)
            shown = int(answer.headers["Read-Position"])
            assert (answer.status_code, answer.json()["items"], shown < position) == (200, [], True)
        assert (await auditor.get(url, params={"min_position": shown})).status_code == 200
        behind = await auditor.get(url, params={"min_position": position})
        refused(behind, 503, "unavailable")
        assert int(behind.headers["Retry-After"]) >= 1
        runs.set()
        async with asyncio.timeout(60):
            while (answer := await auditor.get(url, params={"min_position": position})).status_code == 503:
                await asyncio.sleep(0.05)
        assert len(answer.json()["items"]) == 1
        assert int(answer.headers["Read-Position"]) >= position


async def test_a_bridge_that_does_not_come_fails_the_push(pg: Pg, tmp_path: Path) -> None:
    """Queued as pending; after the dispatch deadline failed with bridge_disconnected; a late report changes nothing."""
    push = Push(dispatch_deadline=1.0, lease_seconds=1.0)
    async with in_one_task(open_desk(pg, tmp_path, work=work, push=push)) as desk:
        story = await (await Story(desk).ready()).implementing()
        async with asyncio.timeout(120):
            while (connector := await story.connector())["deployment_status"] != "failed":
                await asyncio.sleep(0.1)
        assert connector["error"]["cause"] == "bridge_disconnected"
        assert connector["error"]["resolution"]
        assert (await story.work_order())["status_label"] == "Push-Failed"


async def test_a_bridge_that_is_there_but_busy_keeps_the_push_pending(pg: Pg, tmp_path: Path) -> None:
    """Its deadline passes while the bridge shows that it lives: pending; the bridge comes to it: deployed."""
    push = Push(dispatch_deadline=1.0, lease_seconds=30.0)
    async with in_one_task(open_desk(pg, tmp_path, work=work, push=push)) as desk:
        story = await (await Story(desk).ready()).implementing()
        for _ in range(20):
            await story.agent.heartbeat()
            await asyncio.sleep(0.2)
        assert (await story.connector())["deployment_status"] == "pending"
        await story.agent.succeed(await story.agent.lease())
        assert (await story.connector())["deployment_status"] == "deployed"


async def test_readiness_says_what_is_wrong(desk: Desk) -> None:
    """503 with a sentence per part; a check that hangs or fails is not ready either."""

    async def broken() -> str | None:
        raise ZeroDivisionError

    async def fine() -> str | None:
        return None

    async def sad() -> str | None:
        return "It rains."

    desk.services.checks.update(fine=fine, sad=sad, broken=broken)
    answer = await desk.as_(None).get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {"fine": "ok", "sad": "It rains.", "broken": "It failed (ZeroDivisionError)."},
    }


async def test_figures_count_requests_by_route_and_name_nobody(desk: Desk) -> None:
    """Templates, not paths; gauges of the rest of the service beside them."""
    story = await Story(desk).imported()
    desk.services.gauges["ledger_position"] = lambda: 42.0
    await story.get(f"certificates/{story.certificate_id}")
    text = (await desk.as_(None).get("/metrics")).text
    route = 'route="/api/v1/certificates/{certificate_id}"'
    assert f'certferry_http_requests_total{{method="GET",{route},status="200"}} 1.0' in text
    assert f'certferry_http_request_seconds_bucket{{le="+Inf",{route}}} 1.0' in text
    assert "certferry_ledger_position 42.0" in text
    assert story.certificate_id not in text
