"""Endpoints seen from a bridge: asked over the protocol, judged here, named where nobody looked, not just believed."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.config import Config
from bridge.looking import Lookout
from bridge.protocol import Assignment, VerificationRequest
from tests.adapters.probing.servers import tls_server
from tests.api.desk import Desk
from tests.api.pages.test_past import html
from tests.api.walking import API, Issued, Json, Story, issued

LOOKOUT = Lookout(Config(verify=("127.0.0.0/8",)))


async def behind_a_bridge(desk: Desk, made: Issued, port: int) -> Story:
    """A pushed connector whose endpoint is looked at by its bridge."""
    story = Story(desk)
    story.issued = made
    await story.ready(f"127.0.0.1:{port}")
    await story.implementing()
    await story.agent.succeed(await story.agent.lease())
    path = f"{API}/connectors/{story.connector_id}"
    version = (await desk.as_("operator").get(path, params={"min_position": await desk.head()})).headers["ETag"]
    wish = {"verification": {"vantage": "bridge"}}
    answer = await desk.as_("operator").patch(path, json=wish, headers={"If-Match": version})
    assert "bridge" == answer.json()["verification"]["vantage"], answer.text
    await desk.settled()
    return story


async def run(story: Story) -> str:
    wish = {"connector_ids": [story.connector_id]}
    return str((await story.post("operator", "verification-runs", wish, 202))["id"])


async def ended(story: Story, run_id: str) -> Json:
    """The one result of a run, once it is completed."""
    while (await story.get(f"verification-runs/{run_id}"))["status"] != "completed":
        await asyncio.sleep(0.05)
    [result] = (await story.get(f"verification-runs/{run_id}/results"))["items"]
    return dict(result)


async def seen_by(story: Story, **lie: Any) -> Json:
    """What the bridge sends when it is told to look; changed where it lies."""
    leased = await story.agent.lease(kind="verification")
    report = await LOOKOUT.look(msgspec.convert(leased, Assignment))
    if lie:
        changed = tuple(msgspec.structs.replace(each, **lie) for each in report.observations)
        report = msgspec.structs.replace(report, observations=changed)
    answer = await story.agent.call("verification", msgspec.to_builtins(report))
    assert answer.status_code == 200, answer.text
    again = await story.agent.call("verification", msgspec.to_builtins(report))
    assert {"accepted": False, "stale": False} == again.json()
    return dict(answer.json())


@pytest.fixture
def made() -> Issued:
    return issued()


def serving(folder: Path, shown: Issued) -> ssl.SSLContext:
    """A server's context that shows a certificate."""
    (folder / "chain.pem").write_text(shown.certificate_pem)
    (folder / "key.pem").write_text(shown.private_key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context


SAID = {
    "json": '"vantage":"bridge","proof":"signature"',
    "csv": ",bridge,signature",
    "html": "bridge, signature checked here",
}


async def reported(story: Story, form: str) -> str:
    """The Push Validation Report of one window in one of its forms."""
    head = await story.desk.head()
    window = {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    answer = await story.desk.as_("auditor").get(
        f"{API}/reports/push-validation", params={**window, "format": form, "min_position": head}
    )
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_look_from_the_bridge_is_judged_like_any(working_desk: Desk, tmp_path: Path, made: Issued) -> None:
    """Matched, with who saw it and the checked signature, in the run, in the history of the endpoint, and on pages."""
    async with tls_server(serving(tmp_path, made)) as port:
        story = await behind_a_bridge(working_desk, made, port)
        asked = await run(story)
        assert {"accepted": True, "stale": False} == await seen_by(story)
        result = await ended(story, asked)
    who = ("bridge", str(story.agent.id), 1, "signature")
    names = ("vantage", "bridge_id", "bridge_generation", "proof")
    assert ("matched", *who) == (result["state"], *(result[name] for name in names))
    await working_desk.settled()
    [last, *_] = (await story.get("endpoint-history", connector_id=story.connector_id))["items"]
    assert ("matched", *who) == (last["state"], *(last["evidence"][name] for name in names))
    page = await html(working_desk, f"/verification/{asked}", "auditor")
    assert f'href="/bridges/{story.agent.id}"' in page
    assert "signature checked here" in page
    for form in ("json", "csv", "html"):
        told = [await reported(story, form) for _ in range(2)]
        assert told[0] == told[1]
        assert SAID[form] in told[0]


async def test_a_bridge_that_lies_is_not_believed(working_desk: Desk, tmp_path: Path, made: Issued) -> None:
    """It shows the expected certificate, with the signature of the key of another one: nothing is known anew."""
    async with tls_server(serving(tmp_path, issued("other.example.org"))) as port:
        story = await behind_a_bridge(working_desk, made, port)
        asked = await run(story)
        der, known = ssl.PEM_cert_to_DER_cert(made.certificate_pem), made.fingerprint
        await seen_by(story, leaf_der=der, fingerprint_sha256=known, chain_fingerprints_sha256=(known,))
        result = await ended(story, asked)
    assert ("not_probed", "evidence_refused", None) == (
        result["state"],
        result["reason"],
        result["served_fingerprint_sha256"],
    )
    await working_desk.settled()
    assert "awaiting_grace" == (await story.connector())["validation"][0]["state"]


async def test_an_offline_bridge_is_named_so(working_desk: Desk, tmp_path: Path, made: Issued) -> None:
    """Not probed, at once, and no state of the endpoint changes: nobody looked. The connector's page says why."""
    story = await behind_a_bridge(working_desk, made, 9)
    answer = await working_desk.as_("operator").post(f"{API}/bridges/{story.agent.id}/quarantine", json={})
    assert answer.status_code == 200, answer.text
    result = await ended(story, await run(story))
    assert ("not_probed", "bridge_offline") == (result["state"], result["reason"])
    assert {"not_probed": 1} == (await story.get("verification-runs"))["items"][0]["counts"]
    await working_desk.settled()
    assert "awaiting_grace" == (await story.connector())["validation"][0]["state"]
    page = await html(working_desk, f"/connectors/{story.connector_id}", "auditor")
    assert "dmz-1 is quarantined" in page
    runs = (await story.get("verification-runs"))["items"][0]["id"]
    assert "Not probed: bridge offline" in await html(working_desk, f"/verification/{runs}", "auditor")


async def test_a_bridge_that_cannot_look_says_so(working_desk: Desk, made: Issued) -> None:
    """An older one does not understand the assignment; one without permission answers nothing."""
    story = await behind_a_bridge(working_desk, made, 9)
    for name, body in (
        ("result", {"outcome": "failed", "cause": "unknown", "message": "not understood"}),
        ("verification", {"message": "verify allows no network"}),
    ):
        asked = await run(story)
        leased = await story.agent.lease(kind="verification")
        held = {"assignment_id": leased["assignment_id"], "fence": leased["fence"]}
        assert (await story.agent.call(name, held | body)).json()["accepted"]
        result = await ended(story, asked)
        assert ("not_probed", "refused_by_bridge") == (result["state"], result["reason"])


def test_what_a_bridge_sends_holds_no_text_of_the_peers() -> None:
    """Words are names of enumerations and ciphers: others are refused before anybody looks at them."""
    wrong = {"result": "handshake_failed", "reason": "<script>"}
    body = {"assignment_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "fence": 1, "observations": [wrong]}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, VerificationRequest)
