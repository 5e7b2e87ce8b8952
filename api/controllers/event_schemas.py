"""The shape of every event's data, as JSON Schema: what `dataschema` of a CloudEvent leads to."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import PathParameter

from api.problems import Problem
from api.security import public
from domain.catalogue import TOPICS
from domain.entity import Event
from projections.audit_trail.cloud_events import schema_path

JSON_SCHEMA = "application/schema+json"
_FOR_A_WHILE = {"Cache-Control": "public, max-age=300"}
_NAMES = {schema_path(topic, kind.schema_version).rpartition("/")[2]: kind for topic, kind in TOPICS.items()}


@get("/schemas/events/{name:str}", opt=public(), media_type=JSON_SCHEMA, sync_to_thread=False)
def get_event_schema(
    name: Annotated[str, PathParameter(description="Event type and version: certificate.issued.v1.json.")],
) -> Response[bytes]:
    """The JSON Schema of an event's data. A version never changes but for further optional fields."""
    kind = _NAMES.get(name)
    if kind is None:
        raise Problem("not-found", "There is no event of this type and version.")
    return Response(msgspec.json.encode(_schema(kind)), media_type=JSON_SCHEMA, headers=_FOR_A_WHILE)


def _schema(kind: type[Event]) -> dict[str, Any]:
    found = msgspec.json.schema(kind)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind.topic, **found}


HANDLERS = [get_event_schema]
"""For the root of the service, beside its problems."""
