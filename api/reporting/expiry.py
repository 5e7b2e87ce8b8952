"""The expiry report, to read."""

from collections.abc import Sequence

from api.reporting.addresses import addresses, moment_words
from api.reporting.document import Cell, Document, Fact, Link, Picture, Table, at, certificate, places, table, words
from api.reporting.pictures import Bar, Mark, Stretch, bars
from projections.expiry.view import EXPIRED, LATER, REVOKED, Bucket, Expiring, ExpiryReport, Share

NAME, TITLE = "expiry", "Expiry"
QUESTION = "Which certificates expire when, whose are they, where are they in use, and which are not renewed yet?"


def document(report: ExpiryReport) -> Document:
    """The page."""
    query = [("threshold", str(days)) for days in report.thresholds]
    data_url, kept_url = addresses(NAME, query, report.as_of_position)
    urgent = [bucket for bucket in report.buckets if bucket.bucket not in (REVOKED, LATER)]
    return Document(
        name=NAME,
        title=TITLE,
        lead=(
            (
                f"{sum(b.not_renewed for b in urgent)} certificates have expired or will within "
                f"{max(report.thresholds)} days and have no successor; {sum(b.in_use for b in urgent)} of them are "
                "associated with a target system."
            ),
        ),
        scope=f"{report.certificates} certificates, {moment_words(report.as_of_position, report.as_of)}.",
        facts=tuple(
            Fact(bucket_words(b.bucket), Link(str(b.certificates), "#certificates"), f"{b.not_renewed} not renewed")
            for b in report.buckets
        ),
        pictures=_pictures(report.buckets),
        tables=(
            table(
                "certificates",
                "Certificates",
                ("Expires (UTC)", "Days", "Common Name", "Issuer", "Owner", "In use on", "Renewed", "Positions"),
                (_expiring(item) for item in report.items),
                "Nothing has expired or will expire soon.",
                (1,),
            ),
            _shares("issuers", "By issuer", report.by_issuer, "none"),
            _shares("owners", "By owner", report.by_owner, "no owner"),
            _shares("targets", "By target system", report.by_target_system, "not in use"),
        ),
        data_url=data_url,
        kept_url=kept_url,
    )


def bucket_words(bucket: str) -> str:
    """A bucket as people say it."""
    kind, _, days = bucket.partition("_")
    return f"Within {days} days" if kind == "within" else bucket.capitalize()


def _expiring(item: Expiring) -> Sequence[Cell]:
    used = ", ".join(
        f"{use.name or use.target_system_id}{'' if use.deployed else ' (not deployed)'}" for use in item.in_use
    )
    renewed = certificate(item.renewed_to, "renewed") if item.renewed else "not renewed"
    return (
        at(item.not_after),
        str(item.days_until_expiry),
        certificate(item.certificate_id, item.common_name or item.serial_number),
        item.issuer,
        item.owner or "",
        used,
        renewed,
        places(item.positions),
    )


def _shares(key: str, caption: str, shares: Sequence[Share], nobody: str) -> Table:
    heads = [bucket_words(bucket.bucket) for bucket in shares[0].buckets] if shares else []
    rows = ((share.name or share.key or nobody, *(_count(bucket) for bucket in share.buckets)) for share in shares)
    numeric = range(1, len(heads) + 1)
    return table(key, caption, (caption.removeprefix("By ").capitalize(), *heads), rows, "None.", numeric)


def _count(bucket: Bucket) -> str:
    """How many, and how many of them are not renewed."""
    return (
        f"{bucket.certificates} ({bucket.not_renewed} not renewed)" if bucket.not_renewed else str(bucket.certificates)
    )


def _pictures(buckets: Sequence[Bucket]) -> tuple[Picture, ...]:
    most = max((bucket.certificates for bucket in buckets), default=0)
    if not most:
        return ()
    rows = [
        Bar(bucket_words(b.bucket), _stretches(b, most), f"{b.certificates} ({b.not_renewed} not renewed)")
        for b in buckets
    ]
    title = "Certificates by the time they have left"
    return (Picture(title, bars(title, rows, [Mark("slant", "not renewed"), Mark("plain", "renewed")])),)


def _stretches(bucket: Bucket, most: int) -> list[Stretch]:
    """Revoked, and what has time, is drawn plain: nothing is to be done."""
    urgent = "slant" if bucket.bucket == EXPIRED or bucket.bucket.startswith("within") else "light"
    middle = bucket.not_renewed / most
    found = [
        Stretch(0.0, middle, urgent, words("not renewed")),
        Stretch(middle, bucket.certificates / most, "plain", "renewed"),
    ]
    return [stretch for stretch in found if stretch.end > stretch.start]
