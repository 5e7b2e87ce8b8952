"""Answers to questions: one resource with its version, or none."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from api.etags import etag
from api.problems import Problem


def single(body: Any, version: int | None = None) -> Response[Any]:
    """One resource; `version` becomes its ETag."""
    headers = {"ETag": etag(version)} if version is not None else {}
    return Response(msgspec.json.encode(body), media_type="application/json", headers=headers)


def missing(what: str, found_by: UUID | int | str) -> Problem:
    """There is no such thing."""
    return Problem("not-found", f"There is no {what} {found_by}.")
