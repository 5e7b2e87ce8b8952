"""The demo from its start to its end."""

import asyncio
import contextlib
import signal
import socket
from pathlib import Path

import httpx

from adapters.bootstrap import open_core
from adapters.demo import bridge
from adapters.demo.commands import command, environment
from adapters.demo.database import Database
from adapters.demo.files import write_bridge_settings, write_service_settings
from adapters.demo.history import History
from adapters.demo.parts import Part, Parts, end_leftovers
from adapters.demo.people import tokens_of_people
from adapters.demo.place import Place, write_private
from adapters.demo.ports import listen, listen_again, usable
from adapters.demo.rest import PATIENCE, DemoFailed, Rest
from adapters.demo.showing import DemoReady, Screen, make_way_for, write_ready_file
from adapters.demo.web_servers import WebServers, choose_web_servers
from adapters.settings import load_settings


async def run_demo(
    directory: Path, port: int, ready_file: Path | None, screen: Screen, *, simulated: bool = False
) -> None:
    """Until SIGINT or SIGTERM. Raises PlaceRefused, PortTaken, DemoFailed, or what the database's start raises."""
    place = Place(directory)
    place.open()
    with place.locked():
        if ready_file is not None:
            make_way_for(ready_file)
        task = asyncio.create_task(_Demo(place, port, ready_file, screen, simulated=simulated).run())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task


class _Demo:
    def __init__(self, place: Place, port: int, ready_file: Path | None, screen: Screen, *, simulated: bool) -> None:
        self._place = place
        self._port = port
        self._ready_file = ready_file
        self._screen = screen
        self._simulated = simulated
        self._database = Database(place)
        self._parts = Parts(place.logs, place.directory / "processes.json", screen.note, self._changed)
        self._sockets: list[socket.socket] = []
        self._ready: DemoReady | None = None

    async def run(self) -> None:
        """Start everything, then watch over it; whatever ends it, everything ends."""
        for pid in end_leftovers(self._place.directory / "processes.json"):
            self._screen.note(f"Process {pid} was left over from an earlier demo in this directory; ended it.")
        try:
            await self._start()
            await self._database.watch(self._screen.note, self._changed)
        finally:
            self._screen.step("stopping")
            await self._stop()

    async def _start(self) -> None:
        self._screen.step(f"starting PostgreSQL in {self._place.postgres}")
        await self._database.start()
        await self._start_service()
        web_servers = await self._start_web_servers()
        await self._set_up(web_servers)
        assert self._ready is not None
        self._screen.ready(self._ready)
        self._changed()

    async def _start_service(self) -> None:
        ports = self._place.kept.ports
        api = listen("127.0.0.1", self._port) if self._port else listen_again("127.0.0.1", ports.get("api", 0))
        bridges = listen_again("127.0.0.1", ports.get("bridges", 0))
        self._sockets += [api, bridges]
        ports["api"], ports["bridges"] = (int(each.getsockname()[1]) for each in (api, bridges))
        self._place.keep()
        write_service_settings(self._place, self._database.dsns)
        self._screen.step(f"starting the API on {self._base_url}, the worker and the sealer")
        descriptors = api.fileno(), bridges.fileno()
        serve = command("certferry", "serve", "--api-fd", str(descriptors[0]), "--bridges-fd", str(descriptors[1]))
        await self._start_part("api", serve, descriptors)
        await self._start_part("worker", command("certferry", "work"))
        await self._start_part("sealer", command("certferry", "seal"))

    async def _start_part(self, name: str, argv: tuple[str, ...], sockets: tuple[int, ...] = ()) -> None:
        part = Part(name=name, argv=argv, environment=environment(self._place), sockets=sockets)
        await self._parts.start(part)

    async def _start_web_servers(self) -> WebServers:
        if not usable(self._place.kept.address):
            self._place.kept.address = "127.0.0.1"
        web_servers = choose_web_servers(self._place, simulated=self._simulated)
        self._screen.step(web_servers.description)
        web_servers.prepare()
        write_bridge_settings(self._place, web_servers.reload_profiles())
        for part in web_servers.parts():
            await self._parts.start(part)
        return web_servers

    async def _set_up(self, web_servers: WebServers) -> None:
        """People, the bridge, and at the first start the history."""
        settings = load_settings(self._place.config, {})
        async with open_core(settings) as core:
            tokens = await tokens_of_people(core.house, self._place)
            write_private(self._place.ca, core.local_pki.root_pem.encode())
            await self._until_ready()
            async with Rest(self._base_url, tokens) as rest:
                await bridge.enrol(core, rest, self._place)
                await self._parts.start(bridge.part(self._place))
                await self._until_connected(rest)
                await self._make_history(rest, web_servers)
        self._ready = DemoReady(
            base_url=self._base_url,
            tokens=tokens,
            web_servers=web_servers.description,
            spare=web_servers.endpoints["try"],
            bridge_id=str(self._place.kept.bridge_id),
            ca_pem_path=self._place.ca,
            directory=self._place.directory,
        )

    async def _until_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        said = "no answer"
        async with httpx.AsyncClient(base_url=self._base_url, timeout=10, trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline:
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.get("/readyz")
                    if answer.is_success:
                        return
                    said = answer.text
                await asyncio.sleep(0.05)
        raise DemoFailed(f"the API is not ready ({said}); see {self._place.logs}")

    async def _until_connected(self, rest: Rest) -> None:
        path = f"/bridges/{self._place.kept.bridge_id}"
        await rest.until("the bridge", lambda: rest.get("operator", path), lambda found: found["status"] == "connected")

    async def _make_history(self, rest: Rest, web_servers: WebServers) -> None:
        if self._place.kept.history_done:
            return
        self._screen.step("people order, push, approve and implement (once)")
        assert self._place.kept.bridge_id is not None
        await History(rest, self._place, web_servers, self._place.kept.bridge_id).make()
        self._place.kept.history_done = True
        self._place.keep()

    @property
    def _base_url(self) -> str:
        return f"http://127.0.0.1:{self._place.kept.ports['api']}"

    def _changed(self) -> None:
        """A process id changed: whoever reads the ready file finds the new one."""
        if self._ready is None or self._ready_file is None:
            return
        pids = {"postgres": self._database.pid, **self._parts.pids}
        running = {name: pid for name, pid in pids.items() if pid is not None}
        write_ready_file(self._ready_file, self._ready, running)

    async def _stop(self) -> None:
        self._ready = None
        if self._ready_file:
            self._ready_file.unlink(missing_ok=True)
        await self._parts.stop()
        for each in self._sockets:
            each.close()
        await self._database.stop()
