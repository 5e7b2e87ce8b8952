"""Routes read the signatures of their handlers when they are first asked for, and all of them in time."""

import asyncio
from typing import Any

import httpx
import pytest
from litestar import get, post
from litestar.exceptions import ImproperlyConfiguredException
from litestar.params import FromQuery
from litestar.routes import HTTPRoute

from api.app import create_app
from api.mounting import LateApplication, Mounted, with_options
from tests.api.desk import Desk


@get("/sums", sync_to_thread=False)
def add(left: FromQuery[int], right: FromQuery[int]) -> dict[str, int]:
    return {"sum": left + right}


@get("/wrong", sync_to_thread=False)
def wrong(data: dict[str, int]) -> dict[str, int]:
    return data


@post("/wrong", sync_to_thread=False)
def ask() -> None: ...


@get("/told", sync_to_thread=False)
def told() -> dict[str, str]:
    return {"told": "late"}


def application(*handlers: Any) -> LateApplication:
    return LateApplication([Mounted("/", route_handlers=with_options(handlers))], openapi_config=None)


def unread(app: LateApplication) -> set[str]:
    """The paths whose parameters are unknown."""
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    return {route.path for route in routes if type(route.route_handler_map) is not dict}


async def answer(app: LateApplication, address: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type] # Litestar's own words for ASGI
    async with httpx.AsyncClient(transport=transport, base_url="http://certferry.test") as client:
        return await client.get(address, headers=headers)


async def test_the_first_request_reads_its_route() -> None:
    """It is answered as any later one; other routes stay as they are."""
    app = application(add, ask)
    assert unread(app) == {"/sums", "/wrong"}
    for _ in range(2):
        assert (await answer(app, "/sums?left=1&right=2")).json() == {"sum": 3}
        assert unread(app) == {"/wrong"}
    assert (await answer(app, "/sums?left=1")).status_code == 400


async def test_all_are_read_in_time_and_others_have_their_turn_between() -> None:
    """After the start, nobody's first request waits for all signatures."""
    app, turns = application(add, ask), 0
    reading = asyncio.create_task(app.read_all())
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    assert unread(app) == set()
    assert turns > 2


async def test_a_wrong_signature_is_told_when_it_is_read() -> None:
    """A service that has one does not go on as if nothing were."""
    with pytest.raises(ImproperlyConfiguredException, match="'data' kwarg is unsupported"):
        await application(add, wrong).read_all()


def application_with_late(**known: tuple[str, ...]) -> LateApplication:
    app = application(add)
    app.mount_later(lambda: Mounted("/", route_handlers=with_options([told])), **known)
    return app


async def test_what_is_mounted_later_is_there_for_whoever_asks() -> None:
    """The first one waits for it; whoever asks for what is known does not."""
    app = application_with_late(known=("/sums",))
    assert (await answer(app, "/sums?left=1&right=2")).json() == {"sum": 3}
    assert {"/sums"} == {route.path for route in app.routes}
    for _ in range(2):
        assert (await answer(app, "/told")).json() == {"told": "late"}
        assert (await answer(app, "/nothing")).status_code == 404
        assert (await answer(app, "/sums?left=1&right=2")).json() == {"sum": 3}
    assert {"/sums", "/told"} == {route.path for route in app.routes}


async def test_what_is_mounted_later_is_there_in_time() -> None:
    """Nobody has to ask; once is enough."""
    app = application_with_late(known=("/",))
    assert (await answer(app, "/told")).status_code == 404
    await app.read_all()
    assert unread(app) == set()
    await app.read_all()
    assert (await answer(app, "/told")).json() == {"told": "late"}


async def test_late_pages_are_the_same_pages(desk: Desk) -> None:
    """Every route, and what each understands."""
    late = create_app(desk.app.state.services, late_pages=True)
    assert not any(route.path == "/login" for route in late.routes)
    authorization = f"Bearer {desk.people['requester'].token}"
    page = await answer(late, "/certificates?nonsense=1", authorization=authorization)
    assert (page.status_code, "nonsense" in page.text) == (422, True)
    assert (await answer(late, "/certificates", authorization=authorization)).status_code == 200
    both = [{(route.path, *sorted(route.methods)) for route in app.routes} for app in (desk.app, late)]
    assert both[0] == both[1]


def test_two_handlers_of_one_method_are_refused_at_once() -> None:
    """Otherwise one of them would never be asked."""

    @get("/sums", sync_to_thread=False)
    def other() -> None: ...

    app = LateApplication([Mounted("/", route_handlers=[add])], openapi_config=None)
    with pytest.raises(ValueError, match="two handlers of one method"):
        app.register(Mounted("/", route_handlers=[other]))
