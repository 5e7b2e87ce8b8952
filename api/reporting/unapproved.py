"""The report on pushes without a fresh approval, to read."""

from collections.abc import Sequence

from api.reporting.addresses import addresses, moment_words, window_query, window_words
from api.reporting.document import Cell, Document, Fact, Link, at, lasting, places, short, table, words, work_order
from projections.unapproved_pushes.view import UnapprovedPush, UnapprovedPushes

NAME, TITLE = "unapproved-pushes", "Pushes without a fresh approval"
QUESTION = "Which pushes ran without anybody's new yes, on which earlier approval do they rest, and how old was it?"


def document(report: UnapprovedPushes) -> Document:
    """The page."""
    query = window_query(report.since, report.until)
    data_url, kept_url = addresses(NAME, query, report.as_of_position)
    moment = moment_words(report.as_of_position, report.as_of)
    return Document(
        name=NAME,
        title=TITLE,
        lead=(_lead(report),),
        scope=f"Pushes requested {window_words(report.since, report.until)}, {moment}.",
        facts=(
            Fact("Without fresh approval", Link(str(report.unapproved), "#pushes"), f"of {report.ran} started"),
            *(Fact(words(count.ground).capitalize(), places(count.positions[:12])) for count in report.grounds),
            Fact("Oldest approval", lasting(report.oldest_seconds) or "none"),
        ),
        pictures=(),
        tables=(
            table(
                "pushes",
                "Pushes",
                ("Work order", "Started (UTC)", "Ground", "Policy", "Rests on", "Age", "Content", "Positions"),
                (_push(item) for item in report.items),
                "Every push of this window had a fresh approval.",
            ),
        ),
        data_url=data_url,
        kept_url=kept_url,
    )


def _lead(report: UnapprovedPushes) -> str:
    return (
        f"{report.unapproved} of {report.ran} pushes that were started ran without a fresh approval. A redeploy rests "
        "on an earlier approval of exactly the same content: the digest over certificate, connector, endpoints and "
        "the target's settings is the same. A push under a standing approval was agreed on by two people in advance."
    )


def _ground(item: UnapprovedPush) -> str:
    standing = item.standing_approval_id
    return words(item.ground) if standing is None else f"{words(item.ground)} {short(standing)}"


def _push(item: UnapprovedPush) -> Sequence[Cell]:
    rest = item.rests_on
    content = "unchanged" if rest and rest.settings_unchanged else "another than what was approved" if rest else ""
    return (
        work_order(item.work_order_id),
        at(item.started_at),
        _ground(item),
        f"{item.policy_name} (version {item.policy_version})",
        work_order(rest.work_order_id) if rest else "nothing",
        lasting(rest.age_seconds) if rest else "",
        f"{content} {item.digest[:12]}…".strip(),
        places(item.positions),
    )
