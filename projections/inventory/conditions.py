"""What a list of certificates is narrowed to, in SQL: conditions that are exact, and what an index looks up first."""

from datetime import datetime

from domain.certificate import CertificateStatus
from projections.columns import Type, integers
from projections.inventory import terms
from projections.inventory.view import CertificateFilter, ColourRange
from projections.reading.queries import Where, many
from projections.store import Encoded
from projections.text import part_pattern

_NOT_REVOKED = "(e.revoked_at IS NULL OR e.revoked_at > %b::timestamptz)"
_STATUS = {
    CertificateStatus.REVOKED: "e.revoked_at <= %b::timestamptz",
    CertificateStatus.EXPIRED: f"{_NOT_REVOKED} AND e.not_after < %b::timestamptz",
    CertificateStatus.NOT_YET_VALID: f"{_NOT_REVOKED} AND e.not_after >= %b::timestamptz "
    "AND e.not_before > %b::timestamptz",
    CertificateStatus.ACTIVE: f"{_NOT_REVOKED} AND e.not_after >= %b::timestamptz AND e.not_before <= %b::timestamptz",
}


def conditions(narrow: CertificateFilter) -> Where:
    """All that is asked for, exactly."""
    where = _shared(narrow).part("e.search", narrow.q)
    where.among("e.owner", Type.TEXT, narrow.owner).overlaps("e.tags", narrow.tag)
    where.among("e.id", Type.UUID, narrow.certificate_id)
    return _issuers(where, narrow, "{}").both(_changing(narrow))


def of_kind(narrow: CertificateFilter) -> Where:
    """What of it can be asked of a kind of certificates (kinds.py), of which one is looked at. Of kinds that have
    issuers in common with nobody, nothing is known about them.
    """
    return _issuers(_shared(narrow), narrow, "e.kind < 0 OR {}")


def _shared(narrow: CertificateFilter) -> Where:
    where = Where().among("e.source", Type.TEXT, narrow.source).among("e.usage", Type.TEXT, narrow.usage)
    where.flag("e.has_private_key", narrow.has_private_key).flag("e.renewed", narrow.replaced)
    where.among("e.key_algorithm", Type.TEXT, narrow.key_algorithm)
    _provider(where, narrow)
    return where


def _issuers(where: Where, narrow: CertificateFilter, condition: str) -> Where:
    if narrow.issuer:
        patterns = many(Type.TEXT, map(part_pattern, narrow.issuer))
        where.add(condition.format("e.issuer LIKE ANY (%b::text[])"), patterns)
    if narrow.issuer_key_id:
        where.add(condition.format("e.issuer_key_id = ANY (%b::text[])"), many(Type.TEXT, narrow.issuer_key_id))
    return where


def _changing(narrow: CertificateFilter) -> Where:
    """What the clock decides, and what is true of others than the certificate itself."""
    where = Where()
    if narrow.expires_within is not None:
        end = narrow.now + narrow.expires_within
        where.add("e.not_after >= %b::timestamptz AND e.not_after <= %b::timestamptz", narrow.now, end)
    _status(where, narrow)
    _colours(where, narrow)
    _connectors(where, narrow)
    return where


def _provider(where: Where, narrow: CertificateFilter) -> None:
    named = [provider for provider in narrow.provider if provider is not None]
    if narrow.provider:
        or_none = " OR e.provider IS NULL" if None in narrow.provider else ""
        where.add(f"e.provider = ANY (%b::text[]){or_none}", many(Type.TEXT, named))


def _status(where: Where, narrow: CertificateFilter) -> None:
    wanted = [f"({_STATUS[status]})" for status in narrow.status]
    if wanted:
        condition = " OR ".join(wanted)
        where.add(condition, *[narrow.now] * condition.count("%b"))


def _colours(where: Where, narrow: CertificateFilter) -> None:
    if narrow.colours is None:
        return
    conditions: list[str] = ["false"]
    parameters: list[datetime] = []
    for wanted in narrow.colours:
        condition, more = _colour(wanted, narrow.now)
        conditions.append(f"({condition})")
        parameters += more
    where.add(" OR ".join(conditions), *parameters)


def _colour(wanted: ColourRange, now: datetime) -> tuple[str, list[datetime]]:
    if wanted.revoked:
        return "e.revoked_at <= %b::timestamptz", [now]
    condition, parameters = _NOT_REVOKED, [now]
    if wanted.after is not None:
        condition, parameters = f"{condition} AND e.not_after > %b::timestamptz", [*parameters, wanted.after]
    if wanted.until is not None:
        condition, parameters = f"{condition} AND e.not_after <= %b::timestamptz", [*parameters, wanted.until]
    return condition, parameters


def _connectors(where: Where, narrow: CertificateFilter) -> None:
    """An associated connector with all that is asked for."""
    if not (narrow.sync or narrow.target_system_id):
        return
    inner = Where().add("c.certificate_id = e.id AND NOT c.removed").among("c.sync", Type.TEXT, narrow.sync)
    inner.among("c.target_system_id", Type.UUID, narrow.target_system_id)
    where.add(f"EXISTS (SELECT FROM read.connectors c{inner})", *inner.parameters)


def window(narrow: CertificateFilter) -> Where:
    """Between which ends of validity all must lie that can be asked for: where a list sorted by it begins and ends."""
    where = Where()
    if narrow.expires_within is not None:
        where.add("e.not_after >= %b::timestamptz", narrow.now)
        where.add("e.not_after <= %b::timestamptz", narrow.now + narrow.expires_within)
    if narrow.status and not {*narrow.status} - {CertificateStatus.ACTIVE, CertificateStatus.NOT_YET_VALID}:
        where.add("e.not_after >= %b::timestamptz", narrow.now)
    if {*narrow.status} == {CertificateStatus.EXPIRED}:
        where.add("e.not_after < %b::timestamptz", narrow.now)
    if narrow.colours and not any(wanted.revoked for wanted in narrow.colours):
        starts = [wanted.after for wanted in narrow.colours]
        ends = [wanted.until for wanted in narrow.colours]
        if None not in starts:
            where.add("e.not_after > %b::timestamptz", min(start for start in starts if start))
        if None not in ends:
            where.add("e.not_after <= %b::timestamptz", max(end for end in ends if end))
    return where


def looked_up(narrow: CertificateFilter) -> Where:
    """What the index of terms can say of all that is asked for; the rows it finds have to be compared as well."""
    where = Where()
    if narrow.q:
        _asked(where, terms.in_names(narrow.q))
    if len(narrow.issuer) == 1:
        _asked(where, terms.in_issuer(narrow.issuer[0]))
    for field, values in {
        "source": narrow.source,
        "usage": narrow.usage,
        "owner": narrow.owner,
        "tag": narrow.tag,
        "key_algorithm": narrow.key_algorithm,
        "issuer_key_id": narrow.issuer_key_id,
        "provider": [provider or "" for provider in narrow.provider],
    }.items():
        _asked(where, (sorted({terms.value(field, text) for text in values}), False))
    for field, wanted in {"has_private_key": narrow.has_private_key, "renewed": narrow.replaced}.items():
        if wanted is not None:
            _asked(where, ([terms.flag(field, wanted)], True))
    return where


def _asked(where: Where, asked: terms.Asked) -> None:
    found, every = asked
    # As a subquery: PostgreSQL then guesses that few have it, however many terms there are, and asks the index.
    if found:
        where.add(f"e.terms {'@>' if every else '&&'} (SELECT %b::integer[])", Encoded(integers(found)))
