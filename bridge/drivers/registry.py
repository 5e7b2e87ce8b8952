"""Which driver serves which kind of target system."""

from bridge.config import Config
from bridge.drivers.connecting import Hosts, OpenHost
from bridge.drivers.driver import Driver
from bridge.drivers.files import FilesDriver
from bridge.drivers.service import judge_any, judge_nginx


def drivers(config: Config, open_host: OpenHost | None = None) -> dict[str, Driver]:
    """One driver for every kind in `bridge.kinds.KINDS`, by name."""
    hosts = open_host or Hosts(config)
    return {"nginx": FilesDriver(hosts, config, judge_nginx), "files": FilesDriver(hosts, config, judge_any)}
