"""The page of a push request: how far it has come, and each of its work orders."""

from html import unescape
from uuid import UUID

from tests.api.desk import Desk
from tests.api.pages.test_past import html
from tests.api.test_push_requests import NUMBER, many
from tests.api.walking import Story


async def test_the_progress_of_a_deploy_to_all(desk: Desk) -> None:
    """Counts that lead to the work orders of a status; what has ended; the same as of before."""
    story = await many(desk)
    made = await story.post("requester", f"certificates/{story.certificate_id}/deploy", {}, 202)
    page, before = f"/push-requests/{made['request_id']}", await desk.head()
    first = unescape(await html(desk, page, "auditor"))
    assert f"0 of {NUMBER} work orders have ended." in first
    assert f"Push-Approval Pending {NUMBER}" in first
    order_id = made["work_orders"][0]["id"]
    await story.post("approver", f"work-orders/{order_id}/reject", {})
    later = unescape(await html(desk, page, "auditor"))
    assert f"1 of {NUMBER} work orders have ended." in later
    rejected = f"/work-orders?request_id={made['request_id']}&status=rejected"
    assert f'href="{rejected}"' in later
    assert order_id in await html(desk, rejected, "auditor")
    assert f"0 of {NUMBER}" in await html(desk, f"{page}?as_of_position={before}", "auditor")
    assert page in await html(desk, f"/work-orders/{order_id}", "auditor")


async def test_a_push_request_that_is_not_there(desk: Desk) -> None:
    """404, and it says so."""
    await Story(desk).imported()
    assert "push request" in await html(desk, f"/push-requests/{UUID(int=7)}", "auditor", status=404)
