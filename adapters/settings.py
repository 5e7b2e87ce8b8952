"""What operators choose: `certferry.toml`, a directory of secrets, the environment. The later of these wins.

    [database]                      CERTFERRY_DATABASE__DSN=...       $CERTFERRY_SECRETS_DIR/database.dsn
    dsn = "postgresql://..."

An unknown key anywhere is an error. Secrets show as asterisks wherever settings are printed.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typed_settings as ts
from typed_settings.converters import TSConverter
from typed_settings.exceptions import InvalidSettingsError, TsError
from typed_settings.loaders import FileLoader, TomlFormat

from adapters.setting_classes import use_sections
from adapters.setting_sources import PREFIX, SecretsLoader, SettingsRefused, StrictEnvLoader

__all__ = ["Settings", "SettingsRefused", "load_settings"]

CONFIG_FILE = "certferry.toml"
logging.getLogger("typed-settings").addHandler(logging.NullHandler())  # what it says, SettingsRefused says too
_OPTION = re.compile(r".* for option '([a-z_.]+)' from loader ", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Database:
    """`dsn` is the application role's, `owner_dsn` the owner's (needed by `certferry migrate` alone)."""

    dsn: ts.SecretStr = field(default=ts.SecretStr(""))
    owner_dsn: ts.SecretStr = field(default=ts.SecretStr(""))


@dataclass(frozen=True, kw_only=True)
class Server:
    """The API and its pages. `https`: reached through a proxy that speaks https, so cookies are for https only. `url`:
    where people and programs reach it, for links that leave the service (https://certferry.example.org).
    """

    host: str = "127.0.0.1"
    port: int = 8000
    https: bool = False
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """People at the pages, in seconds: how long a session lasts, how long while nothing is done with it, and how long
    an invitation to set a password waits.
    """

    seconds: int = 28_800
    idle_seconds: int = 3_600
    invitation_seconds: float = 259_200.0

    def __post_init__(self) -> None:
        if min(self.seconds, self.idle_seconds, self.invitation_seconds) < 1:
            raise SettingsRefused("sessions.seconds, sessions.idle_seconds and invitation_seconds must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class Oidc:
    """Signing in through a provider of OpenID Connect; without an `issuer` there is none. `name_claim` is the name that
    somebody has here. With a `roles_claim` a session has no more roles than its values stand for
    (`roles`: `value=role` each), and never more than the person holds here. `ca_file`: trusted beside the system's.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: ts.SecretStr = field(default=ts.SecretStr(""))
    label: str = "your organisation"
    name_claim: str = "preferred_username"
    roles_claim: str = ""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile")
    ca_file: str = ""

    def __post_init__(self) -> None:
        if self.issuer and not self.client_id:
            raise SettingsRefused("oidc.issuer needs oidc.client_id.")
        if any("=" not in each for each in self.roles):
            raise SettingsRefused("oidc.roles are written value=role, for example certificate-approvers=approver.")


@dataclass(frozen=True, kw_only=True)
class Bridges:
    """The listener that bridges call. `names` are what its certificate is for: what bridges write in their URL."""

    host: str = "127.0.0.1"
    port: int = 8443
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    silent_after: float = 60.0
    enrolment_seconds: float = 3600.0


@dataclass(frozen=True, kw_only=True)
class Push:
    """Seconds: until a bridge must come for a deployment, or for an errand (a discovery, a connection test), counted
    from its last sign of life; how long a lease lives without a heartbeat; for how long a work order may wait for a
    person before an alert tells of it.
    """

    dispatch_deadline: float = 600.0
    lease_seconds: float = 30.0
    errand_deadline: float = 120.0
    approval_waiting: float = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Verification:
    """`every`, `grace` and `pause` in seconds. An endpoint that does not serve what it should is looked at again
    `retries` times, with `pause` before each. `allow`: networks that may be probed beside the ordinary ones. `vantage`:
    from where connectors are looked at that say nothing else, `control-plane` or `bridge` (that of the target system).
    `patience`: seconds until a bridge must have taken up a look; else it is busy, and the run goes on without it.
    """

    every: int = 300
    grace: float = 60.0
    retries: int = 2
    pause: float = 1.0
    allow: tuple[str, ...] = ()
    vantage: str = "control-plane"
    patience: float = 20.0


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """`every_minutes`: after how many minutes every target system is read again by itself, 0: never. `allow`: networks
    that operators may have looked at; none: no network is.
    """

    every_minutes: int = 360
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """Days until the inventory has to be reviewed again."""

    every_days: int = 90


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """`allow`: networks that messages may be sent to beside the ordinary ones. `ca_file`: authorities that are trusted
    beside the system's. Seconds: for one attempt, and until a webhook that takes nothing is disabled.
    """

    allow: tuple[str, ...] = ()
    ca_file: str = ""
    timeout: float = 15.0
    give_up_after: float = 259_200.0


@dataclass(frozen=True, kw_only=True)
class Notifications:
    """`allow`: networks that notifications may be sent to beside the ordinary ones (a mail server on this host:
    127.0.0.0/8). `ca_file`: authorities that webhook channels are trusted by beside the system's. `timeout`: seconds
    for one attempt.
    """

    allow: tuple[str, ...] = ()
    ca_file: str = ""
    timeout: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Syslog:
    """The export of events. `address`: `tls://host:port`, `tcp://host:port`, `udp://host:port` or a socket's path;
    without one nothing is exported. `longest`: octets of a message, 0: what receivers of the transport usually take.
    `ca_file`: authorities that are trusted beside the system's. `late_after`: seconds until a waiting event raises an
    alert.
    """

    address: str = ""
    from_position: int = 1
    longest: int = 0
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    late_after: float = 300.0


@dataclass(frozen=True, kw_only=True)
class Vault:
    """A hardware module that holds the master key: `pkcs11_module` is its library, `pkcs11_token` the label of the
    token, `pkcs11_key` that of the key, `pkcs11_former` those of former keys that still open.
    """

    pkcs11_module: Path | None = None
    pkcs11_token: str = ""
    pkcs11_key: str = "certferry"
    pkcs11_former: tuple[str, ...] = ()
    pkcs11_pin: ts.SecretStr = field(default=ts.SecretStr(""))


@dataclass(frozen=True, kw_only=True)
class Acme:
    """How ACME providers show that names are ours. `webroot`: a directory that a web server serves on port 80.
    `dns_hook`: a program, and its first arguments; called with `present` or `clean_up`, a record's name and its value.
    """

    webroot: Path | None = None
    dns_hook: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """Renewal without a person, of certificates that were ordered here and keep their key here. `after`: the fraction
    of a lifetime that has to be over; certificates are spread over `spread` more. `at_once`: new orders in a minute.
    """

    automatic: bool = False
    after: float = 0.667
    spread: float = 0.05
    at_once: int = 20


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """Replacing many certificates at once: orders that are made in a minute, and that may be under way at a time."""

    per_minute: int = 3_000
    under_way: int = 500

    def __post_init__(self) -> None:
        if self.per_minute < 1 or self.under_way < 1:
            raise SettingsRefused("replacement.per_minute and replacement.under_way must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class LocalPki:
    """`url`: where clients reach the revocation lists and the OCSP responder under `/pki`, as certificates name it;
    plain http, as they are signed (http://pki.example.org). Empty: `server.url`. `pkcs11_module`: library of a hardware
    module on whose token `pkcs11_token` the issuing CA's key is made at the first start (label `pkcs11_key`) and signs.
    """

    url: str = ""
    pkcs11_module: Path | None = None
    pkcs11_token: str = ""
    pkcs11_key: str = "certferry-issuing"
    pkcs11_pin: ts.SecretStr = field(default=ts.SecretStr(""))


@dataclass(frozen=True, kw_only=True)
class Worker:
    """`sweep`: seconds between two looks for what was forgotten. `stalled`: seconds until a silent worker is dead."""

    concurrency: int = 8
    sweep: int = 10
    heartbeat: float = 2.0
    stalled: float = 15.0
    keep_days: int = 400


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """The sealing of the ledger (`certferry seal`), in seconds; `checkpoint_file` is read by the other processes, too.

    `dsn`: the sealer role's. `keys`: the directory of the signing keys. `origin`: the log's name, when the first key is
    made. `check_every`: from the end of one self-check to the next. `syslog`: as `syslog.address`,
    and `syslog_ca` as `syslog.ca_file`. `witnesses`: `<vkey> <url>` each.
    """

    dsn: ts.SecretStr = field(default=ts.SecretStr(""))
    keys: Path = Path("/var/lib/certferry-seal")
    origin: str = ""
    every: float = 5.0
    check_every: float = 3600.0
    checkpoint_file: str = ""
    syslog: str = ""
    syslog_ca: str = ""
    witnesses: tuple[str, ...] = ()
    witness_every: float = 60.0
    timestamp_url: str = ""
    timestamp_ca: str = ""
    timestamp_every: float = 3600.0


@dataclass(frozen=True, kw_only=True)
class AcmeServer:
    """The service as an ACME server. `validity_days`: of the certificates it issues. Within an hour an account may make
    `new_orders`, a key for external account binding open `new_accounts`. Names are validated on `http_port`, by the
    system's resolver or that of `dns_servers` (address, or address:port), for `patience` seconds with `pause` seconds
    in between; `allow`: networks they may be in beside the ordinary ones. `caa`: are CAA records asked, and obeyed?
    `caa_identities`: domain names that stand for this service in them, without any the host of `server.url`.
    """

    validity_days: int = 90
    new_orders: int = 300
    new_accounts: int = 100
    http_port: int = 80
    dns_servers: tuple[str, ...] = ()
    patience: float = 20.0
    pause: float = 2.0
    caa: bool = True
    caa_identities: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything. `data` holds what a process keeps in files: the master key, the bridge listener's certificate."""

    data: Path = Path("/var/lib/certferry")
    log_level: str = "INFO"
    database: Database = field(default_factory=Database)
    server: Server = field(default_factory=Server)
    sessions: Sessions = field(default_factory=Sessions)
    oidc: Oidc = field(default_factory=Oidc)
    bridges: Bridges = field(default_factory=Bridges)
    push: Push = field(default_factory=Push)
    verification: Verification = field(default_factory=Verification)
    discovery: Discovery = field(default_factory=Discovery)
    reviews: Reviews = field(default_factory=Reviews)
    webhooks: Webhooks = field(default_factory=Webhooks)
    notifications: Notifications = field(default_factory=Notifications)
    syslog: Syslog = field(default_factory=Syslog)
    vault: Vault = field(default_factory=Vault)
    acme: Acme = field(default_factory=Acme)
    renewal: Renewal = field(default_factory=Renewal)
    replacement: Replacement = field(default_factory=Replacement)
    local_pki: LocalPki = field(default_factory=LocalPki)
    acme_server: AcmeServer = field(default_factory=AcmeServer)
    worker: Worker = field(default_factory=Worker)
    sealing: Sealing = field(default_factory=Sealing)

    @property
    def dsn(self) -> str:
        """The application role's DSN. Raises SettingsRefused where it is not set."""
        return _needed(self.database.dsn, "database.dsn")

    @property
    def owner_dsn(self) -> str:
        """The owner's DSN. Raises SettingsRefused where it is not set."""
        return _needed(self.database.owner_dsn, "database.owner_dsn")

    @property
    def sealer_dsn(self) -> str:
        """The sealer's DSN. Raises SettingsRefused where it is not set."""
        return _needed(self.sealing.dsn, "sealing.dsn")


def load_settings(config: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. Raises SettingsRefused.

    `config`, or CERTFERRY_CONFIG, names a file that must exist; else `certferry.toml` is read where there is one.
    """
    named = config or (Path(given) if (given := environment.get(f"{PREFIX}CONFIG")) else None)
    file = f"!{named}" if named else CONFIG_FILE
    directory = environment.get(f"{PREFIX}SECRETS_DIR")
    loaders: list[Callable[..., Any]] = [FileLoader({"*": TomlFormat(None)}, [file])]
    if directory:
        loaders.append(SecretsLoader(Path(directory)))
    loaders.append(StrictEnvLoader(environment))
    use_sections()
    try:
        return ts.load_settings(Settings, loaders, converter=TSConverter(strlist_sep=","))
    except FileNotFoundError:
        raise SettingsRefused(f"There is no configuration file {named}.") from None
    except TsError as error:
        raise SettingsRefused(f"The settings cannot be used: {_said(error)}") from None


def _needed(secret: str, path: str) -> str:
    if not secret:
        variable = f"{PREFIX}{path.replace('.', '__').upper()}"
        raise SettingsRefused(f"Which database? Set {path} in {CONFIG_FILE}, or {variable}.")
    return str.__str__(secret)


def _said(error: TsError) -> str:
    """What is wrong, without the values: one of them may be a secret."""
    if not isinstance(error, InvalidSettingsError):
        return str(error)
    named = [match[1] for each in error.exceptions if (match := _OPTION.search(str(each)))]
    return f"{', '.join(named) or 'a value'} is of the wrong kind."
