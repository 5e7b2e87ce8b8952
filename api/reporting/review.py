"""The report on reviews of the inventory, to read."""

from collections.abc import Iterable, Sequence

from api.reporting.addresses import addresses, moment_words
from api.reporting.document import Cell, Document, Fact, Link, at, certificate, places, table, words
from domain.review import ReviewFilter
from projections.inventory_review.view import Attestation, InventoryReviews

NAME, TITLE = "review", "Inventory reviews"
QUESTION = "Who has reviewed the inventory, what has changed there since, and when is the next review due?"


def document(report: InventoryReviews) -> Document:
    """The page."""
    data_url, kept_url = addresses(NAME, (), report.as_of_position)
    latest = [item for item in report.items if item.latest]
    return Document(
        name=NAME,
        title=TITLE,
        lead=tuple(_lead(report)),
        scope=f"{report.certificates} certificates, {moment_words(report.as_of_position, report.as_of)}.",
        facts=(
            Fact("Next review due (UTC)", at(report.next_due_at, "never"), "overdue" if report.overdue else "in time"),
            Fact("Attestations", Link(str(len(report.items)), "#attestations")),
            Fact("Changes since", Link(str(sum(len(i.changes) for i in latest)), "#changes"), "latest of each part"),
        ),
        pictures=(),
        tables=(
            table(
                "attestations",
                "Attestations",
                (
                    "When (UTC)",
                    "Reviewer",
                    "Part",
                    "Decision",
                    "Statement",
                    "Certificates",
                    "Due again (UTC)",
                    "Positions",
                ),
                (_attestation(item) for item in report.items),
                "The inventory was never reviewed.",
                (5,),
            ),
            table(
                "changes",
                "What has changed since",
                ("Part", "Certificate", "Change", "What happened", "Positions"),
                (_change(item, number) for item in latest for number in range(len(item.changes))),
                "Nothing has changed since the latest review of each part.",
            ),
        ),
        data_url=data_url,
        kept_url=kept_url,
    )


def _lead(report: InventoryReviews) -> Iterable[str]:
    whole = next((item for item in report.items if item.latest and item.filter is None), None)
    if whole is None:
        yield "The whole inventory was never reviewed."
    else:
        who = whole.reviewer or whole.reviewer_id
        yield (
            f"The whole inventory was last reviewed by {who} on {at(whole.attested_at)} UTC "
            f"({words(whole.decision)}); since then {whole.added} certificates were added, {whole.removed} removed "
            f"and {whole.changed} changed."
        )
    if report.overdue:
        yield f"The next review is overdue: one is due every {report.review_days} days."


def part_words(only: ReviewFilter | None) -> str:
    """A part of the inventory in words."""
    if only is None:
        return "the whole inventory"
    said = [f"names with “{only.q}”"] if only.q else []
    said += [f"issuers with “{only.issuer}”"] if only.issuer else []
    said += [f"owner {' or '.join(only.owner)}"] if only.owner else []
    said += [f"tag {' or '.join(only.tag)}"] if only.tag else []
    said += [" or ".join(only.source)] if only.source else []
    return ", ".join(said)


def _attestation(item: Attestation) -> Sequence[Cell]:
    due = at(item.next_due_at, "replaced by a later one") + (" (overdue)" if item.overdue else "")
    return (
        at(item.attested_at),
        item.reviewer or item.reviewer_id,
        part_words(item.filter),
        words(item.decision),
        item.statement,
        str(item.certificates),
        due,
        places((item.as_of_position, item.position)),
    )


def _change(item: Attestation, number: int) -> Sequence[Cell]:
    change = item.changes[number]
    return (
        part_words(item.filter),
        certificate(change.certificate_id, change.common_name or change.fingerprint_sha256[:16]),
        words(change.kind),
        ", ".join(words(each) for each in change.changes),
        places(change.positions),
    )
