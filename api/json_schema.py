"""Checking a value against the JSON Schemas of target kinds (the part of 2020-12 that msgspec writes).

Kinds are data: whoever adds one brings its schemas along, and nothing here has to change.
"""

import re
from collections.abc import Iterator
from typing import Any

from api.problems import FieldError

Schema = dict[str, Any]
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def errors(value: object, schema: Schema, pointer: str) -> list[FieldError]:
    """Everything that is wrong with a value; empty when nothing is."""
    return list(_errors(value, schema, pointer, schema.get("$defs", {})))


def _errors(value: object, schema: Schema, pointer: str, defs: dict[str, Schema]) -> Iterator[FieldError]:
    schema = _resolved(schema, defs)
    if "anyOf" in schema:
        yield from _any_of(value, schema, pointer, defs)
        return
    wanted = schema.get("type")
    if wanted is not None and not _has_type(value, wanted):
        yield FieldError(pointer, f"It must be of type {wanted}.")
        return
    if "enum" in schema and value not in schema["enum"]:
        yield FieldError(pointer, f"It must be one of {', '.join(map(str, schema['enum']))}.")
    if isinstance(value, str):
        yield from _text(value, schema, pointer)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from _number(value, schema, pointer)
    elif isinstance(value, dict):
        yield from _object(value, schema, pointer, defs)
    elif isinstance(value, (list, tuple)):
        for n, part in enumerate(value):
            yield from _errors(part, schema.get("items", {}), f"{pointer}/{n}", defs)


def _resolved(schema: Schema, defs: dict[str, Schema]) -> Schema:
    while "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    return schema


def _any_of(value: object, schema: Schema, pointer: str, defs: dict[str, Schema]) -> Iterator[FieldError]:
    """A discriminator picks the branch whose errors are told; without one, the branch with the fewest."""
    branches = [_resolved(branch, defs) for branch in schema["anyOf"]]
    field = schema.get("discriminator", {}).get("propertyName")
    if field is not None and isinstance(value, dict):
        chosen = [b for b in branches if value.get(field) in b["properties"][field].get("enum", ())]
        if not chosen:
            known = sorted(tag for b in branches for tag in b["properties"][field].get("enum", ()))
            yield FieldError(f"{pointer}/{field}", f"It must be one of {', '.join(known)}.")
            return
        branches = chosen
    yield from min((list(_errors(value, branch, pointer, defs)) for branch in branches), key=len)


def _has_type(value: object, wanted: str) -> bool:
    is_bool = isinstance(value, bool)
    return isinstance(value, _TYPES[wanted]) and (not is_bool or wanted == "boolean")


def _text(value: str, schema: Schema, pointer: str) -> Iterator[FieldError]:
    if len(value) > schema.get("maxLength", len(value)):
        yield FieldError(pointer, f"It must not be longer than {schema['maxLength']} characters.")
    if len(value) < schema.get("minLength", 0):
        yield FieldError(pointer, f"It must have at least {schema['minLength']} characters.")
    # fullmatch as well as search: `$` alone would let a line break pass at the end.
    pattern = schema.get("pattern")
    if pattern is not None and (re.search(pattern, value) is None or value.endswith("\n")):
        yield FieldError(pointer, f"It must match {pattern}. {schema.get('description', '')}".rstrip())


def _number(value: int, schema: Schema, pointer: str) -> Iterator[FieldError]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        yield FieldError(pointer, f"It must be from {low} to {high}.")


def _object(value: dict[Any, Any], schema: Schema, pointer: str, defs: dict[str, Schema]) -> Iterator[FieldError]:
    properties: dict[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield FieldError(f"{pointer}/{name}", "It is required.")
    for name, part in value.items():
        if name in properties:
            yield from _errors(part, properties[name], f"{pointer}/{name}", defs)
        elif schema.get("additionalProperties") is False:
            yield FieldError(f"{pointer}/{name}", "There is no such setting.")
