"""The API's description (OpenAPI 3.1): what Litestar derives from the handlers, made whole.

Litestar knows paths, parameters and bodies. What holds for every route is added here once: problems, credentials,
headers, further media types.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

import msgspec
from litestar import Litestar
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Contact, License, Server, Tag
from litestar.routes import HTTPRoute

from api import description_parts as parts
from api.mounting import read_routes
from api.security import permission_of

Document = dict[str, Any]
_VERBS = ("get", "post", "put", "patch", "delete")

CONFIG = OpenAPIConfig(
    title="certferry",
    version="1",
    summary="Push certificates to the machines that serve them, with approvals, and prove it.",
    description=parts.INTRODUCTION,
    contact=Contact(name="certferry", url="https://example.org/certferry"),
    license=License(name="Apache-2.0", identifier="Apache-2.0"),
    servers=[Server(url="/")],
    tags=[Tag(name=name, description=text) for name, text in parts.TAGS.items()],
    use_handler_docstrings=True,
    operation_id_creator=lambda handler, _method, _path: _camel(handler.handler_name),
    render_plugins=[JsonRenderPlugin()],
)


def describe(app: Litestar) -> Document:
    """The whole description of an app."""
    deque(read_routes(app), maxlen=0)
    plugin = app.plugins.get(OpenAPIPlugin)
    plugin._openapi_config = CONFIG  # noqa: SLF001 - the app's own setting would add routes that nobody wants
    document: Document = plugin.provide_openapi().to_schema()
    described = [
        (document["paths"][path][verb], path, verb, handler)
        for path, verb, handler in _routes(app)
        if verb in document["paths"].get(path, {})
    ]
    schemas = document["components"]["schemas"] | exact_schemas([handler for *_, handler in described])
    for operation, path, verb, handler in described:
        _complete(operation, path, verb, handler)
    document["components"] = {
        "schemas": {**schemas, "Problem": parts.problem_schema()},
        "parameters": _shared([operation for operation, *_ in described]),
        "responses": parts.problem_responses(),
        "securitySchemes": parts.SECURITY_SCHEMES,
    }
    _tidy(document)
    return document


def exact_schemas(handlers: Sequence[HTTPRouteHandler]) -> Document:
    """The schemas of all bodies as msgspec has them: Litestar's own lose constraints of parts, and strictness."""
    types: list[Any] = []
    for handler in handlers:
        if handler.parsed_data_field is not None:
            types.append(handler.parsed_data_field.annotation)
        types += [
            part.annotation for part in handler.parsed_return_field.inner_types if part.is_subclass_of(msgspec.Struct)
        ]
    _, components = msgspec.json.schema_components(dict.fromkeys(types), ref_template="#/components/schemas/{name}")
    return components


def _routes(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method.lower() in _VERBS:
                    yield route.path_format, method.lower(), handler


def _complete(operation: Document, path: str, verb: str, handler: HTTPRouteHandler) -> None:
    """Problems, credentials, headers and media types of one operation."""
    responses = operation["responses"]
    responses.pop("400", None)
    access = permission_of(handler)
    public = access is not None and access.public
    operation["security"] = [] if public else [{"bearer": []}, {"session": []}]
    operation["summary"] = _summary(handler)
    operation["tags"] = [parts.tag_of(handler.fn.__module__)]
    for status in sorted(parts.statuses(path, verb, public=public)):
        responses[status] = {"$ref": f"#/components/responses/Problem{status}"}
    success = next(status for status in responses if status.startswith("2"))
    responses[success]["headers"] = parts.headers(path, verb, success, past=_has_past(operation))
    responses[success]["description"] = parts.SUCCESSES[success]
    operation["parameters"] = [_parameter(p, verb, handler) for p in operation.get("parameters", ()) if _used(p, verb)]
    if success == "204":
        responses[success].pop("content", None)
    parts.add_media_types(operation["operationId"], responses[success])
    for status, description in parts.OTHER_SUCCESSES.get(operation["operationId"], {}).items():
        headers = parts.headers(path, verb, status, past=False)
        responses[status] = responses[success] | {"description": description, "headers": headers}
    if (body := parts.RAW_BODIES.get(operation["operationId"])) is not None:
        operation["requestBody"] = body
    if "requestBody" in operation and handler.parsed_data_field is not None and handler.parsed_data_field.has_default:
        operation["requestBody"]["required"] = False


def _shared(operations: Sequence[Document]) -> Document:
    """Parameters that stand at every question, described once; the operations refer to them."""
    found: Document = {}
    for operation in operations:
        for number, parameter in enumerate(operation["parameters"]):
            if component := parts.SHARED_PARAMETERS.get(parameter["name"]):
                assert found.setdefault(component, parameter) == parameter
                operation["parameters"][number] = {"$ref": f"#/components/parameters/{component}"}
    return found


def _used(parameter: Document, verb: str) -> bool:
    return parameter["name"] != "Idempotency-Key" or verb == "post"


def _has_past(operation: Document) -> bool:
    return any(parameter["name"] == "as_of" for parameter in operation.get("parameters", ()))


def _parameter(parameter: Document, verb: str, handler: HTTPRouteHandler) -> Document:
    """Parameters are never null; a role in a path is one of the roles; PATCH and DELETE need If-Match."""
    schema = _without_null(parameter["schema"])
    field = handler.parsed_fn_signature.parameters.get(parameter["name"])
    if parameter["in"] == "path" and field is not None and field.is_subclass_of(Enum):
        schema = {"type": "string", "enum": [member.value for member in field.annotation]}
    required = parameter["required"] or (parameter["name"] == "If-Match" and verb in {"put", "patch", "delete"})
    return {**parameter, "schema": schema, "required": required}


def _without_null(schema: Document) -> Document:
    """A parameter is there or not; it is never null. Constraints stand beside the alternatives: join them."""
    options = [option for option in schema.get("oneOf", ()) if option != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "oneOf"}
    return {**options[0], **rest} if len(options) == 1 else schema


def _summary(handler: HTTPRouteHandler) -> str:
    """The handler's name as words: they are chosen to read well."""
    return handler.handler_name.replace("_", " ").capitalize()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _tidy(part: Any) -> None:
    """Leave out what says nothing: flags at their default value."""
    if isinstance(part, dict):
        for name in ("deprecated", "allowEmptyValue", "allowReserved"):
            if part.get(name) is False:
                del part[name]
        for value in part.values():
            _tidy(value)
    elif isinstance(part, list):
        for value in part:
            _tidy(value)
