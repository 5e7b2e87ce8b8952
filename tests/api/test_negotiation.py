"""Which representation is sent, by Accept (RFC 9110, 12.5.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.negotiation import best_match

JSON, NDJSON, CSV, SSE = OFFERED = ("application/json", "application/x-ndjson", "text/csv", "text/event-stream")


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        ("*/*", JSON),
        ("text/*", CSV),
        ("text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("text/csv;charset=utf-8", CSV),
        ("text/csv, application/json", CSV),
        ("application/json, text/csv", JSON),
        ("text/csv;q=0.5, application/json", JSON),
        ("text/csv;q=0.5, application/json;q=0.4", CSV),
        ("text/csv;q=0.001, application/json;q=0", CSV),
        ("text/csv;Q=1.000, application/json;q=0.999", CSV),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("application/json;q=0, */*", NDJSON),
        ("application/*;q=0, */*;q=0.1", CSV),
        ("application/json;q=0.2, application/*;q=0.9", NDJSON),
        ('text/csv;note="a,b;q=0", application/json;q=0.5', CSV),
        ("text/event-stream", SSE),
        ("application/json;q=0", None),
        ("text/html", None),
        ("application/json;q=1.5, text/csv", CSV),
        ("application/json;q=abc", None),
        ("*/json, text/csv;q=0.1", CSV),
        ("nonsense", None),
        (",,", None),
    ],
)
def test_the_best_of_what_is_offered(accept: str, best: str | None) -> None:
    """Weights decide, then the client's order; the most specific range counts; q=0 refuses."""
    assert best_match(accept, OFFERED) == best


@given(st.text())
def test_any_text_is_answered(accept: str) -> None:
    """Whatever a client sends, the answer is one of the offered or none."""
    assert best_match(accept, OFFERED) in {*OFFERED, None}
