"""Lists: pages that neither skip nor repeat, whole lists as NDJSON and CSV, filters, versions, positions."""

import csv
import io
import json
from typing import Any

from tests.api.desk import Desk
from tests.api.walking import API, SSH, Story, issued


async def some_certificates(desk: Desk, *names: str, **fields: Any) -> dict[str, str]:
    """Certificates of these names, by name."""
    story = Story(desk)
    found = {}
    for name in names:
        body = {"certificate_pem": issued(name).certificate_pem, **fields}
        found[name] = (await story.post("operator", "certificates", body, 201))["id"]
    return found


async def test_pages_follow_each_other_by_link_and_cursor(desk: Desk) -> None:
    """Every item exactly once, in order; the last page has no next."""
    names = [f"host-{n}.example.org" for n in range(7)]
    await some_certificates(desk, *names)
    client, seen, url = desk.as_("auditor"), [], f"{API}/certificates?limit=3&sort=common_name"
    while url:
        answer = await client.get(url)
        body = answer.json()
        seen += [item["common_name"] for item in body["items"]]
        link = answer.headers.get("Link")
        assert (link is None) == (body["next_cursor"] is None)
        url = link.removeprefix("<").removesuffix('>; rel="next"') if link else ""
    assert seen == names


async def test_a_whole_list_as_ndjson_and_csv(desk: Desk) -> None:
    """The same items as the pages have, in the same order."""
    await some_certificates(desk, *(f"host-{n}.example.org" for n in range(5)), tags=["a", "b"])
    client = desk.as_("auditor")
    items = (await client.get(f"{API}/certificates")).json()["items"]

    lines = await client.get(f"{API}/certificates", headers={"Accept": "application/x-ndjson"})
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in lines.text.splitlines()] == items

    table = await client.get(f"{API}/certificates", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    assert rows[0]["tags"] == "a; b"
    assert list(rows[0]) == list(items[0])


async def test_a_cell_is_no_formula(desk: Desk) -> None:
    """Texts that a spreadsheet would carry out get an apostrophe."""
    for n, owner in enumerate(("=HYPERLINK(1)", "+1", "-1", "@sum", "fine")):
        await some_certificates(desk, f"host-{n}.example.org", owner=owner)
    table = await desk.as_("auditor").get(f"{API}/certificates?sort=common_name", headers={"Accept": "text/csv"})
    owners = [row["owner"] for row in csv.DictReader(io.StringIO(table.text))]
    assert owners == ["'=HYPERLINK(1)", "'+1", "'-1", "'@sum", "fine"]


async def test_filters_narrow_the_inventory(desk: Desk) -> None:
    """Repeated keys mean or, several keys and."""
    story = await Story(desk).ready()
    plain = await some_certificates(desk, "plain.example.org", owner="web", tags=["edge"])

    async def found(**query: Any) -> list[str]:
        return [item["id"] for item in (await story.get("certificates", **query))["items"]]

    [only] = plain.values()
    assert await found(q="PLAIN") == [only]
    assert await found(owner="web") == await found(tag="edge") == [only]
    assert await found(has_private_key="true") == await found(target_system_id=story.target_system_id)
    assert set(await found(provider="none")) == {only, story.certificate_id}
    assert await found(provider="local_pki") == await found(status="revoked") == []
    assert set(await found(status=["active", "revoked"], colour=["green", "red"])) == {only, story.certificate_id}
    assert await found(expires_within="30d") == []
    assert len(await found(expires_within="300d")) == 2
    assert await found(usage="client", source="managed") == []


async def test_waiting_for_me_are_those_i_could_carry_on(desk: Desk) -> None:
    """Approver: what waits for an approval. Implementer: what waits for Implement. Nobody: their own request."""
    story = await (await Story(desk).ready()).pushed("lead")

    async def waiting(who: str) -> list[str]:
        found = await story.get("work-orders", who, waiting_for="me")
        return [item["id"] for item in found["items"]]

    assert await waiting("approver") == [story.work_order_id]
    assert await waiting("implementer") == await waiting("lead") == []
    await story.approved("approver")
    assert await waiting("implementer") == [story.work_order_id]
    assert await waiting("approver") == []


async def test_an_answer_is_never_behind_what_was_acknowledged(desk: Desk) -> None:
    """A write, then a read, again and again: the read always shows it; the position says how far it is."""
    story = await Story(desk).imported()
    for n in range(20):
        tag = (await desk.as_("operator").get(f"{API}/certificates/{story.certificate_id}")).headers["ETag"]
        changed = await desk.as_("operator").patch(
            f"{API}/certificates/{story.certificate_id}", json={"owner": f"team {n}"}, headers={"If-Match": tag}
        )
        assert int(changed.headers["Event-Position"]) == await desk.head()
        shown = await desk.as_("auditor").get(f"{API}/certificates/{story.certificate_id}")
        assert shown.json()["owner"] == f"team {n}"
        assert shown.headers["ETag"] == changed.headers["ETag"]


async def test_a_command_answers_what_a_read_will_show(desk: Desk) -> None:
    """The answer to a POST or PATCH equals the GET of the resource, but for what the caller may do."""
    story = await Story(desk).ready()
    client = desk.as_("operator")
    profile = {"target_system_id": story.target_system_id, "profile": "intranet", "server_name": "www.example.org"}
    body = {"certificate_pem": issued("other.example.org").certificate_pem, "tags": ["x"]}
    discovery = {"target_system_id": story.target_system_id}
    for path, sent in (
        ("certificates", body),
        (f"certificates/{story.certificate_id}/connectors", profile),
        ("discoveries", discovery),
        ("verification-runs", {}),
    ):
        made = await client.post(f"{API}/{path}", json=sent)
        assert made.status_code in {201, 202}, made.text
        shown = await client.get(made.headers["Location"])
        assert shown.json() == made.json()
        assert shown.headers["ETag"] == made.headers["ETag"]
    await story.pushed()
    approved = await desk.as_("lead").post(f"{API}/work-orders/{story.work_order_id}/approve", json={"comment": "x"})
    shown = await desk.as_("lead").get(f"{API}/work-orders/{story.work_order_id}")
    assert shown.json() == approved.json()


async def test_a_patch_leaves_alone_what_it_does_not_name(desk: Desk) -> None:
    """Owner and tags change apart; null removes the owner."""
    [certificate_id] = (await some_certificates(desk, "a.example.org", owner="web", tags=["x"])).values()
    url, client = f"{API}/certificates/{certificate_id}", desk.as_("operator")

    async def patched(body: dict[str, Any]) -> tuple[str | None, list[str]]:
        tag = (await client.get(url)).headers["ETag"]
        answer = (await client.patch(url, json=body, headers={"If-Match": tag})).json()
        return answer["owner"], answer["tags"]

    assert await patched({"tags": ["y", "z"]}) == ("web", ["y", "z"])
    assert await patched({"owner": None}) == (None, ["y", "z"])
    assert await patched({}) == (None, ["y", "z"])


async def test_secrets_of_a_target_system_are_set_and_never_shown(desk: Desk) -> None:
    """GET and lists name them; the events name them; nothing shows them."""
    canary = "-----BEGIN OPENSSH PRIVATE KEY-----canary"
    story = await Story(desk).imported()
    await story.with_target(settings=SSH, secrets={"ssh_private_key": canary})
    shown = await story.get(f"target-systems/{story.target_system_id}")
    assert shown["secrets_set"] == ["ssh_private_key"]
    for path in (f"target-systems/{story.target_system_id}", "target-systems", "audit-events?limit=200"):
        assert canary not in (await desk.as_("auditor").get(f"{API}/{path}")).text
    tag = (await desk.as_("operator").get(f"{API}/target-systems/{story.target_system_id}")).headers["ETag"]
    renamed = await desk.as_("operator").patch(
        f"{API}/target-systems/{story.target_system_id}", json={"name": "web-2"}, headers={"If-Match": tag}
    )
    assert (renamed.json()["secrets_set"], renamed.json()["settings_version"]) == (["ssh_private_key"], 1)


async def test_looking_at_a_certificate_is_recorded_once_a_minute(desk: Desk) -> None:
    """certificate.view.accessed, with who; the answer does not wait for it, and the certificate's version stays."""
    story = await Story(desk).imported()
    tags = set()
    for _ in range(3):
        answer = await desk.as_("auditor").get(f"{API}/certificates/{story.certificate_id}")
        tags.add(answer.headers["ETag"])
    assert tags == {'"1"'}
    await desk.app.state.read_recorder.finish()
    await desk.settled()
    events = (await story.get("audit-events", type="certificate.view.accessed"))["items"]
    assert {event["actor"]["id"] for event in events} == {str(desk.people["auditor"].id)}
    assert 1 <= len(events) <= 2, "twice only when a minute ended in between"


async def test_downloads_are_pem_and_recorded(desk: Desk) -> None:
    """Leaf, chain, both; an event for each, before the bytes leave."""
    story = await Story(desk).imported()
    url = f"{API}/certificates/{story.certificate_id}/download"
    leaf = await desk.as_("operator").get(url)
    assert leaf.text == story.issued.certificate_pem
    assert leaf.headers["content-type"].startswith("application/x-pem-file")
    assert ".crt" in leaf.headers["Content-Disposition"]
    assert (await desk.as_("operator").get(url, params={"format": "fullchain"})).text == story.issued.certificate_pem
    assert (await desk.as_("operator").get(url, params={"format": "chain"})).text == ""
    await desk.settled()
    events = (await story.get("audit-events", type="certificate.download.success"))["items"]
    assert [event["data"]["format"] for event in events] == ["pem", "fullchain", "chain"]
    assert "PRIVATE" not in leaf.text


async def test_the_topology_is_drawn(desk: Desk) -> None:
    """One SVG that stands alone; names are escaped; colours stand beside words."""
    story = Story(desk)
    story.issued = issued("www.example.org")
    await (await (await story.imported()).with_target(name='<script>"web" & co')).with_connector()
    url = f"{API}/certificates/{story.certificate_id}/topology"
    drawn = await desk.as_("approver").get(url, headers={"Accept": "image/svg+xml"})
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert drawn.text.startswith("<svg ")
    assert "&lt;script&gt;" in drawn.text
    assert "<script" not in drawn.text
    assert "Available and valid" in drawn.text
    assert "http" not in drawn.text.replace("http://www.w3.org/2000/svg", "")


async def test_the_report_for_programs_and_for_people(desk: Desk) -> None:
    """JSON, CSV, HTML of the same figures."""
    story = await (await Story(desk).ready()).pushed()
    url = f"{API}/reports/push-validation"
    page = await desk.as_("approver").get(url, headers={"Accept": "text/html"})
    assert "Push Validation Report" in page.text
    table = await desk.as_("approver").get(url, headers={"Accept": "text/csv"})
    assert table.text.splitlines()[0].startswith("work_order_id,connector_id,outcome,positions")
    assert (await story.get("reports/push-validation"))["total"] == 0, "nothing was deployed yet"
