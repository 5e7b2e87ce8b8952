"""What a CA's problem documents mean for an order: for ever, for now, or in so many seconds."""

from datetime import UTC, datetime

import pytest
import requests
from acme import messages

from adapters.issuers.acme.client import ProblemOfCa, UnknownAccount, sorted_out
from adapters.issuers.acme.problems import CaUnavailable, seconds_of, sentence
from application.issuing_ports import NotYet

NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


def problem(code: str, detail: str = "because") -> messages.Error:
    found: messages.Error = messages.Error.from_json({"type": f"urn:ietf:params:acme:error:{code}", "detail": detail})
    return found


def response(status: int, **headers: str) -> requests.Response:
    found = requests.Response()
    found.status_code = status
    found.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return found


def test_every_subproblem_is_told_with_its_name() -> None:
    """RFC 8555, 6.7.1: the compound says nothing, the parts say what is wrong with which name."""
    document = {
        "type": "urn:ietf:params:acme:error:malformed",
        "detail": "Some of the identifiers requested were rejected",
        "subproblems": [
            {
                "type": "urn:ietf:params:acme:error:malformed",
                "detail": 'Invalid underscore in DNS name "_example.org"',
                "identifier": {"type": "dns", "value": "_example.org"},
            },
            {
                "type": "urn:ietf:params:acme:error:rejectedIdentifier",
                "detail": 'This CA will not issue for "example.net"',
                "identifier": {"type": "dns", "value": "example.net"},
            },
        ],
    }
    expected = (
        "Some of the identifiers requested were rejected (malformed); "
        '_example.org: Invalid underscore in DNS name "_example.org" (malformed); '
        'example.net: This CA will not issue for "example.net" (rejectedIdentifier)'
    )
    assert expected == sentence(messages.Error.from_json(document))


def test_a_text_without_end_or_with_control_characters_is_cut() -> None:
    """It ends up in an event, an alert and a page."""
    assert "\x1b" not in sentence(problem("malformed", "\x1b[31m"))
    assert 2_000 == len(sentence(problem("malformed", "x" * 9_999)))


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("rejectedIdentifier", 400, ProblemOfCa),
        ("unauthorized", 403, ProblemOfCa),
        ("userActionRequired", 403, ProblemOfCa),
        ("serverInternal", 500, CaUnavailable),
        ("malformed", 502, CaUnavailable),
        ("accountDoesNotExist", 400, UnknownAccount),
    ],
)
def test_which_problems_pass(code: str, status: int, kind: type[Exception]) -> None:
    """Trouble of the CA's own is tried again, its no is not."""
    assert type(sorted_out(problem(code), response(status))) is kind


def test_a_rate_limit_is_waited_for_as_long_as_the_ca_says() -> None:
    """Up to an hour; what takes longer is told to the people instead."""
    soon = sorted_out(problem("rateLimited", "too many"), response(429, Retry_After="120"))
    assert isinstance(soon, NotYet)
    assert 120.0 == soon.seconds
    for headers in ({"Retry_After": "604800"}, {}):
        late = sorted_out(problem("rateLimited", "too many"), response(429, **headers))
        assert "The CA limits its rate: too many (rateLimited)" == str(late)
        assert not isinstance(late, NotYet)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("90", 90.0),
        ("Sun, 01 Feb 2026 12:02:00 GMT", 120.0),
        ("Sun, 01 Feb 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Feb 2026 12:02:00", None),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, expected: float | None) -> None:
    """RFC 9110, 10.2.3; what is neither says nothing."""
    assert expected == seconds_of(header, NOW)
