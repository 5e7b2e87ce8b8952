"""Certificates of Local PKI for tests that have no worker."""

from typing import Any
from uuid import UUID, uuid4

from application.house import Context
from application.order_processing import process_order
from tests.api.desk import SYSTEM, Desk
from tests.api.walking import Story

NAME = "pfx.example.org"


async def ordered(desk: Desk, **different: Any) -> str:
    """Order a certificate and carry the order out; the certificate's id."""
    story, house = Story(desk), desk.core.house
    body = {"mode": "automated", "subject_alternative_names": [NAME]} | different
    order_id = UUID((await story.post("requester", "orders", body, 202))["id"])
    context = Context(actor=SYSTEM, at=house.clock(), command_id=uuid4())
    done = await process_order(house, context, desk.core.issuers, order_id)
    await desk.settled()
    return str(done.result.found.certificate_id)
