"""POST /discoveries with ranges: looked at from the control plane or from a bridge, inside the allow-list."""

import asyncio
import ssl
from pathlib import Path
from uuid import uuid4

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Agent, Json, Story, issued


async def completed(desk: Desk, discovery_id: str) -> Json:
    async with asyncio.timeout(60):
        while True:
            found: Json = (await desk.as_("auditor").get(f"{API}/discoveries/{discovery_id}")).json()
            if found.get("status") == "completed":
                return found
            await asyncio.sleep(0.05)


async def test_a_network_is_looked_at_from_here(working_desk: Desk, tmp_path: Path) -> None:
    """202, then what a real TLS server shows: in the run, and in the inventory as discovered, without a key."""
    served = issued("printer.example.test")
    (tmp_path / "pair.pem").write_text(served.certificate_pem + served.private_key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.9", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        body = {"ranges": ["127.0.0.8-127.0.0.9"], "ports": [port]}
        asked = await working_desk.as_("operator").post(f"{API}/discoveries", json=body)
        assert (asked.status_code, asked.json()["status"]) == (202, "running"), asked.text
        run = await completed(working_desk, asked.json()["id"])
    assert (run["ranges"], run["ports"], run["target_system_id"]) == (body["ranges"], [port], None)
    assert [(each["place"], each["fingerprint_sha256"]) for each in run["found"]] == [
        (f"127.0.0.9:{port}", served.fingerprint)
    ]
    await working_desk.settled()
    [entered] = (await Story(working_desk).get("certificates", q="printer.example.test"))["items"]
    assert (entered["source"], entered["has_private_key"]) == ("discovered", False)


async def test_a_bridge_is_asked_to_look(desk: Desk) -> None:
    """The assignment names the addresses; the answer completes the run."""
    agent = await Agent(desk).enrol()
    body = {"ranges": ["10.0.0.1"], "ports": [443], "bridge_id": str(agent.id)}
    asked = await desk.as_("operator").post(f"{API}/discoveries", json=body)
    assert (asked.status_code, asked.json()["bridge_id"]) == (202, str(agent.id)), asked.text
    assignment = await agent.lease(kind="discovery")
    assert assignment["target"]["kind"] == "network"
    assert assignment["target"]["settings"] == {"addresses": ["10.0.0.1"], "ports": [443]}
    report = {"assignment_id": assignment["assignment_id"], "fence": assignment["fence"], "healthy": False}
    said = await agent.call("discovery", report | {"message": "not allowed here", "found": []})
    assert said.json() == {"accepted": True, "stale": False}
    await desk.settled()
    run = (await desk.as_("auditor").get(f"{API}/discoveries/{asked.json()['id']}")).json()
    assert (run["status"], run["healthy"], run["message"]) == ("completed", False, "not allowed here")


async def test_what_cannot_be_asked_for_is_pointed_at(desk: Desk) -> None:
    """Outside of the allow-list, no range, both or neither kind of discovery, an unknown bridge."""
    for body, pointer in (
        ({"ranges": ["10.0.0.1", "10.0.1.0/24"]}, "/ranges/1"),
        ({"ranges": ["169.254.169.254"]}, "/ranges/0"),
        ({"ranges": ["host.example"]}, "/ranges/0"),
        ({"ranges": []}, "/ranges"),
        ({"ranges": ["10.0.0.1"], "ports": [0]}, "/ports/0"),
        ({"ranges": ["10.0.0.1"], "bridge_id": str(uuid4())}, "/bridge_id"),
        ({"ranges": ["10.0.0.1"], "target_system_id": str(uuid4())}, "/target_system_id"),
        ({"target_system_id": str(uuid4()), "ports": [443]}, "/target_system_id"),
        ({}, "/target_system_id"),
    ):
        problem = refused(await desk.as_("operator").post(f"{API}/discoveries", json=body), 422, "validation-failed")
        assert [each["pointer"] for each in problem["errors"]] == [pointer], (body, problem)
    refused(await desk.as_("requester").post(f"{API}/discoveries", json={"ranges": ["10.0.0.1"]}), 403, "forbidden")
