"""The Push Validation Report as a page of its own (readable, printable, without any script), and as a table."""

from html import escape

import msgspec

from api.paging import cell, csv_lines
from api.schemas.verification import CountsBody, PushItemBody, PushValidationBody

_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;color:#1f2328;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #d0d7de;padding:.3rem .6rem;text-align:left}"
    "th{background:#f6f8fa}td.n{text-align:right}"
)
_COUNTS = ("total", "successful", "failed", "unreachable", "not_applicable", "superseded", "pending")


def as_csv(body: PushValidationBody) -> bytes:
    """Its push operations, one a line."""
    columns = PushItemBody.__struct_fields__
    items = msgspec.json.decode(msgspec.json.encode(body.items))
    return csv_lines([columns, *([cell(item[column]) for column in columns] for item in items)])


def report_page(body: PushValidationBody) -> str:
    """The report as HTML."""
    groups = "".join(_row([group.key, *_figures(group)]) for group in body.groups)
    grouped = f"<h2>By {escape(body.group_by)}</h2>{_table(['', *_heads()], groups)}" if body.group_by else ""
    totals = _row(["All", *_figures(body)])
    totals += _row(["Under standing approvals", *_figures(body.under_standing_approvals)])
    items = "".join(
        _row(
            [
                str(item.work_order_id),
                str(item.connector_id),
                item.outcome.value,
                item.cause or "",
                item.requested_at.isoformat(),
                ", ".join(map(str, item.positions)),
            ]
        )
        for item in body.items
    )
    heads = ["Work order", "Connector", "Outcome", "Cause", "Requested", "Ledger positions"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Push Validation Report</title>'
        f"<style>{_STYLE}</style><h1>Push Validation Report</h1>"
        f"<p>From {body.since.isoformat()} to {body.until.isoformat()}, ledger position {body.as_of_position}.</p>"
        f"{_table(['', *_heads()], totals)}{grouped}<h2>Push operations</h2>{_table(heads, items)}</html>"
    )


def _heads() -> list[str]:
    return [name.replace("_", " ") for name in _COUNTS] + ["success ratio", "success ratio without unreachable"]


def _figures(counts: CountsBody) -> list[str]:
    ratios = (counts.success_ratio, counts.success_ratio_without_unreachable)
    return [str(getattr(counts, name)) for name in _COUNTS] + ["-" if r is None else f"{r:.1%}" for r in ratios]


def _table(heads: list[str], rows: str) -> str:
    return f"<table><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>{rows}</table>"


def _row(cells: list[str]) -> str:
    return f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in cells)}</tr>"
