"""An ACME client at the desk: its key for external account binding, orders, validation by a looker that always agrees.

Nothing is validated or issued unless the test says so: `issue` does what the worker's reactions do.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from adapters.simulated.looking import SimulatedLooker
from application.acme_eab import create_eab_key
from application.acme_ordering import validate_challenge
from application.house import Context, load
from application.order_processing import process_order
from domain.acme_order import ACME_ORDER
from domain.entity import Actor, ActorKind
from tests.api.desk import Desk
from tests.support.acme_client import AcmeClient, b64, request_for

SYSTEM = Actor(ActorKind.AUTOMATION, "test")
NAMES = ("www.example.org", "example.org")


def context(desk: Desk) -> Context:
    return Context(actor=SYSTEM, at=desk.core.house.clock(), command_id=uuid4())


async def eab(desk: Desk, person: str = "requester") -> tuple[str, str]:
    """(kid, MAC key) of a fresh key for somebody."""
    owner = desk.people[person].id
    done = await create_eab_key(desk.core.house, context(desk), owner, "test", days=30, for_anybody=True)
    return str(done.result.key.id), b64(done.result.mac_key)


async def client(desk: Desk, person: str = "requester", **settings: Any) -> AcmeClient:
    """With an account."""
    found = await AcmeClient(desk.client(), **settings).begin()
    answer = await found.open(*await eab(desk, person))
    assert answer.status_code == 201, answer.text
    return found


async def order(acme: AcmeClient, *names: str) -> httpx.Response:
    """A new order."""
    identifiers = [{"type": "dns", "value": name} for name in names or NAMES]
    answer = await acme.post(acme.directory["newOrder"], {"identifiers": identifiers})
    assert answer.status_code == 201, answer.text
    return answer


async def one_of_each(desk: Desk) -> dict[str, str]:
    """A key for external account binding, an account, an order: their ids, by the names of path parameters."""
    acme = await AcmeClient(desk.client()).begin()
    kid, mac_key = await eab(desk)
    account = (await acme.open(kid, mac_key)).headers["Location"]
    made = (await order(acme)).headers["Location"]
    return {"eab_key_id": kid, "account_id": str(id_of(account)), "acme_order_id": str(id_of(made))}


def id_of(url: str) -> UUID:
    return UUID(url.rpartition("/")[2])


async def validate(desk: Desk, acme: AcmeClient, order_url: str, kind: str = "dns-01") -> SimulatedLooker:
    """Answer every challenge of an order, and have it looked at."""
    looker = SimulatedLooker()
    for number, url in enumerate((await acme.get(order_url)).json()["authorizations"]):
        [challenge] = [each for each in (await acme.get(url)).json()["challenges"] if each["type"] == kind]
        assert (await acme.post(challenge["url"], {})).json()["status"] == "processing"
        await look(desk, looker, id_of(order_url), number)
    return looker


async def look(desk: Desk, looker: SimulatedLooker, order_id: UUID, number: int, seconds_ago: float = 0) -> None:
    """Have an answered challenge looked at, so long after it was answered."""
    asked = context(desk)
    await validate_challenge(
        desk.core.house, asked, looker, order_id, number, asked.at - timedelta(seconds=seconds_ago)
    )


async def finalize(acme: AcmeClient, order_url: str, *names: str, **more: Any) -> httpx.Response:
    return await acme.post(f"{order_url}/finalize", {"csr": request_for(names or NAMES, **more)})


async def issue(desk: Desk, order_url: str) -> UUID:
    """Carry out the certificate order of a finalized order; the certificate's id."""
    found = (await load(desk.core.house, ACME_ORDER, id_of(order_url))).found
    assert found.certificate_order_id is not None
    done = await process_order(desk.core.house, context(desk), desk.core.issuers, found.certificate_order_id)
    assert done.result.found.certificate_id is not None
    return done.result.found.certificate_id
