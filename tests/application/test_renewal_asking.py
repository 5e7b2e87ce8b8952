"""Renewal at the time that an ACME CA suggests (RFC 9773); whatever the CA does, certificates are renewed in time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from adapters.issuers.acme.problems import CaUnavailable
from application.issuing_ports import NotYet
from application.ordering import submit_order
from application.providing import register_provider
from application.renewal_ports import Suggestion
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import AutomatedRequestSubmitted, OrderParameters, Provider
from domain.errors import Code, Refused
from domain.suggested_window import SuggestedWindow
from tests.application.test_ordering import Unlucky
from tests.application.test_providing import ACME, KINDS
from tests.application.test_renewing import AUTOMATIC, DAY
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World

HOUR = 3600
WHY = "https://ca.example/incident"
Says = Callable[[datetime], Suggestion | None]


class Suggesting(Unlucky):
    """A CA that says when to renew the first certificate it is asked about, or all of them; `asked`: when it was."""

    def __init__(self, world: World, issuer: Unlucky) -> None:
        super().__init__(issuer._issuer, 0)
        self._world = world
        self.asked: list[datetime] = []
        self.all = False
        self._first = ""
        self.says: Says = lambda now: Suggestion(None, now + timedelta(days=1))

    async def suggested(self, facts: CertificateFacts) -> Suggestion | None:
        self._first = self._first or facts.serial_number
        if not self.all and self._first != facts.serial_number:
            return None
        self.asked.append(self._world.clock())
        return self.says(self._world.clock())


class Shop(NamedTuple):
    """A world with a certificate of thirty days from an ACME CA; by itself it is renewed after half of them."""

    world: World
    office: Office
    ca: Suggesting
    began: datetime

    def renewals(self) -> list[OrderParameters]:
        """The orders that renew."""
        found = [e for e in self.world.events() if isinstance(e, AutomatedRequestSubmitted)]
        return [each.parameters for each in found if each.parameters.renews is not None]

    def window(self, first: float, last: float, url: str | None = None) -> SuggestedWindow:
        """From day to day, counted from the certificate's first."""
        start, end = (self.began + timedelta(days=day) for day in (first, last))
        return SuggestedWindow(start=start, end=end, explanation_url=url)

    async def minutes(self, number: int) -> int:
        """The CA is asked so often within these minutes."""
        before = len(self.ca.asked)
        for _ in range(number):
            await self.office.later(60)
        return len(self.ca.asked) - before


async def shop() -> Shop:
    world = World(settings=AUTOMATIC)
    ca = Suggesting(world, Unlucky(await (await local_pki(world)).of(Provider.LOCAL_PKI), 0))
    office = Office(world, Field(), issuers=ca)
    await register_provider(world.house, world.by("olga"), KINDS, ACME)
    wish = OrderParameters(provider=Provider.ACME, common_name="www.example.org", validity_days=30)
    await submit_order(world.house, world.by("rita"), ca, wish)
    await office.settle()
    return Shop(world, office, ca, world.clock())


async def test_a_window_decides_and_the_order_says_so() -> None:
    """Earlier than by itself, not before the window, by its end; the order holds window and explanation."""
    found = await shop()
    window = found.window(3, 4, WHY)
    found.ca.says = lambda now: Suggestion(window, now + timedelta(hours=6))
    await found.office.later(3 * DAY - HOUR)
    assert [] == found.renewals()
    await found.office.later(DAY + HOUR)
    [order] = found.renewals()
    assert window == order.renewal_window
    await found.office.later(2 * DAY)
    assert 1 == len(found.renewals())


async def test_a_later_window_is_waited_for() -> None:
    """Half of its lifetime is over, and the CA says: not yet."""
    found = await shop()
    found.ca.says = lambda now: Suggestion(found.window(25, 26), now + timedelta(hours=6))
    await found.office.later(24 * DAY)
    assert [] == found.renewals()
    await found.office.later(2 * DAY + 60)
    assert 1 == len(found.renewals())


async def test_a_window_that_is_over_means_now() -> None:
    """As after a revocation by the CA. One that says so of every certificate starts no storm: one a day at most."""
    found = await shop()
    found.ca.all = True
    found.ca.says = lambda now: Suggestion(found.window(-2, -1), now + timedelta(minutes=1))
    await found.office.later(DAY - 120)
    assert [] == found.renewals()
    for day in range(1, 4):
        await found.minutes(5)
        assert day == len(found.renewals())
        await found.office.later(DAY - 300)


async def test_the_ca_is_asked_as_often_as_it_wants() -> None:
    """Not before the time that it named; then again, and a window that was moved counts from then on."""
    found = await shop()
    found.ca.says = lambda now: Suggestion(found.window(20, 21), now + timedelta(minutes=10))
    await found.office.later(DAY)
    assert 1 == await found.minutes(10)
    assert 1 == await found.minutes(10)
    found.ca.says = lambda now: Suggestion(found.window(-2, -1), now + timedelta(minutes=10))
    await found.minutes(10)
    assert 1 == len(found.renewals())


REFUSED = Refused(Code.VALIDATION_FAILED, "What the CA says of the renewal is nonsense.")
TROUBLE = [REFUSED, CaUnavailable("away"), NotYet("rate", 5.0), RuntimeError("a bug")]


def _raising(error: Exception) -> Says:
    def says(_: datetime) -> Suggestion | None:
        raise error

    return says


@pytest.mark.parametrize("error", TROUBLE, ids=lambda error: type(error).__name__)
async def test_trouble_does_not_stop_renewal(error: Exception) -> None:
    """It comes when half of the lifetime is over, as with a CA that suggests nothing."""
    found = await shop()
    found.ca.says = _raising(error)
    await found.office.later(15 * DAY - HOUR)
    assert [] == found.renewals()
    await found.office.later(3 * DAY + HOUR)
    [order] = found.renewals()
    assert order.renewal_window is None


async def test_after_trouble_the_last_window_counts() -> None:
    """What the CA said before it went away."""
    found = await shop()
    window = found.window(5, 6)
    found.ca.says = lambda now: Suggestion(window, now + timedelta(hours=1))
    await found.office.later(60)
    found.ca.says = _raising(CaUnavailable("away"))
    await found.office.later(2 * HOUR)
    await found.office.later(6 * DAY)
    assert [window] == [order.renewal_window for order in found.renewals()]


async def test_after_an_error_the_ca_is_left_in_peace() -> None:
    """One that may pass: after one, two, four ... minutes; a no: after six hours (RFC 9773, 4.3.3)."""
    found = await shop()
    found.ca.says = _raising(CaUnavailable("away"))
    assert 5 == await found.minutes(1 + 1 + 2 + 4 + 8)
    found.ca.says = lambda now: Suggestion(None, now + timedelta(minutes=1))
    assert 1 == await found.minutes(16)
    found.ca.says = _raising(CaUnavailable("away"))
    assert 2 == await found.minutes(2)
    found = await shop()
    found.ca.says = _raising(REFUSED)
    assert 1 == await found.minutes(30)
    await found.office.later(6 * HOUR)
    assert 2 == len(found.ca.asked)


async def test_certificates_of_one_window_come_one_after_the_other() -> None:
    """The instants of many lie evenly in it, and each has its own whenever it is asked for."""
    start = datetime.fromisoformat("2027-01-01T00:00Z")
    window = SuggestedWindow(start=start, end=start + timedelta(days=1))
    ids = [UUID(int=number * ((1 << 128) // 24)) for number in range(24)]
    assert list(range(24)) == [round((window.chosen(each) - start) / timedelta(hours=1), 3) for each in ids]
    assert window.chosen(ids[7]) == window.chosen(UUID(str(ids[7])))
