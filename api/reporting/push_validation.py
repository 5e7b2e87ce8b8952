"""The Push Validation Report and its trends, to read. Each figure leads to the operations that it counts."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from api.reporting.addresses import addresses, moment_words, window_query, window_words
from api.reporting.counting import Named
from api.reporting.document import (
    Cell,
    Document,
    Fact,
    Link,
    Picture,
    Table,
    at,
    certificate,
    places,
    short,
    table,
    words,
    work_order,
)
from api.reporting.pictures import Bar, Mark, Stretch, bars
from domain.connector_events import KeyProof
from projections.push_validation.report import (
    NONE,
    FailureCause,
    Figures,
    Group,
    GroupBy,
    Item,
    Only,
    Report,
    figures,
    groups,
)
from projections.push_validation.view import PushOutcome
from projections.scope import Scope

NAME, TITLE = "push-validation", "Push Validation Report"
QUESTION = "Did pushes succeed, and is what was pushed what is served?"
BY: Mapping[GroupBy, str] = {"day": "day", "target": "target system", "bridge": "bridge", "driver": "driver"}
_FILLS = {
    PushOutcome.SUCCESSFUL: "plain",
    PushOutcome.FAILED: "slant",
    PushOutcome.UNREACHABLE: "dots",
}
_OTHERS = "light"
_BARS, _DAYS = 40, 62


def document(report: Report, scope: Scope, only: Only, named: Named) -> Document:
    """The page; `named`: target systems and bridges, by their ids."""
    query = [*window_query(report.since, report.until), *((name, key) for name, keys in only.items() for key in keys)]
    data_url, kept_url = addresses(NAME, query, report.as_of_position)
    found: dict[GroupBy, tuple[Group, ...]] = {by: groups(report.items, by) for by in BY}
    moment = moment_words(report.as_of_position, scope.now)
    return Document(
        name=NAME,
        title=TITLE,
        lead=(_lead(report.figures), *_narrowed(only, named)),
        scope=f"Requested {window_words(report.since, report.until)}, {moment}.",
        facts=tuple(_facts(report, kept_url)),
        pictures=tuple(_pictures(report, found, named)),
        tables=(
            *(_grouped(by, found[by], named, kept_url) for by in BY),
            _causes(report.failure_causes, kept_url),
            _operations(report.items, named),
        ),
        data_url=data_url,
        kept_url=kept_url,
    )


def _lead(counts: Figures) -> str:
    judged = counts.successful + counts.failed + counts.unreachable
    if not judged:
        return f"{counts.total} push operations; none of them is judged yet."
    return (
        f"{counts.successful} of {judged} push operations succeeded and are served as pushed: "
        f"{_share(counts.success_ratio)}, {_share(counts.success_ratio_without_unreachable)} without unreachable ones."
    )


def _share(ratio: float | None) -> str:
    return "none" if ratio is None else f"{ratio:.1%}"


def _narrowed(only: Only, named: Named) -> Iterator[str]:
    """What is left out is said."""
    for name, keys in only.items():
        yield f"Only {_dimension(name)}: {', '.join(named.get(key, words(key)) for key in keys)}."


def _dimension(name: str) -> str:
    return next((said for by, said in BY.items() if by == name), name)


def _facts(report: Report, url: str) -> Iterator[Fact]:
    counts, standing = report.figures, report.under_standing_approvals
    yield Fact("All", _link(counts.total, url))
    for outcome in PushOutcome:
        yield Fact(words(outcome).capitalize(), _link(_count(counts, outcome), url, outcome=outcome.value))
    note = f"{standing.successful} successful, {standing.failed} failed"
    yield Fact("Under standing approvals", str(standing.total), note)


def _count(counts: Figures, outcome: PushOutcome) -> int:
    number: int = getattr(counts, outcome.value)
    return number


def _link(number: int, url: str, **only: str) -> Cell:
    """A figure that opens the operations it counts, with their positions."""
    if not number:
        return "0"
    more = f"&{urlencode(only)}" if only else ""
    return Link(str(number), f"{url}{more}#operations")


def _name(key: str, named: Named) -> str:
    return named.get(key, key)


def _pictures(report: Report, found: Mapping[GroupBy, Sequence[Group]], named: Named) -> Iterator[Picture]:
    if not report.items:
        return
    days = _every_day(found["day"], report)
    yield _drawn("Push operations by day", days[-_DAYS:], named)
    for by in ("target", "bridge", "driver"):
        most = sorted(found[by], key=lambda group: (-group.figures.failed, -group.figures.total, group.key))
        yield _drawn(f"Push operations by {BY[by]}", most[:_BARS], named)
    if report.failure_causes:
        yield _drawn_causes(report.failure_causes)


def _every_day(found: Sequence[Group], report: Report) -> list[Group]:
    """Days without any push, too: a trend has no gaps."""
    there = {group.key: group for group in found}
    last = (report.until - timedelta(microseconds=1)) if report.until else _day(found[-1].key)
    first = max(report.since or _day(found[0].key), last - timedelta(days=_DAYS))
    days = (last.date() - first.astimezone(UTC).date()).days
    every = [(first.astimezone(UTC).date() + timedelta(days=number)).isoformat() for number in range(days + 1)]
    return [there.get(day, Group(key=day, figures=figures(()), positions=())) for day in every]


def _day(key: str) -> datetime:
    return datetime.combine(date.fromisoformat(key), datetime.min.time(), UTC)


def _drawn(title: str, found: Sequence[Group], named: Named) -> Picture:
    most = max(group.figures.total for group in found) or 1
    rows = [Bar(_name(g.key, named), _stretches(g.figures, most), _in_words(g.figures)) for g in found]
    legend = [*(Mark(fill, words(outcome)) for outcome, fill in _FILLS.items()), Mark(_OTHERS, "others")]
    return Picture(title, bars(title, rows, legend))


def _stretches(counts: Figures, most: int) -> list[Stretch]:
    parts = [(_count(counts, outcome), fill, words(outcome)) for outcome, fill in _FILLS.items()]
    parts.append((counts.not_applicable + counts.superseded + counts.pending, _OTHERS, "others"))
    made: list[Stretch] = []
    start = 0
    for number, fill, said in parts:
        if number:
            made.append(Stretch(start / most, (start + number) / most, fill, f"{number} {said}"))
            start += number
    return made


def _in_words(counts: Figures) -> str:
    if not counts.total:
        return "none"
    return f"{counts.successful} of {counts.total} ({_share(counts.success_ratio)})"


def _drawn_causes(causes: Sequence[FailureCause]) -> Picture:
    title, most = "Failures by cause", causes[0].operations
    rows = [
        Bar(words(cause.cause), [Stretch(0.0, cause.operations / most, "slant", "failed")], str(cause.operations))
        for cause in causes
    ]
    return Picture(title, bars(title, rows, [Mark("slant", "failed")]))


def _grouped(by: GroupBy, found: Sequence[Group], named: Named, url: str) -> Table:
    outcomes = tuple(PushOutcome)
    heads = (
        BY[by].capitalize(),
        "All",
        *(words(each).capitalize() for each in outcomes),
        "Ratio",
        "Without unreachable",
    )
    rows = (
        (
            _name(group.key, named),
            _link(group.figures.total, url, **{by: group.key}),
            *(_link(_count(group.figures, o), url, **{by: group.key, "outcome": o.value}) for o in outcomes),
            _share(group.figures.success_ratio),
            _share(group.figures.success_ratio_without_unreachable),
        )
        for group in found
    )
    return table(by, f"By {BY[by]}", heads, rows, "None.", range(1, len(heads)))


def _causes(causes: Sequence[FailureCause], url: str) -> Table:
    failed = PushOutcome.FAILED.value
    rows = (
        (words(each.cause), _link(each.operations, url, cause=each.cause, outcome=failed), places(each.positions))
        for each in causes
    )
    return table("causes", "Failure causes", ("Cause", "Failed", "Positions"), rows, "Nothing failed.", (1,))


def _operations(items: Sequence[Item], named: Named) -> Table:
    heads = ("Requested (UTC)", "Outcome", "Cause", "Target system", "Bridge", "Driver", "Certificate", "Work order")
    return table(
        "operations",
        "Push operations",
        (*heads, "Attempt", "Looked at from", "Positions"),
        (_operation(item, named) for item in items),
        "Nothing was pushed.",
        (8,),
    )


_PROVEN = {KeyProof.SIGNATURE: ", signature checked here", KeyProof.BRIDGE_WORD: ", by the bridge's word"}


def _seen_from(item: Item) -> str:
    """What was seen from a bridge is said to be, and how much of it is proven."""
    if item.vantage is None:
        return NONE
    return words(item.vantage) + (_PROVEN[item.proof] if item.proof else "")


def _operation(item: Item, named: Named) -> Sequence[Cell]:
    return (
        at(item.requested_at),
        words(item.outcome),
        words(item.cause or ""),
        _name(str(item.target_system_id), named),
        _name(str(item.bridge_id or NONE), named),
        item.driver or NONE,
        certificate(item.certificate_id, short(item.certificate_id)),
        work_order(item.work_order_id),
        str(item.attempt),
        _seen_from(item),
        places(item.positions),
    )
