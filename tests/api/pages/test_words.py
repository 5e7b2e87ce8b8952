"""What pages say of time."""

import pytest

from api.pages.words import certificate_headline, days_left
from domain.certificate import CertificateStatus


@pytest.mark.parametrize(
    ("days", "left"),
    [
        (90, "90 days left"),
        (1, "1 day left"),
        (0, "0 days left"),
        (-1, "expired less than a day ago"),
        (-2, "expired 1 day ago"),
        (-4, "expired 3 days ago"),
    ],
)
def test_whole_days_on_both_sides_of_expiry(days: int, left: str) -> None:
    """Days until expiry are rounded down: an hour after the end they are -1, and no day has gone by."""
    assert left == days_left(days)
    if days < 0:
        assert left.capitalize() == certificate_headline(CertificateStatus.EXPIRED, days)
