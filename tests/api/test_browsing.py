"""What a browser, a load balancer or `curl -I` asks that is no call of the API."""

from tests.api.desk import Desk
from tests.api.walking import API, Story

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_head_is_get_without_the_body(desk: Desk) -> None:
    """Wherever GET is (RFC 9110, 9.1); what streams for ever ends with its head."""
    story = await Story(desk).imported()
    client = desk.as_("auditor")
    for path in ("/livez", "/readyz", f"{API}/certificates/{story.certificate_id}", f"{API}/certificates", "/docs"):
        head, got = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers.get("ETag") == got.headers.get("ETag")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert (await client.head(f"{API}/certificates/{story.target_system_id}x")).status_code == 404
    assert (await desk.as_(None).head(f"{API}/me")).status_code == 401
    endless = await client.head(f"{API}/audit-events", headers={"Accept": "text/event-stream"})
    assert (endless.status_code, endless.content) == (200, b"")


async def test_head_is_told_among_the_methods(desk: Desk) -> None:
    """By 405 and by OPTIONS; not where there is no GET."""
    client = desk.as_("auditor")
    assert "HEAD" in (await client.put(f"{API}/certificates")).headers["Allow"]
    assert "HEAD" in (await client.request("OPTIONS", f"{API}/certificates")).headers["Allow"]
    no_get = await client.head(f"{API}/work-orders/{API[:0]}00000000-0000-0000-0000-000000000000/approve")
    assert (no_get.status_code, "HEAD" in no_get.headers["Allow"]) == (405, False)


async def test_people_see_a_page_where_programs_see_a_problem(desk: Desk) -> None:
    """Outside of /api/: the same status and words, with a way back; never below /api/."""
    async with desk.client() as browser:
        signed_in = await browser.post("/login", data={"token": desk.people["auditor"].token, "next": "/"})
        assert signed_in.status_code == 303
        for path in ("/nowhere", "/certificates/00000000-0000-0000-0000-000000000000"):
            page = await browser.get(path, headers=BROWSER)
            assert page.status_code == 404
            assert page.headers["Content-Type"].startswith("text/html")
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            assert "There is no" in page.text
            assert 'href="/"' in page.text
        problem = await browser.get(f"{API}/nowhere", headers=BROWSER)
        assert problem.headers["Content-Type"] == "application/problem+json"
        told = await browser.get("/problems/not-found", headers=BROWSER)
        assert (told.status_code, "/static/certferry.css" in told.text) == (200, True)
