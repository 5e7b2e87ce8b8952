"""Events as CloudEvents 1.0, read by the SDK of those who wrote the specification."""

import json
from typing import Any

import httpx
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from jsonschema_rs import validator_for

from domain.catalogue import TOPICS
from tests.api.desk import Desk, served
from tests.api.reading_streams import opened
from tests.api.test_refusals import refused
from tests.api.walking import API, Story
from tests.golden.write import path_of

URL = f"{API}/audit-events"
ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"


def read(text: str) -> dict[str, Any]:
    """The attributes and the data of an event, if it is one."""
    event = from_structured_event(HTTPMessage({"content-type": ONE}, text.encode()), JSONFormat())
    return event.get_attributes() | {"data": event.get_data()}


async def asked(desk: Desk, accept: str, path: str = URL, **query: Any) -> httpx.Response:
    answer = await desk.as_("auditor").get(path, params=query or None, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(accept)
    return answer


async def test_one_event_and_many_in_every_form(desk: Desk) -> None:
    """Alone, as a batch with a Link to the next, one per line, as a stream: the same envelope."""
    story = await (await (await Story(desk).ready()).pushed()).approved()
    query: dict[str, Any] = {"type": "work_order.push.*"}
    ours = (await story.get("audit-events", **query))["items"]

    batch = (await asked(desk, MANY, **query)).json()
    assert [event["id"] for event in batch] == [str(event["position"]) for event in ours]
    for event, native in zip(batch, ours, strict=True):
        alone = await asked(desk, ONE, f"{URL}/{native['position']}")
        assert alone.json() == event
        told = read(alone.text)
        assert (told["type"], told["subject"], told["data"]) == (native["type"], native["stream_id"], native["data"])
        assert told["source"] == (await desk.services.origin()).source
        assert (told["correlationid"], told["leafhash"]) == (native["correlation_id"], native["leaf_hash"])

    lines = (await asked(desk, "application/x-ndjson", envelope="cloudevents", **query)).text.splitlines()
    assert [json.loads(line) for line in lines] == batch
    async with served(desk.app) as url, opened(url, desk, envelope="cloudevents", type="work_order.push.*") as reader:
        streamed = [json.loads((await anext(reader.events())).data)]
    assert streamed == batch[:1]

    first = await asked(desk, MANY, limit=1, **query)
    assert [*first.json(), *(await asked(desk, MANY, first.links["next"]["url"])).json()] == batch


async def test_what_made_an_event_is_told_in_attributes(working_desk: Desk) -> None:
    """The position that caused it, the machine and the person behind it."""
    await (await Story(working_desk).ready()).implementing()

    async def caused() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await asked(working_desk, MANY, type="certificate.deployment.requested")).json()
        return found

    while not (events := await caused()):
        await working_desk.settled()
    [event] = events
    implemented = (await asked(working_desk, MANY, type="work_order.push.implemented")).json()[0]
    assert event["causationposition"] == implemented["id"]
    assert event["actorkind"] == "automation"
    assert event["actoronbehalfof"] == implemented["actorid"] == str(working_desk.people["implementer"].id)
    assert "causationposition" not in implemented


async def test_what_does_not_fit_is_refused(desk: Desk) -> None:
    """A table or a page has no envelope; one event is no batch, and many are not one."""
    client = desk.as_("auditor")
    for accept in ("text/csv", "application/json"):
        named = await client.get(URL, params={"envelope": "cloudevents"}, headers={"Accept": accept})
        refused(named, 422, "validation-failed")
    refused(await client.get(URL, headers={"Accept": ONE}), 406, "not-acceptable")
    refused(await client.get(f"{URL}/1", headers={"Accept": MANY}), 406, "not-acceptable")
    refused(await client.get(URL, params={"envelope": "soap"}), 422, "validation-failed")


async def test_every_schema_can_be_had_and_is_kept(desk: Desk) -> None:
    """`dataschema` leads to a JSON Schema that the stored shape of the event satisfies."""
    event = read((await asked(desk, ONE, f"{URL}/1")).text)
    assert event["dataschema"] == f"http://certferry.test/schemas/events/{event['type']}.v1.json"
    for topic, kind in TOPICS.items():
        answer = await desk.as_(None).get(f"/schemas/events/{topic}.v{kind.schema_version}.json")
        assert answer.headers["content-type"].startswith("application/schema+json")
        schema = validator_for(answer.json())
        schema.validate(json.loads(path_of(topic).read_bytes()))
        assert not schema.is_valid({"meta": {}})
    assert (await desk.as_(None).get("/schemas/events/nothing.v1.json")).status_code == 404
