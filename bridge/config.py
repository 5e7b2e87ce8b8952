"""`bridge.toml`: what the owner of the bridge's host allows. Nothing in it ever comes from the control plane."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bridge.paths import check_path
from bridge.store_config import AwsAccount, KubernetesCluster, OpenStackCloud

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Argv = Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]


Text = Annotated[str, Meta(min_length=1, max_length=1_024)]
HostPort = Annotated[str, Meta(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$(?!\n)")]
Address = Annotated[str, Meta(pattern=r"^(/[^\u0000]*|(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5})$(?!\n)")]
Group = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$(?!\n)")]
StartTls = Literal["imap", "ldap", "mysql", "nats", "postgresql", "smtp"]


class ConfigRefused(Exception):
    """The configuration cannot be used; the sentence says what and where."""


class ReloadProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one service takes a new certificate: `test` its configuration, activate, look at what it `serves`.

    Activating: the command `reload`; the `signal` to the process whose number is the first line of `pid_file`; a call
    to the service's own interface at `api` (a UNIX socket's path, or host:port) as `api_user`. What is absent is
    skipped. Commands are lists, never a shell; `{place}` inside an element stands for the directory that holds
    `current`. All addresses are meant as the target sees them.

    `serves` (host:port, with `starttls` where TLS begins later) must show the new certificate within
    `serves_within_seconds`, else the way back is gone. `server_name` is asked for there; `{profile}` in it stands for
    the place's profile. `group` (of the target) may read what is written.
    """

    test: Argv | None = None
    reload: Argv | None = None
    signal: Literal["HUP", "USR1", "USR2"] | None = None
    pid_file: Text | None = None
    api: Address | None = None
    api_user: Text | None = None
    serves: HostPort | None = None
    starttls: StartTls | None = None
    server_name: Text | None = None
    serves_within_seconds: Seconds = 10
    group: Group | None = None
    timeout_seconds: Seconds = 30

    def __post_init__(self) -> None:
        """What has no sense without the other is refused, rather than skipped."""
        if (self.signal is None) != (self.pid_file is None):
            raise ValueError("`signal` and `pid_file` go together")
        if self.pid_file is not None:
            check_path(self.pid_file)
        if self.api_user is not None and self.api is None:
            raise ValueError("`api_user` needs `api`")
        if self.serves is None and (self.starttls is not None or self.server_name is not None):
            raise ValueError("`starttls` and `server_name` need `serves`")


class SshConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the bridge reaches targets over SSH. `connections_per_host` stays below sshd's MaxStartups (10)."""

    connect_timeout_seconds: Seconds = 10
    operation_timeout_seconds: Seconds = 30
    connections_per_host: Annotated[int, Meta(ge=1, le=64)] = 4
    attempts: Annotated[int, Meta(ge=1, le=10)] = 3


class DryRunTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target for `certferry-bridge test`. Secrets are named by file, so that they are in no configuration."""

    kind: str
    settings: dict[str, Any]
    profile: str | None = None
    ssh_private_key_file: str | None = None
    secret_files: dict[str, str] = {}


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `roots`: directories on this host that local targets may lie in; none = no local targets.

    `remote_roots` limits targets over SSH the same way; none given = anywhere that the SSH user may write.
    `scan`: networks (`10.0.0.0/24`) that the bridge may look at for certificates; `verify`: networks where it may
    look at what endpoints serve when it is told to; none = no network.
    `stop_seconds`: how long work may go on after a SIGTERM; `retry_seconds`: the longest pause between attempts to
    reach the control plane. `aws`, `openstack`, `kubernetes`: stores, by the name that targets have for them.
    """

    roots: tuple[str, ...] = ()
    remote_roots: tuple[str, ...] = ("/",)
    profiles: dict[str, ReloadProfile] = {}
    poll_seconds: Annotated[float, Meta(ge=0, le=60)] = 20
    heartbeat_seconds: Seconds = 5
    concurrency: Annotated[int, Meta(ge=1, le=100)] = 4
    keep_releases: Annotated[int, Meta(ge=1, le=100)] = 3
    scan: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()
    stop_seconds: Seconds = 30
    retry_seconds: Seconds = 30
    ssh: SshConfig = SshConfig()
    aws: dict[str, AwsAccount] = {}
    openstack: dict[str, OpenStackCloud] = {}
    kubernetes: dict[str, KubernetesCluster] = {}
    targets: dict[str, DryRunTarget] = {}


def read_config(path: Path) -> Config:
    """The checked configuration. ConfigRefused names the file and the key, for an unknown key too."""
    try:
        config = msgspec.toml.decode(path.read_bytes(), type=Config)
        for root in (*config.roots, *config.remote_roots):
            check_path(root)
        for network in (*config.scan, *config.verify):
            ip_network(network)
    except OSError as error:
        raise ConfigRefused(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, ValueError) as error:  # PathRefused and UnicodeDecodeError are ValueErrors
        raise ConfigRefused(f"The configuration {path} is refused: {error}.") from error
    return config
