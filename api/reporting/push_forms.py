"""The Push Validation Report in its forms, as JSON and CSV its body's fields."""

from api.paging import CSV, JSON
from api.presenters.verification import push_validation
from api.reporting.answering import as_csv, as_json
from api.reporting.counting import Named, Pushes
from api.reporting.printing import standalone
from api.reporting.push_validation import document
from projections.push_validation.report import GroupBy


def as_bytes(found: Pushes, named: Named, media_type: str, group_by: GroupBy | None = None) -> bytes:
    """The operations counted, in one of the forms; `named` is what HTML names things by."""
    counted = found.counted(group_by)
    if media_type == JSON:
        return as_json(push_validation(counted))
    if media_type == CSV:
        return as_csv(push_validation(counted))
    return standalone(document(counted, found.scope, found.only, named)).encode()
