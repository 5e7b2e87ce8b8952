"""Approval policies, and which of them a push would come under."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from api.presenters.common import actor
from api.schemas.approval_policies import ApprovalPolicyBody, ResolvedBody, StandingGroundBody
from application.approval_rules import Resolved
from domain.approval_policy import BUILT_IN, BUILT_IN_BY, ApprovalTerms
from domain.register import Entry

_SECONDS = "_seconds"


def body(found: Entry[ApprovalTerms]) -> ApprovalPolicyBody:
    """A policy as it is now."""
    said = found.revisions[-1]
    terms = {
        f"{name}{_SECONDS}" if isinstance(value, timedelta) else name: _seconds(value)
        for name, value in msgspec.structs.asdict(said.terms).items()
    }
    return ApprovalPolicyBody(
        id=found.id,
        version=found.version,
        built_in=BUILT_IN.get(found.id) is not None,
        retired=found.retired,
        changed_at=None if said.by == BUILT_IN_BY else said.at,
        changed_by=actor(said.by),
        **terms,
    )


def _seconds(value: Any) -> Any:
    return int(value.total_seconds()) if isinstance(value, timedelta) else value


def terms_of(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as they were sent, for the terms of a policy."""
    return {
        name.removesuffix(_SECONDS): timedelta(seconds=value) if name.endswith(_SECONDS) else value
        for name, value in sent.items()
    }


def resolved(found: Resolved) -> ResolvedBody:
    """What a push would come under."""
    bodies = tuple(map(body, found.matching))
    ground = found.standing
    return ResolvedBody(
        action=found.action,
        policy=bodies[0],
        matching=bodies,
        standing_approval=StandingGroundBody(id=ground.id, digest=ground.digest, begins_at=ground.begins_at)
        if ground is not None
        else None,
    )
