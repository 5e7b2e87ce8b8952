"""Mass replacements in words: states, outcomes, which certificates are meant, how far one is; and its two steps."""

import msgspec

from api.pages.steps import Step, without_comment
from api.pages.words import plural
from application.replacing import cancel_replacement, retry_replacement
from domain.replacement import Replacement, ReplacementStatus, check_cancellable, check_retryable
from domain.replacement_criteria import ReplacementCriteria
from domain.roles import Permission
from projections.replacements.view import ReplacementOutcome, ReplacementProgress

STATES: dict[ReplacementStatus, tuple[str, str, str]] = {
    ReplacementStatus.PLANNING: ("Planning", "hourglass", ""),
    ReplacementStatus.RUNNING: ("Running", "clock", ""),
    ReplacementStatus.COMPLETED: ("Completed", "circle-check", "good"),
    ReplacementStatus.CANCELLED: ("Cancelled", "circle-minus", "quiet"),
}
OUTCOMES: dict[ReplacementOutcome, tuple[str, str, str]] = {
    ReplacementOutcome.PLANNED: ("Planned", "hourglass", "quiet"),
    ReplacementOutcome.UNDER_WAY: ("Under way", "clock", ""),
    ReplacementOutcome.COMPLETE: ("Complete", "circle-check", "good"),
    ReplacementOutcome.FAILED: ("Failed", "circle-x", "bad"),
    ReplacementOutcome.SKIPPED: ("Replaced otherwise", "circle-dashed", "quiet"),
}


STEPS: dict[str, Step[Replacement]] = {
    "retry": Step(
        "Try again what failed",
        "What failed is ordered once more, and what was cancelled before its turn. What has a successor stays.",
        "Try again",
        Permission.RENEW,
        without_comment(retry_replacement),
        comment=False,
        words="Try again",
        check=lambda found, _: check_retryable(found),
    ),
    "cancel": Step(
        "Cancel the replacement",
        "No more certificates are ordered. Orders that were made go on to their end.",
        "Yes, order no more",
        Permission.RENEW,
        without_comment(cancel_replacement),
        comment=False,
        words="Cancel",
        check=lambda found, _: check_cancellable(found),
    ),
}


def progress_in_words(found: ReplacementProgress) -> str:
    """`12 of 20 complete, 3 failed; 5 pushed`."""
    state, figures = found.row.state, found.figures
    if state.status is ReplacementStatus.PLANNING:
        return "being planned"
    also = ((figures.failed, "failed"), (figures.skipped, "replaced otherwise"))
    told = [f"{figures.complete} of {plural(state.certificates, 'certificate')} complete"]
    told += [f"{number} {words}" for number, words in also if number]
    return ", ".join(told) + (f"; {figures.pushed} pushed" if figures.pushed else "")


def criteria_in_words(criteria: ReplacementCriteria) -> str:
    """`issuer Old CA; status active, not yet valid`."""
    said = []
    for name, value in msgspec.structs.asdict(criteria).items():
        if value is None or value == ():
            continue
        words = "name" if name == "q" else name.replace("_", " ")
        values = (value,) if isinstance(value, str) else value
        said.append(f"{words} {', '.join(_word(each) for each in values)}")
    return "; ".join(said)


def _word(value: object) -> str:
    return "imported" if value is None else str(value).replace("_", " ")
