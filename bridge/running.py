"""From a state directory and a configuration to a running agent, and to a clean end on a signal."""

import asyncio
import signal
from pathlib import Path

from bridge import looking, renewal, scanning, state
from bridge.agent import Agent
from bridge.client import ControlPlane
from bridge.config import Config
from bridge.drivers.connecting import OpenHost
from bridge.drivers.registry import drivers
from bridge.execution import Executor
from bridge.journal import Journal
from bridge.logs import say
from bridge.tls import mutual_context
from bridge.version import VERSION


async def run(directory: Path, config: Config, open_host: OpenHost | None = None) -> None:
    """Run the bridge of this state directory until SIGTERM or SIGINT. StateRefused when it cannot begin.

    `open_host` takes the place of the real hosts, for tests of crashes.
    """
    with state.locked(state.open_state(directory)):
        identity = state.read_identity(directory)
        renewal.finish(directory)
        control_plane = ControlPlane(identity.url, mutual_context(directory))
        every = drivers(config, open_host) | {scanning.KIND: scanning.NetworkScanner(config)}
        executor = Executor(identity.bridge_id, state.read_hpke_key(directory), every, looking.Lookout(config).look)
        journal = Journal(directory)
        try:
            agent = Agent(control_plane, journal, executor, config, directory)
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, agent.stop)
            say("running", bridge_id=identity.bridge_id, name=identity.name, url=identity.url, version=VERSION)
            await agent.run()
            say("stopped", bridge_id=identity.bridge_id)
        finally:
            journal.close()
            await control_plane.close()
