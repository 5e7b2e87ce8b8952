"""The replacements' questions in SQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.certificate_order import CertificateOrder, OrderStatus
from domain.replacement import BATCH, Replacement
from projections.columns import Type
from projections.reading.entities import Nodes
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, WIDTH, Decoder, Where, columns, document_decoder, many
from projections.replacements.view import Figures, Item, ReplacementFilter, ReplacementOutcome, ReplacementProgress
from projections.rows import Page

# The latest order of each certificate: of those that failed and were tried again there are several.
_LATEST = """
SELECT DISTINCT ON (o.renews) o.renews, o.id, o.status, o.certificate_id, o.doc
FROM read.orders o WHERE o.replacement_id = {replacement} ORDER BY o.renews, o.created_position DESC"""

_OUTCOME = """
CASE WHEN x.status = 'complete' THEN 'complete' WHEN x.status = 'failed' THEN 'failed'
     WHEN x.status IS NOT NULL THEN 'under_way' WHEN c.id = ANY (b.skipped) THEN 'skipped'
     WHEN c.id = ANY (b.failed) THEN 'failed' ELSE 'planned' END"""

SELECT = f"""
SELECT {columns("e")}, f.planned, f.under_way, f.complete, f.failed, f.skipped, f.pushed
FROM read.replacements e CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE i.outcome = 'planned') AS planned,
           count(*) FILTER (WHERE i.outcome = 'under_way') AS under_way,
           count(*) FILTER (WHERE i.outcome = 'complete') AS complete,
           count(*) FILTER (WHERE i.outcome = 'failed') AS failed,
           count(*) FILTER (WHERE i.outcome = 'skipped') AS skipped,
           count(*) FILTER (WHERE i.outcome = 'complete' AND i.pushed) AS pushed
    FROM (SELECT {_OUTCOME} AS outcome,
                 (SELECT bool_and(w.status = 'completed') FROM read.work_orders w
                  WHERE w.certificate_id = x.certificate_id) AS pushed
          FROM read.replacement_batches b CROSS JOIN LATERAL unnest(b.certificate_ids) c (id)
          LEFT JOIN ({_LATEST.format(replacement="e.id")}) x ON x.renews = c.id::uuid
          WHERE b.replacement_id = e.id) i) f
"""  # noqa: S608 - constants

ITEMS = f"""
SELECT i.place, i.certificate_id, v.common_name, i.outcome, i.order_id, i.successor_id, i.doc, i.refusal,
       p.pushes, p.completed, p.open
FROM (SELECT b.number * {BATCH} + c.n - 1 AS place, c.id::uuid AS certificate_id, {_OUTCOME} AS outcome,
             x.id AS order_id, x.certificate_id AS successor_id, x.doc,
             (SELECT substr(r, 37) FROM unnest(b.refusals) r WHERE left(r, 36) = c.id LIMIT 1) AS refusal
      FROM read.replacement_batches b CROSS JOIN LATERAL unnest(b.certificate_ids) WITH ORDINALITY c (id, n)
      LEFT JOIN ({_LATEST.format(replacement="%b::uuid")}) x ON x.renews = c.id::uuid
      WHERE b.replacement_id = %b::uuid AND b.number >= %b::bigint) i
LEFT JOIN read.inventory v ON v.id = i.certificate_id
CROSS JOIN LATERAL (SELECT count(*) AS pushes, count(*) FILTER (WHERE w.status = 'completed') AS completed,
                           count(*) FILTER (WHERE w.open) AS open
                    FROM read.work_orders w WHERE w.certificate_id = i.successor_id) p
"""  # noqa: S608 - constants


class PostgresReplacements:
    """projections.replacements.view.Replacements."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        decode = Decoder(Replacement)

        def progress(values: Sequence[Any]) -> ReplacementProgress:
            names = Figures.__struct_fields__
            figures = Figures(**dict(zip(names, values[WIDTH:], strict=True)))
            return ReplacementProgress(decode(values[:WIDTH]), figures)

        self._nodes = Nodes(reader, SELECT, progress, lambda found: found.row)
        self._order = document_decoder(CertificateOrder)

    async def get(self, replacement_id: UUID) -> ReplacementProgress | None:
        return await self._nodes.get(replacement_id)

    async def list(
        self, narrow: ReplacementFilter = ReplacementFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[ReplacementProgress]:
        where = Where().among("e.status", Type.TEXT, narrow.status)
        return await self._nodes.page(where, NEWEST_FIRST, limit, cursor)

    async def items(
        self, replacement_id: UUID, outcomes: tuple[ReplacementOutcome, ...] = (), *, after: int = -1, limit: int = 50
    ) -> Sequence[Item]:
        parameters = [replacement_id, replacement_id, max(after, 0) // BATCH, after]
        where = "WHERE i.place > %b::bigint"
        if outcomes:
            where = f"{where} AND i.outcome = ANY (%b::text[])"
            parameters.append(many(Type.TEXT, outcomes))
        query = f"{ITEMS}{where} ORDER BY i.place LIMIT {int(limit)}"
        return [self._item(row) for row in await self._reader.rows(query, parameters)]

    def _item(self, values: Sequence[Any]) -> Item:
        place, certificate_id, name, outcome, order_id, successor_id, order, refusal, *pushes = values
        error = refusal
        if order is not None:
            found = self._order(order)
            error = found.error if found.status is OrderStatus.FAILED else None
        return Item(
            place=place,
            certificate_id=certificate_id,
            common_name=name or "",
            outcome=ReplacementOutcome(outcome),
            order_id=order_id,
            successor_id=successor_id,
            error=error,
            pushes=pushes[0],
            pushes_completed=pushes[1],
            pushes_open=pushes[2],
        )
