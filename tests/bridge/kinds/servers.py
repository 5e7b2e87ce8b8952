"""The servers that the contract is tried with: at least one of every kind."""

from tests.support.services.base import Server
from tests.support.services.databases import MariaDb, PostgreSql, Redis, Slapd
from tests.support.services.mail import Dovecot, Postfix
from tests.support.services.others import Mosquitto, Nats, Tomcat
from tests.support.services.web import (
    Apache,
    Caddy,
    HaproxyReloaded,
    HaproxyTold,
    Lighttpd,
    NginxServer,
    Stunnel,
)

SERVERS: tuple[type[Server], ...] = (
    Apache,
    Caddy,
    Dovecot,
    HaproxyReloaded,
    HaproxyTold,
    Lighttpd,
    MariaDb,
    Mosquitto,
    Nats,
    NginxServer,
    PostgreSql,
    Postfix,
    Redis,
    Slapd,
    Stunnel,
    Tomcat,
)
REFUSING_WEAK_KEYS = [server for server in SERVERS if server.refuses_weak_keys]
"""The others load them, or end: Apache's test of its configuration reads no certificate."""

SWALLOWING = [server for server in SERVERS if server.swallows_foreign_keys]
"""Their reload says yes to what they cannot use."""
