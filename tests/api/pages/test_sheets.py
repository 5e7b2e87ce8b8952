"""Lists for people: a page, filters in the address, the next step beside each work order, the same as CSV."""

import csv
import io
import re
from datetime import datetime
from html import unescape

import httpx
import pytest

from api.pages.words import day
from tests.adapters.x509.certificates import cn, make, san
from tests.api.desk import Desk
from tests.api.pages.test_past import html
from tests.api.walking import API, Story

LISTS = {
    "/certificates": "Certificates",
    "/orders": "Orders",
    "/work-orders": "Work orders",
    "/target-systems": "Target systems",
    "/bridges": "Bridges",
    "/verification": "Verification",
    "/audit-log": "Audit log",
    "/issuance-policies": "Issuance policies",
    "/approval-policies": "Approval policies",
    "/people": "People",
}


async def sheet(desk: Desk, url: str, who: str = "auditor") -> list[dict[str, str]]:
    """The whole list as a spreadsheet reads it."""
    answer = await desk.as_(who).get(f"{url}{'&' if '?' in url else '?'}format=csv")
    assert (200, "text/csv") == (answer.status_code, answer.headers["Content-Type"].partition(";")[0]), answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


def headings(page: str) -> list[str]:
    return re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', page)


@pytest.mark.parametrize("url", LISTS)
async def test_every_list_is_a_page_and_a_file_with_the_same_columns(desk: Desk, url: str) -> None:
    """Its tab is marked, its columns are those of the CSV; as of a moment it says so; a wrong cursor is told."""
    await (await Story(desk).ready()).pushed()
    page = await html(desk, url, "auditor")
    assert f"<h1>{LISTS[url]}</h1>" in page
    assert f'aria-current="page">{LISTS[url]}</a>' in page
    answer = await desk.as_("auditor").get(url, params={"format": "csv"})
    assert headings(page) == next(csv.reader(io.StringIO(answer.text)))
    assert "As it was on" in await html(desk, f"{url}?as_of_position={await desk.past()}", "auditor")
    assert "cursor" in await html(desk, f"{url}?cursor=nonsense", "auditor", status=422)


async def test_what_waits_for_me_has_my_button(desk: Desk) -> None:
    """Whoever may approve finds it and the button; whoever asked does not; afterwards it waits for somebody else."""
    story = await (await Story(desk).ready()).pushed()
    inbox = "/work-orders?waiting_for=me"
    assert "Nothing matches" in await html(desk, inbox, "requester")
    assert "Nothing matches" in await html(desk, inbox, "implementer")
    assert f'hx-get="/work-orders/{story.work_order_id}/approve"' in await html(desk, inbox, "approver")
    await story.approved()
    assert "Nothing matches" in await html(desk, inbox, "approver")
    assert f'hx-get="/work-orders/{story.work_order_id}/implement"' in await html(desk, inbox, "implementer")


async def test_the_address_holds_the_filter(desk: Desk) -> None:
    """One click narrows, the next widens again; the search keeps what was chosen."""
    story = await (await Story(desk).ready()).pushed()
    everything = unescape(await html(desk, "/work-orders"))
    assert 'href="/work-orders?status=approval_pending"' in everything
    narrowed = unescape(await html(desk, "/work-orders?status=approval_pending"))
    assert 'href="/work-orders" aria-current="true"' in narrowed
    assert story.work_order_id in narrowed
    assert story.work_order_id not in await html(desk, "/work-orders?status=failed")
    found = await html(desk, "/certificates?colour=green&q=www")
    assert '<input type="hidden" name="colour" value="green">' in found
    assert 'value="www"' in found
    assert story.certificate_id in found
    assert story.certificate_id not in await html(desk, "/certificates?colour=black&q=www")


async def test_a_target_system_leads_to_its_certificates(desk: Desk) -> None:
    """By its row; and a bridge to its target systems."""
    story = await Story(desk).ready()
    targets = unescape(await html(desk, "/target-systems"))
    [link] = re.findall(r'href="(/certificates\?target_system_id=[^"]+)"', targets)
    assert story.certificate_id in await html(desk, link)
    [to_targets] = re.findall(r'href="(/target-systems\?bridge_id=[^"]+)"', unescape(await html(desk, "/bridges")))
    assert link in unescape(await html(desk, to_targets))


async def test_a_page_leads_to_the_next(desk: Desk) -> None:
    """Fifty events a page, none twice, down to the first."""
    story = await (await Story(desk).ready()).pushed()
    for _ in range(30):
        await story.post("operator", "bridges", {"name": "again"}, status=201)
    seen: list[int] = []
    url: str | None = f"/audit-log?type=bridge.*&to={2100}-01-01"
    while url:
        page = unescape(await html(desk, url, "auditor"))
        seen += [int(found) for found in re.findall(r'href="/api/v1/audit-events/(\d+)"', page)]
        following = re.findall(r'rel="next" href="([^"]+)"', page)
        url = following[0] if following else None
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) > 30
    assert [row["Position"] for row in await sheet(desk, "/audit-log?type=bridge.*")][-1] == str(seen[-1])


async def test_the_audit_log_is_for_those_who_may_read_it(desk: Desk) -> None:
    """Others have neither tab nor page. Reading it is an event; what cannot be understood is told."""
    await Story(desk).imported()
    assert "Audit log" not in await html(desk, "/certificates", "requester")
    refused: httpx.Response = await desk.as_("requester").get("/audit-log", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    page = await html(desk, "/audit-log?type=certificate.imported", "auditor")
    [position] = re.findall(r'href="/api/v1/audit-events/(\d+)/proof"', page)
    assert "certificate.imported" in page
    assert (await desk.as_("auditor").get(f"{API}/audit-events/{position}")).json()["type"] == "certificate.imported"
    await desk.settled()
    reads = await desk.as_("auditor").get(f"{API}/audit-events", params={"type": "audit.log.read"})
    assert "type=certificate.imported" in [event["data"]["query"] for event in reads.json()["items"]]
    for query in ("subject=me", "from=yesterday", "type=certificate.*.more"):
        await html(desk, f"/audit-log?{query}", "auditor", status=422)


async def test_a_spreadsheet_takes_nothing_for_a_formula(desk: Desk) -> None:
    """What somebody wrote is text there, too."""
    story = await Story(desk).imported()
    await story.post("operator", "bridges", {"name": "=HYPERLINK(1)"}, status=201)
    assert {row["Name"] for row in await sheet(desk, "/bridges")} >= {"'=HYPERLINK(1)"}


async def test_orders_have_the_columns_of_the_manual(desk: Desk) -> None:
    """Common Name, Order Type, Status, Requested By, Duration, in this order; each row opens the order."""
    order = await Story(desk).post("requester", "orders", {"mode": "automated", "common_name": "shop.example.org"}, 202)
    await desk.settled()
    page = await html(desk, "/orders?q=shop")
    manual = ["Common Name", "Order Type", "Status", "Requested By", "Duration"]
    assert manual == [title for title in headings(page) if title != "Submitted (UTC)"]
    assert f'hx-get="/orders/{order["id"]}"' in page
    [row] = await sheet(desk, "/orders?q=shop")
    assert ["shop.example.org", "Local PKI", "Pending", "requester", ""] == [row[title] for title in manual]


async def test_certificates_are_told_as_the_manual_has_it(desk: Desk) -> None:
    """Names, issuer, provider, both ends of validity with the days left, status, source: in the row of each."""
    story = await Story(desk).imported()
    [row] = re.findall(r"<tr>.*?</tr>", (await html(desk, "/certificates")).partition("<tbody>")[2], re.DOTALL)
    found = await story.get(f"certificates/{story.certificate_id}")
    begin, end = (datetime.fromisoformat(found[name]) for name in ("not_before", "not_after"))
    for said in ("Valid", "www.", "Imported", "managed", f"from {day(begin)}", day(end), "199 days left"):
        assert said in row, said
    assert "also" not in row  # its one alternative name is the common name


async def test_alternative_names_are_told_below_the_name(desk: Desk) -> None:
    """Two of them and how many more there are, so that the row stays low; never the common name again."""
    names = tuple(f"{n}.example.org" for n in "abcde")
    for number in (2, 5):
        made = make(cn(names[0]), [san(*names[:number])])
        await Story(desk).post("operator", "certificates", {"certificate_pem": made.pem}, 201)
    await desk.settled()
    page = (await html(desk, "/certificates")).replace("<wbr>", "")
    assert ">also b.example.org<" in page
    assert ">also b.example.org, c.example.org and 2 more<" in page
    assert page.count(">expired ") == 2


async def test_a_certificate_is_downloaded_by_the_button_of_the_manual(desk: Desk) -> None:
    """Select Download Certificate: the leaf in PEM, as a `.crt` file."""
    story = await Story(desk).imported()
    page = unescape(await html(desk, f"/certificates/{story.certificate_id}", "operator"))
    [address] = re.findall(r'href="([^"]+)" download>.{0,900}?</svg>Download Certificate</a>', page, re.DOTALL)
    answer = await desk.as_("operator").get(address)
    assert answer.text.count("BEGIN CERTIFICATE") == 1
    assert '.crt"' in answer.headers["Content-Disposition"]


async def test_managed_ones_can_be_told_from_discovered_ones(desk: Desk) -> None:
    """By one click each; both together are everything."""
    story = await Story(desk).imported()
    page = unescape(await html(desk, "/certificates"))
    for source, words, there in (("managed", "Managed", True), ("discovered", "Discovered", False)):
        assert f'href="/certificates?source={source}">{words}<' in page
        narrowed = unescape(await html(desk, f"/certificates?source={source}"))
        assert 'href="/certificates" aria-current="true">' in narrowed
        assert there == (story.certificate_id in narrowed)
    assert story.certificate_id in await html(desk, "/certificates?source=managed&source=discovered")
