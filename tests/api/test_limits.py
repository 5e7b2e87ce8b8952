"""Bodies that are too large are refused without being taken in, announced or in chunks, by a real server."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.api.desk import Desk, served

CHUNK = b"x" * 65_536
HUGE = 100 * 1_048_576


async def answer_to(url: str, head: str, *, chunked: bool) -> tuple[int, int]:
    """Send a huge body and watch for the answer meanwhile: its status, and how many bytes were sent until it came."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(head.encode())
    answered = asyncio.ensure_future(reader.readline())
    sent = 0
    try:
        while not answered.done() and sent < HUGE:
            writer.write(b"%x\r\n%b\r\n" % (len(CHUNK), CHUNK) if chunked else CHUNK)
            await writer.drain()
            sent += len(CHUNK)
            await asyncio.sleep(0)
        async with asyncio.timeout(60):
            line = await answered
    finally:
        answered.cancel()
        writer.close()
    return int(line.split()[1]), sent


@pytest.mark.parametrize(
    "path", ["certificates", "bridges", "work-orders/00000000-0000-4000-8000-000000000000/approve"]
)
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_huge_body_is_refused_long_before_its_end(desk: Desk, path: str, *, chunked: bool) -> None:
    """413 after little more than the limit, for 100 MB of body."""
    who = "approver" if "approve" in path else "operator"
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {HUGE}"
    head = (
        f"POST /api/v1/{path} HTTP/1.1\r\nHost: certferry.test\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {desk.people[who].token}\r\n{length}\r\n\r\n"
    )
    async with served(desk.app) as url:
        status, sent = await answer_to(url, head, chunked=chunked)
    assert status == 413
    assert sent < 20 * desk.services.settings.max_body


async def test_nobody_unknown_gets_to_send_a_body(desk: Desk) -> None:
    """401 before anything of the body is looked at."""
    head = f"POST /api/v1/certificates HTTP/1.1\r\nHost: certferry.test\r\nContent-Length: {HUGE}\r\n\r\n"
    async with served(desk.app) as url:
        status, sent = await answer_to(url, head, chunked=False)
    assert status == 401
    assert sent < 20 * desk.services.settings.max_body


async def test_a_megabyte_of_begin_lines_is_no_certificate(desk: Desk) -> None:
    """Text that only looks like PEM is refused; what is too long for a field, too."""
    begin = "-----BEGIN CERTIFICATE-----\n"
    for times in (1_000, 9_000, 30_000):
        answer = await desk.as_("operator").post("/api/v1/certificates", json={"certificate_pem": begin * times})
        assert answer.status_code in {413, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.text) < 5_000
