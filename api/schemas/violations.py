"""What orders break of issuance policies."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.violation import Severity


class ViolationBody(msgspec.Struct, frozen=True, kw_only=True):
    """One restriction of one rule that an order breaks. `pointer`: the field of the order that is to blame."""

    policy_id: UUID
    policy_version: int
    policy: Annotated[str, Meta(description="The policy's name then.")]
    rule: Annotated[str, Meta(description="The rule's name.", examples=["strong keys"])]
    severity: Severity
    restriction: Annotated[str, Meta(description="The field of the rule.", examples=["minimum_rsa_bits"])]
    pointer: Annotated[str, Meta(examples=["/key_algorithm"])]
    detail: str
