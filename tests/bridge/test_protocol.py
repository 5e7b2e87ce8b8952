"""The messages between bridge and control plane: exact names, limits, and no secret in a representation."""

import uuid
from pathlib import Path

import msgspec
import pytest

from bridge import protocol
from bridge.drivers.registry import drivers
from bridge.kinds import FilesSettings
from bridge.protocol import KINDS, EnrolRequest, FailureCause, SealedContent
from tests.bridge.kinds.servers import SERVERS
from tests.bridge.kinds.stores import STORES

REPOSITORY = Path(__file__).resolve().parents[2]
SSH = {
    "transport": "ssh",
    "host": "10.0.0.1",
    "port": 22,
    "username": "deploy",
    "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA comment",
    "root": "/etc/nginx/certferry",
    "reload_profile": "nginx",
}


def test_the_paths() -> None:
    """Public names: old bridges use them."""
    assert [f"/bridge/v1/{name}" for name in ("enrol", "heartbeat", "lease", "progress", "result", "discovery")] == [
        protocol.ENROL_PATH,
        protocol.HEARTBEAT_PATH,
        protocol.LEASE_PATH,
        protocol.PROGRESS_PATH,
        protocol.RESULT_PATH,
        protocol.DISCOVERY_PATH,
    ]


def test_the_causes_are_the_domains() -> None:
    """The control plane knows every cause a bridge can report, and no other."""
    from domain.push_states import FailureCause as DomainCause

    assert {cause.value for cause in DomainCause} == {cause.value for cause in FailureCause}


def test_every_kind_has_a_driver() -> None:
    """What the control plane offers, the bridge can do."""
    from bridge.config import Config

    assert set(KINDS) == set(drivers(Config()))


def test_every_kind_is_described_and_tried() -> None:
    """In the reference, and with a real server in the contract that all kinds pass."""
    text = (REPOSITORY / "docs/reference/kinds.md").read_text()
    assert [] == [kind for kind in KINDS if f"\n| `{kind}` |" not in text]
    assert set(KINDS) == {server.kind for server in SERVERS} | {store.kind for store in STORES}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.kind)
def test_the_schemas_stand_alone(kind: protocol.TargetKind) -> None:
    """Every reference in a schema leads to a definition inside it, and nothing unknown is let through."""
    for schema in (kind.settings_schema, kind.secrets_schema):
        text = msgspec.json.encode(schema).decode()
        assert text.count("$ref") <= text.count("#/$defs/")
        definitions = schema["$defs"].values()
        assert all(each["additionalProperties"] is False for each in definitions)


def test_ssh_settings() -> None:
    """What the REST contract names is accepted; the port has a default."""
    whole = msgspec.convert(SSH, FilesSettings)
    without_port = {name: value for name, value in SSH.items() if name != "port"}
    assert whole == msgspec.convert(without_port, FilesSettings)


@pytest.mark.parametrize(
    "change",
    [
        {"transport": "ftp"},
        {"host": "a b"},
        {"host": "a\nb"},
        {"host": "$(id)"},
        {"host": "-oProxyCommand=id"},
        {"host": "a\n"},
        {"host": "-a"},
        {"port": 0},
        {"port": 65_536},
        {"username": "a;b"},
        {"username": "-l"},
        {"host_key": "ssh-ed25519 AAAA\nssh-rsa BBBB"},
        {"username": "a\n"},
        {"host_key": "*"},
        {"host_key": "ssh-ed25519 AAAA\n"},
        {"root": "relative"},
        {"root": "/a\x00b"},
        {"root": "/a\n"},
        {"reload_profile": "a b"},
        {"reload_profile": "web\n"},
        {"command": "id"},
    ],
)
def test_settings_that_are_refused(change: dict[str, object]) -> None:
    """By the very schema that the control plane shows."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**SSH, **change}, FilesSettings)


def test_no_secret_in_a_representation() -> None:
    """Whoever logs one of these by accident logs no secret."""
    content = SealedContent(private_key_pem="canary", secrets={"ssh_private_key": "canary"})
    request = EnrolRequest(token="canary", csr_pem="", hpke_public_key="", version="1", kinds=())
    assert "canary" not in repr(content) + repr(request)


def test_limits_hold_while_decoding() -> None:
    """A message longer than 2,000 characters is no message."""
    body = {"assignment_id": str(uuid.uuid4()), "fence": 1, "step": "x", "message": "m" * 2001}
    with pytest.raises(msgspec.ValidationError, match="length <= 2000"):
        msgspec.convert(body, protocol.ProgressRequest)


def test_instants_have_a_zone() -> None:
    """A time without a zone is refused."""
    with pytest.raises(msgspec.ValidationError, match="timezone"):
        msgspec.json.decode(b'{"server_time": "2026-01-01T00:00:00"}', type=protocol.HeartbeatAnswer)
