"""Which positions name which subject: what makes `subject=` fast. Everything else is read from the ledger itself."""

from collections.abc import Iterator
from typing import Any

from projections.columns import Column, Type
from projections.entity import Index, Named, Table


def _rows(named: Named) -> Iterator[tuple[Any, ...]]:
    for subject in named.subjects:
        yield subject, named.position


AUDIT_SUBJECTS = Index(
    name="audit_subjects",
    version=1,
    table=Table(
        name="audit_subjects",
        columns=(Column("subject", Type.UUID), Column("position", Type.BIGINT)),
        key=2,
        keep=True,
    ),
    rows=_rows,
)
