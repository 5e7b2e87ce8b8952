"""The report on lead times, to read."""

from collections.abc import Sequence

from api.reporting.addresses import addresses, moment_words, window_query, window_words
from api.reporting.document import Cell, Document, Fact, Link, Picture, lasting, places, short, table, words, work_order
from api.reporting.pictures import Bar, Mark, Stretch, bars
from projections.lead_times.view import LeadTimes, Quantile, StepTimes, TargetTimes, TimedPush

NAME, TITLE = "lead-times", "Lead times"
QUESTION = "How long do pushes wait at each step, from the request to the proof that they are served?"


def document(report: LeadTimes) -> Document:
    """The page."""
    query = window_query(report.since, report.until) + ([("persons", "true")] if report.persons else [])
    data_url, kept_url = addresses(NAME, query, report.as_of_position)
    moment = moment_words(report.as_of_position, report.as_of)
    return Document(
        name=NAME,
        title=TITLE,
        lead=("Median, 90th percentile and maximum are times of real pushes (nearest rank): each leads to its own.",),
        scope=f"Pushes requested {window_words(report.since, report.until)}, {moment}.",
        facts=(
            Fact("Pushes", Link(str(report.pushes), "#pushes")),
            *(Fact(words(outcome).capitalize(), str(count)) for outcome, count in report.outcomes.items()),
        ),
        pictures=_pictures(report.steps),
        tables=(
            table("steps", "Steps", ("Step", *_HEADS), map(_step, report.steps), "No step was taken.", (1, 2, 4, 6)),
            table(
                "targets",
                "By target system",
                ("Target system", "Step", *_HEADS),
                ((_target(target), *_step(step)) for target in report.target_systems for step in target.steps),
                "No step was taken.",
                (2, 3, 5, 7),
            ),
            table(
                "pushes",
                "Pushes",
                ("Work order", "Outcome", "Retries", "Waits", "Until installed", "Until proved", "Positions"),
                map(_push, report.items),
                "No push was requested in this window.",
                (2, 4, 5),
            ),
        ),
        data_url=data_url,
        kept_url=kept_url,
    )


_HEADS = ("Pushes", "Median", "of (positions)", "90 %", "of (positions)", "Maximum", "of (positions)")


def _step(step: StepTimes) -> Sequence[Cell]:
    quantiles = (cell for q in (step.median, step.p90, step.max) for cell in _quantile(q))
    return (words(step.step), str(step.count), *quantiles)


def _quantile(found: Quantile) -> tuple[Cell, Cell]:
    return lasting(found.seconds) or "0 s", places(found.positions)


def _target(target: TargetTimes) -> str:
    return target.name or short(target.target_system_id)


def _push(item: TimedPush) -> Sequence[Cell]:
    waits = "; ".join(
        f"{words(w.step)} {lasting(w.seconds) or '0 s'}{f' ({w.person_id})' if w.person_id else ''}" for w in item.waits
    )
    return (
        work_order(item.work_order_id),
        words(item.outcome),
        str(item.retries),
        waits,
        lasting(item.total_seconds),
        lasting(item.validated_seconds),
        places(item.positions),
    )


def _pictures(steps: Sequence[StepTimes]) -> tuple[Picture, ...]:
    if not steps:
        return ()
    longest = max(*(step.max.seconds for step in steps), 0.001)
    rows = [
        Bar(words(step.step), _stretches(step, longest), f"median {lasting(step.median.seconds)}") for step in steps
    ]
    legend = [Mark("plain", "up to the median"), Mark("slant", "up to 90 %"), Mark("light", "up to the maximum")]
    return (
        Picture("How long each step takes", bars("How long each step takes", rows, legend, ("0", lasting(longest)))),
    )


def _stretches(step: StepTimes, longest: float) -> list[Stretch]:
    ends = [found.seconds / longest for found in (step.median, step.p90, step.max)]
    parts = zip((0.0, *ends), ends, ("plain", "slant", "light"), ("median", "90 %", "maximum"), strict=False)
    return [Stretch(start, end, fill, name) for start, end, fill, name in parts if end > start]
