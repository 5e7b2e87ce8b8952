"""Which driver serves which kind of target system."""

from bridge.config import Config
from bridge.drivers.connecting import Hosts, OpenHost
from bridge.drivers.driver import Driver
from bridge.drivers.files import FilesDriver
from bridge.drivers.judging import judge_nginx, judge_pair
from bridge.drivers.service import Service
from bridge.drivers.services.caddy import CADDY
from bridge.drivers.services.haproxy import HAPROXY
from bridge.drivers.services.redis import REDIS
from bridge.drivers.services.tomcat import TOMCAT
from bridge.drivers.stores.aws import Accounts
from bridge.drivers.stores.barbican import Clouds
from bridge.drivers.stores.driver import StoreDriver
from bridge.drivers.stores.kubernetes import Clusters
from bridge.drivers.turns import Turns

SERVICES: dict[str, Service] = {
    "apache2": Service(judge_pair),
    "caddy": CADDY,
    "dovecot": Service(judge_pair),
    "files": Service(),
    "haproxy": HAPROXY,
    "mariadb": Service(judge_pair),
    "nginx": Service(judge_nginx),
    "postfix": Service(judge_pair),
    "postgresql": Service(judge_pair),
    "redis": REDIS,
    "slapd": Service(judge_pair),
    "tomcat": TOMCAT,
}
"""Every kind that is installed by files."""


def drivers(config: Config, open_host: OpenHost | None = None) -> dict[str, Driver]:
    """One driver for every kind in `bridge.kinds.KINDS`, by name."""
    hosts, turns = open_host or Hosts(config), Turns()
    installing = {kind: FilesDriver(hosts, config, service, turns) for kind, service in SERVICES.items()}
    storing = {
        "aws_acm": StoreDriver(Accounts(config)),
        "barbican": StoreDriver(Clouds(config)),
        "kubernetes": StoreDriver(Clusters(config)),
    }
    return {**installing, **storing}
