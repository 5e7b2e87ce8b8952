"""The report on separation of duties, to read."""

from collections.abc import Iterable, Sequence

from api.reporting.addresses import addresses, moment_words, window_query, window_words
from api.reporting.document import Cell, Document, Fact, Link, Table, at, places, short, table, words, work_order
from domain.role_scope import role_words
from projections.separation_of_duties.acts import Act, Duty
from projections.separation_of_duties.holdings import Conflict
from projections.separation_of_duties.view import CheckedPush, NearMiss, RuleCount, SeparationOfDuties

NAME, TITLE = "separation-of-duties", "Separation of duties"
QUESTION = "Did nobody give two of request, approval and implementation, and would a stricter rule have been kept?"


def document(report: SeparationOfDuties) -> Document:
    """The page."""
    query = window_query(report.since, report.until) + [("rule", rule.value) for rule in report.rules]
    query += [("levels", str(report.levels))] if report.levels is not None else []
    data_url, kept_url = addresses(NAME, query, report.as_of_position)
    moment = moment_words(report.as_of_position, report.as_of)
    return Document(
        name=NAME,
        title=TITLE,
        lead=tuple(_lead(report)),
        scope=f"Pushes requested {window_words(report.since, report.until)}, {moment}.",
        facts=_facts(report),
        pictures=(),
        tables=tuple(_tables(report)),
        data_url=data_url,
        kept_url=kept_url,
    )


def _lead(report: SeparationOfDuties) -> Iterable[str]:
    yield (
        f"{report.ran} of {report.pushes} pushes were started. {report.violating} of them break the rule that was in "
        "force for them: the levels of their own policy, distinct persons, one content, and the right roles."
    )
    asked = [words(rule) for rule in report.rules]
    asked += [f"at least {report.levels} levels"] if report.levels is not None else []
    if asked:
        yield (
            f"Under the later rule ({', '.join(asked)}), {report.later_violating} of them would not have been allowed."
        )


def _facts(report: SeparationOfDuties) -> tuple[Fact, ...]:
    return (
        Fact("Pushes started", Link(str(report.ran), "#pushes"), f"of {report.pushes} requested"),
        Fact("Under standing approvals", str(report.under_standing_approvals), "agreed on by two in advance"),
        Fact("Violations in force", Link(str(report.violating), "#in-force"), "pushes"),
        Fact("Violations of the later rule", Link(str(report.later_violating), "#later"), "pushes"),
        Fact("Refused attempts", Link(str(report.refused), "#near-misses"), "near misses"),
        Fact("Conflicting roles", Link(str(report.conflicting), "#conflicts"), "persons"),
    )


def _tables(report: SeparationOfDuties) -> Iterable[Table]:
    yield _counted("in-force", "Violations of the rule in force", report.in_force)
    yield _counted("later", "Violations of the later rule", report.later)
    yield table(
        "near-misses",
        "Refused attempts",
        ("When (UTC)", "Who", "What was tried", "On", "Why it was refused", "Times", "Positions"),
        (_near_miss(miss) for miss in report.near_misses),
        "Nobody tried what four eyes, a changed content or a missing role stopped.",
        (5,),
    )
    yield table(
        "conflicts",
        "Persons who held roles for more than one duty",
        ("Who", "Duties", "From (UTC)", "To (UTC)", "Roles, and who granted them", "Tokens", "Positions"),
        (_conflict(conflict) for conflict in report.conflicts),
        "Nobody held roles for more than one duty.",
    )
    yield table(
        "pushes",
        "Pushes",
        ("Work order", "Requested", "Approved", "Implemented", "Levels", "Findings", "Positions"),
        (_push(item) for item in report.items),
        "No push was requested in this window.",
        (4,),
    )


def _counted(key: str, caption: str, counts: Sequence[RuleCount]) -> Table:
    rows = ((words(c.rule), str(c.pushes), places(c.positions)) for c in counts)
    return table(key, caption, ("Rule", "Pushes", "Requests of these pushes (positions)"), rows, "None.", (1,))


def _near_miss(miss: NearMiss) -> Sequence[Cell]:
    subject = short(miss.subject_id) if miss.subject_id else ""
    who = miss.name or miss.person_id
    return (
        at(miss.at),
        who,
        words(miss.action),
        subject,
        f"{miss.code}: {miss.detail}",
        str(miss.times),
        places(miss.positions),
    )


def _conflict(conflict: Conflict) -> Sequence[Cell]:
    grants = (
        f"{role_words(grant.role, grant.scope)} by "
        f"{'themselves' if grant.self_granted else grant.granted_by_name or grant.granted_by}"
        for grant in conflict.grants
    )
    tokens = (f"{short(t.token_id)} ({', '.join(t.roles) if t.roles else 'all roles'})" for t in conflict.tokens)
    return (
        conflict.name or str(conflict.principal_id),
        ", ".join(conflict.duties),
        at(conflict.since),
        at(conflict.until, "still"),
        "; ".join(grants),
        ", ".join(tokens),
        places(conflict.positions),
    )


def _push(item: CheckedPush) -> Sequence[Cell]:
    found = [violation.detail for violation in item.violations]
    found += [f"Later rule: {violation.detail}" for violation in item.later_violations]
    return (
        work_order(item.work_order_id),
        _who(item.acts, Duty.REQUEST),
        _who(item.acts, Duty.APPROVAL),
        _who(item.acts, Duty.IMPLEMENTATION),
        str(item.policy_levels) if item.standing_approval_id is None else "0, standing approval",
        " ".join(found) or ("None" if item.ran else "Not started"),
        places(item.positions),
    )


def _who(acts: Iterable[Act], duty: Duty) -> str:
    return "; ".join(f"{_person(act)}, {at(act.at)}" for act in acts if act.duty is duty)


def _person(act: Act) -> str:
    name = act.name or act.person_id
    roles = f" ({', '.join(act.roles)})" if act.roles else ""
    behalf = f" by {act.actor_kind} {act.actor_id}" if act.on_behalf_of else ""
    return f"{name}{roles}{behalf}"
