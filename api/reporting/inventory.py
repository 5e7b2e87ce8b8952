"""The inventory report, to read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar.di import Provide
from litestar.params import QueryParameter

from api.reporting.addresses import addresses, moment_words
from api.reporting.document import Cell, Document, Fact, Link, Picture, Table, at, certificate, places, table, words
from api.reporting.expiry import bucket_words
from api.reporting.pictures import Bar, Stretch, bars
from domain.certificate import CertificateStatus
from projections.inventory_report.view import NOBODY, By, Count, Held, InventoryReport, Only

NAME, TITLE = "inventory", "Inventory"
QUESTION = "How many certificates are there, of which issuer, key algorithm, expiry, owner and status?"
HEADS: Mapping[By, str] = {
    By.STATUS: "status",
    By.EXPIRY: "expiry",
    By.ISSUER: "issuer",
    By.KEY_ALGORITHM: "key algorithm",
    By.OWNER: "owner",
    By.SOURCE: "source",
}
_URGENT = {CertificateStatus.EXPIRED.value, CertificateStatus.REVOKED.value}
_BARS = 30
_Key = Annotated[str, msgspec.Meta(max_length=1000)]


def _narrowed(what: By) -> Any:
    return QueryParameter(description=f"Only these keys of `by_{what}`; repeat it for OR.")


async def narrowing(
    status: Annotated[list[_Key] | None, _narrowed(By.STATUS)] = None,
    expiry: Annotated[list[_Key] | None, _narrowed(By.EXPIRY)] = None,
    issuer: Annotated[list[_Key] | None, _narrowed(By.ISSUER)] = None,
    key_algorithm: Annotated[list[_Key] | None, _narrowed(By.KEY_ALGORITHM)] = None,
    owner: Annotated[list[_Key] | None, _narrowed(By.OWNER)] = None,
    source: Annotated[list[_Key] | None, _narrowed(By.SOURCE)] = None,
) -> Only:
    """What the report is narrowed to."""
    given = (status, expiry, issuer, key_algorithm, owner, source)
    wanted = zip((By.STATUS, By.EXPIRY, By.ISSUER, By.KEY_ALGORITHM, By.OWNER, By.SOURCE), given, strict=True)
    return {by: sorted(set(keys)) for by, keys in wanted if keys}


NARROWED: dict[str, Any] = {"only": Provide(narrowing)}


def document(report: InventoryReport, only: Only) -> Document:
    """The page."""
    query = [("threshold", str(days)) for days in report.thresholds]
    query += [(by.value, key) for by, keys in only.items() for key in keys]
    data_url, kept_url = addresses(NAME, query, report.as_of_position)
    counted = _counted(report)
    return Document(
        name=NAME,
        title=TITLE,
        lead=tuple(f"Only {HEADS[by]}: {', '.join(key_words(by, key) for key in keys)}." for by, keys in only.items()),
        scope=f"{report.certificates} certificates, {moment_words(report.as_of_position, report.as_of)}.",
        facts=tuple(_facts(report, kept_url)),
        pictures=tuple(_drawn(by, counted[by], report.certificates) for by in By) if report.certificates else (),
        tables=(*(_counts(by, counted[by], kept_url) for by in By), _items(report.items)),
        data_url=data_url,
        kept_url=kept_url,
    )


def key_words(by: By, key: str) -> str:
    """A key as people say it."""
    if by is By.EXPIRY:
        return bucket_words(key)
    if by is By.OWNER:
        return key or "no owner"
    return words(key) if by in (By.STATUS, By.SOURCE) else key or "none"


def _counted(report: InventoryReport) -> Mapping[By, Sequence[Count]]:
    return {by: getattr(report, f"by_{by.value}") for by in By}


def _facts(report: InventoryReport, url: str) -> Iterator[Fact]:
    yield Fact("Certificates", _link(report.certificates, url))
    for count in report.by_status:
        yield Fact(words(count.key).capitalize(), _link(count.certificates, url, status=count.key))


def _link(number: int, url: str, **only: str) -> Cell:
    """A figure that opens the certificates it counts, with their positions."""
    if not number:
        return "0"
    more = f"&{urlencode(only)}" if only else ""
    return Link(str(number), f"{url}{more}#certificates")


def _drawn(by: By, counts: Sequence[Count], whole: int) -> Picture:
    rows = [
        Bar(
            key_words(by, count.key),
            [Stretch(0.0, count.certificates / whole, _fill(by, count.key), f"{count.certificates} certificates")]
            if count.certificates
            else [],
            f"{count.certificates} ({count.certificates / whole:.1%})",
        )
        for count in counts[:_BARS]
    ]
    title = f"Certificates by {HEADS[by]}"
    return Picture(title, bars(title, rows, ()))


def _fill(by: By, key: str) -> str:
    return "slant" if by in (By.STATUS, By.EXPIRY) and key in _URGENT else "plain"


def _counts(by: By, counts: Sequence[Count], url: str) -> Table:
    rows = ((key_words(by, each.key), _link(each.certificates, url, **{by.value: each.key})) for each in counts)
    return table(by.value, f"By {HEADS[by]}", (HEADS[by].capitalize(), "Certificates"), rows, "None.", (1,))


def _items(items: Sequence[Held]) -> Table:
    heads = (
        "Common Name",
        "Issuer",
        "Key algorithm",
        "Expires (UTC)",
        "Days",
        "Status",
        "Owner",
        "Source",
        "Positions",
    )
    return table("certificates", "Certificates", heads, (_item(held) for held in items), "None.", (4,))


def _item(held: Held) -> Sequence[Cell]:
    return (
        certificate(held.certificate_id, held.common_name or held.serial_number),
        held.issuer,
        held.key_algorithm,
        at(held.not_after),
        str(held.days_until_expiry),
        words(held.status),
        held.owner or NOBODY,
        held.source.value,
        places(held.positions),
    )
