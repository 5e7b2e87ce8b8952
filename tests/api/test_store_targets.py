"""Targets that are stores, over REST: what they are made of, and what clouds refuse whoever registered them."""

import pytest

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Json, Story

ACM: Json = {"kind": "aws_acm", "settings": {"account": "production", "place": "shop"}}
BARBICAN: Json = {"kind": "barbican", "settings": {"cloud": "production", "container": "shop"}}
KUBERNETES: Json = {"kind": "kubernetes", "settings": {"cluster": "main", "namespace": "shop", "secret": "tls"}}


@pytest.mark.parametrize("body", [ACM, BARBICAN, KUBERNETES], ids=lambda body: str(body["kind"]))
async def test_no_keys_are_made_in_stores(desk: Desk, body: Json) -> None:
    """An Endpoint CSR for one is refused: clouds by their own name, others because their kind makes none."""
    story = await Story(desk).with_target(**body)
    target = await story.get(f"target-systems/{story.target_system_id}")
    cloud = body["kind"] != "kubernetes"
    assert (cloud, body["settings"], []) == (target["cloud"], target["settings"], target["secrets_set"])
    wanted = [{"target_system_id": story.target_system_id}]
    order = {"mode": "endpoint_csr", "common_name": "www.example.org", "connectors": wanted}
    answer = await desk.as_("requester").post(f"{API}/orders", json=order)
    refused(answer, *((409, "cloud-target-not-eligible") if cloud else (422, "validation-failed")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"settings": {"account": "production", "place": "shop", "endpoint_url": "https://elsewhere.example"}},
        {"settings": {"account": "../production", "place": "shop"}},
        {"settings": {"account": "production"}},
        {"secrets": {"aws_secret_access_key": "canary"}},
    ],
)
async def test_neither_addresses_nor_credentials_come_from_here(desk: Desk, wrong: Json) -> None:
    """They are in the bridge's own configuration; a target names an entry there and nothing else."""
    story = Story(desk)
    await story.agent.enrol()
    body = {"name": "cloud", "bridge_id": str(story.agent.id)} | ACM | wrong
    answer = await desk.as_("operator").post(f"{API}/target-systems", json=body)
    assert "canary" not in refused(answer, 422, "validation-failed")["detail"]
