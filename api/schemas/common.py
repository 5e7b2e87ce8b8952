"""Shapes that several resources share."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta


class ActorBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it; `on_behalf_of` is the person behind an automation."""

    kind: Annotated[str, Meta(examples=["user"])]
    id: Annotated[str, Meta(examples=["b1f5a0c2-4c3f-5d6e-8f90-1a2b3c4d5e6f"])]
    on_behalf_of: str | None


class ActionBody(msgspec.Struct, frozen=True, kw_only=True):
    """A step, and whether you may take it now; `reason` says why not, `code` the same for programs."""

    action: Annotated[str, Meta(examples=["approve"])]
    allowed: bool
    reason: str | None
    code: Annotated[
        str | None,
        Meta(description="The problem that taking it would be answered with.", examples=["outside-scope"]),
    ]


class NothingBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command that takes nothing: no body, or an empty object."""


class FieldErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"place": "in"}):
    """One thing that is wrong: a JSON pointer into the body, or (with `in`) the name of a parameter."""

    pointer: Annotated[str, Meta(examples=["/scheduled_at"])]
    detail: str
    place: Annotated[str, Meta(examples=["query"])] | None = None


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457). Some types carry further members, for example `current_status` and `allowed`."""

    type: Annotated[str, Meta(description="Address of the page about this problem.", examples=["/problems/not-found"])]
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldErrorBody] = []


Json = Any
