"""Which driver serves which kind of target system."""

from bridge.config import Config
from bridge.drivers.connecting import Hosts, OpenHost
from bridge.drivers.driver import Driver
from bridge.drivers.files import FilesDriver
from bridge.drivers.service import judge_any, judge_nginx
from bridge.drivers.turns import Turns


def drivers(config: Config, open_host: OpenHost | None = None) -> dict[str, Driver]:
    """One driver for every kind in `bridge.kinds.KINDS`, by name."""
    hosts, turns = open_host or Hosts(config), Turns()
    return {
        "nginx": FilesDriver(hosts, config, judge_nginx, turns),
        "files": FilesDriver(hosts, config, judge_any, turns),
    }
