"""`bridge.toml`: what is wrong is named, with its place."""

from pathlib import Path

import pytest

from bridge.config import Config, ConfigRefused, ReloadProfile, read_config
from tests.bridge.deploying import toml_of

WHOLE = """\
roots = ["/etc/nginx/certferry"]
poll_seconds = 10
concurrency = 2

[profiles.nginx]
test = ["nginx", "-t"]
reload = ["nginx", "-s", "reload"]
timeout_seconds = 20

[ssh]
connections_per_host = 2

[targets.web]
kind = "nginx"
settings = { transport = "local", root = "/etc/nginx/certferry", reload_profile = "nginx" }
"""


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "bridge.toml"
    path.write_text(text)
    return read_config(path)


def test_a_whole_configuration(tmp_path: Path) -> None:
    """What is said counts, what is left out has its default."""
    config = read(tmp_path, WHOLE)
    profile = ReloadProfile(test=("nginx", "-t"), reload=("nginx", "-s", "reload"), timeout_seconds=20)
    assert (("/etc/nginx/certferry",), {"nginx": profile}) == (config.roots, config.profiles)
    assert (2, 3, 5.0) == (config.concurrency, config.keep_releases, config.heartbeat_seconds)
    assert "local" == config.targets["web"].settings["transport"]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """The tests' own way to write a configuration says the same."""
    config = Config(roots=("/srv",), profiles={"web": ReloadProfile(reload=("a b", '"q"'))}, poll_seconds=1.5)
    assert config == read(tmp_path, toml_of(config))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('root = ["/srv"]', "unknown field `root`"),
        ("[profiles.nginx]\nrelaod = []", "unknown field `relaod` - at `$.profiles[...]`"),
        ('[profiles.nginx]\nreload = "nginx -s reload"', "got `str` - at `$.profiles[...].reload`"),
        ("[profiles.nginx]\nreload = []", "length >= 1"),
        ("[profiles.db]\nsignal = 'HUP'", "`signal` and `pid_file` go together"),
        ("[profiles.db]\nsignal = 'KILL'\npid_file = '/run/db.pid'", "Invalid enum value 'KILL'"),
        ("[profiles.db]\nsignal = 'HUP'\npid_file = '../db.pid'", "not absolute"),
        ("[profiles.db]\nstarttls = 'smtp'", "need `serves`"),
        ("[profiles.db]\nserves = '127.0.0.1'", "regex"),
        ("[profiles.db]\napi_user = 'x'", "needs `api`"),
        ("[profiles.db]\napi = 'run/db.sock'", "regex"),
        ("[profiles.db]\ngroup = 'a b'", "regex"),
        ("concurrency = 0", "`int` >= 1"),
        ('roots = ["srv"]', "not absolute"),
        ('roots = ["/srv/../etc"]', "not normalised"),
        ('roots = ["/srv"', "bridge.toml is refused"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    """Unknown keys, wrong types, commands that are no lists, paths that are none."""
    with pytest.raises(ConfigRefused) as caught:
        read(tmp_path, text)
    assert sentence in str(caught.value)
    assert str(tmp_path / "bridge.toml") in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The sentence has the path."""
    with pytest.raises(ConfigRefused, match=r"bridge\.toml cannot be read: No such file"):
        read_config(tmp_path / "bridge.toml")
