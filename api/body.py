"""Request bodies: decoded strictly, in one step, to the type the handler declares; every flaw is a clear problem.

Litestar's own decoding is lenient (`"1"` passes as a number) and knows no media types; this is a DTO in its sense.
"""

import json
import re
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar.connection import ASGIConnection
from litestar.dto import AbstractDTO
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import UNSET

from api.problems import FieldError, Problem
from api.schemas.texts import IN_WORDS
from domain.errors import Code, Refused

_PATH = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_HALF_PAIR = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_FORMS = {f"Expected `str` matching regex {pattern!r}": sentence for pattern, sentence in IN_WORDS.items()}
_DEEPEST = 64
_LONGEST = 1_048_576
"""Only a bridge's discoveries are longer; in those nobody looks for names that come twice."""


def given(body: msgspec.Struct) -> dict[str, Any]:
    """The fields of a PATCH that were sent, by name: what was left out stays as it is."""
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}


class StrictJson(AbstractDTO[Any]):
    """Bodies as JSON and nothing else; the decoder of each handler is made once."""

    decoders: ClassVar[dict[str, "msgspec.json.Decoder[Any]"]] = {}

    @classmethod
    def create_for_field_definition(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,
        backend_cls: Any = None,  # noqa: ARG003 - Litestar's signature
    ) -> None:
        cls.decoders[handler_id] = msgspec.json.Decoder(field_definition.annotation)

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - Litestar's signature
        schema_creator: SchemaCreator,
    ) -> Reference | Schema:
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[Any, None, None]:  # noqa: ARG003 - not used
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003 - not used
        return False

    def decode_bytes(self, value: bytes) -> Any:
        check_media_type(self.asgi_connection)
        return decode(value, self.decoders[self.asgi_connection.route_handler.handler_id])


def check_media_type(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Refuse bodies that do not say they are JSON, or are packed."""
    coding = connection.headers.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        raise Problem("unsupported-media-type", f"Send the body as it is, without Content-Encoding {coding[:99]}.")
    given = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json":
        said = f"not as {given}" if given else "and say so in Content-Type"
        raise Problem("unsupported-media-type", f"Send the body as application/json, {said}.")


def decode(body: bytes, decoder: "msgspec.json.Decoder[Any]") -> Any:
    """The value of a JSON text. Raises Problem; also for text that no store could keep (NUL, half surrogates)."""
    if b"\0" in body:
        raise invalid("", "It must not contain the character NUL.")
    try:
        value = decoder.decode(body)
        if len(body) <= _LONGEST:
            _check(body, json.loads(body, object_pairs_hook=_once))
    except msgspec.ValidationError as error:
        pointer, detail = locate(str(error))
        raise invalid(pointer, detail) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(error, body) from None
    return value


def locate(message: str) -> tuple[str, str]:
    """The JSON pointer and the sentence of a msgspec message (`Expected `int`, got `str` - at `$.a[0].b``)."""
    found = _PATH.search(message)
    path, detail = (found[1], message[: found.start()]) if found else ("", message)
    path = path.partition("[...]")[0]
    pointer = "".join(f"/{_escape(name or index)}" for name, index in _STEP.findall(path))
    named = _UNKNOWN.match(detail) or _MISSING.match(detail)
    return (f"{pointer}/{_escape(named[1])}" if named else pointer), _FORMS.get(detail, f"{detail}.")


def invalid(pointer: str, detail: str) -> Problem:
    """One field of the body is wrong."""
    return Problem("validation-failed", f"{pointer or 'The body'}: {detail}", errors=(FieldError(pointer, detail),))


@contextmanager
def named_in_body(found_by: UUID, pointer: str) -> Iterator[None]:
    """What a field of the body names and is not there is the body's fault: 422 with the pointer, not 404."""
    try:
        yield
    except Refused as refused:
        if refused.code is Code.NOT_FOUND and str(found_by) in refused.detail:
            raise invalid(pointer, refused.detail) from None
        raise


def _unreadable(error: Exception, body: bytes) -> Problem:
    if isinstance(error, RecursionError):
        return invalid("", "It is nested too deeply.")
    if isinstance(error, UnicodeDecodeError) or _HALF_PAIR.search(body):
        return invalid("", "A text in it is not valid Unicode (UTF-8, no half surrogate pairs).")
    return Problem("malformed-request", f"The body is not JSON: {error}.")


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Names in an object should be unique (RFC 8259, section 4): readers differ in which of two values they take."""
    found = dict(members)
    if len(found) < len(members):
        [(name, _)] = Counter(name for name, _ in members).most_common(1)
        raise invalid("", f"The name {name[:99]!r} is given twice.")
    return found


def _check(body: bytes, plain: object) -> None:
    if b"\\u0000" in body:
        refuse_nul(plain)
    if body.count(b"[") + body.count(b"{") > _DEEPEST:
        _refuse_depth(plain, "", _DEEPEST)


def refuse_nul(value: object, pointer: str = "") -> None:
    """Raise Problem for text that no store could keep."""
    if isinstance(value, str) and "\0" in value:
        raise invalid(pointer, "A text must not contain the character NUL.")
    for name, part in _parts(value):
        if "\0" in name:
            raise invalid(pointer, "A name must not contain the character NUL.")
        refuse_nul(part, f"{pointer}/{_escape(name)}")


def _refuse_depth(value: object, pointer: str, left: int) -> None:
    if left == 0:
        raise invalid("", "It is nested too deeply.")
    for name, part in _parts(value):
        _refuse_depth(part, f"{pointer}/{_escape(name)}", left - 1)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield str(index), part
