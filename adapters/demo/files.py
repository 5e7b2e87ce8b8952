"""The configuration files of the demo's parts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.demo.database import Dsns
from adapters.demo.place import Place, write_private


def write_service_settings(place: Place, dsns: Dsns) -> None:
    """`certferry.toml`: everything quicker than in earnest, so that there is something to see."""
    settings: dict[str, dict[str, Any]] = {
        "": {"data": str(place.data), "log_level": "INFO"},
        "database": {"dsn": dsns.app, "owner_dsn": dsns.owner},
        "sealing": {
            "dsn": dsns.sealer,
            "keys": str(place.sealing),
            "origin": f"demo-{place.kept.id}.example/certferry",
            "every": 2.0,
            "check_every": 60.0,
            "checkpoint_file": str(place.directory / "checkpoints.ndjson"),
        },
        "server": {
            "host": "127.0.0.1",
            "port": place.kept.ports["api"],
            "url": f"http://127.0.0.1:{place.kept.ports['api']}",
        },
        "bridges": {
            "host": "127.0.0.1",
            "port": place.kept.ports["bridges"],
            "names": ["127.0.0.1"],
            "silent_after": 10.0,
        },
        "push": {"dispatch_deadline": 20.0, "lease_seconds": 10.0, "errand_deadline": 15.0},
        "verification": {"every": 10, "grace": 0.0, "allow": ["127.0.0.0/8", "::1/128"]},
        "discovery": {"every_minutes": 0, "allow": ["127.0.0.0/8"]},
        "webhooks": {"allow": ["127.0.0.0/8", "::1/128"]},
        "worker": {"sweep": 5, "heartbeat": 1.0, "stalled": 5.0},
    }
    _write(place.config, settings)


def write_bridge_settings(place: Place, profiles: Mapping[str, Mapping[str, list[str]]]) -> None:
    """`bridge.toml`: where the bridge may write, and what it may run."""
    settings: dict[str, dict[str, Any]] = {
        "": {
            "roots": [str(place.sites)],
            "scan": ["127.0.0.0/8"],
            "verify": ["127.0.0.0/8"],
            "heartbeat_seconds": 2.0,
            "stop_seconds": 5.0,
        },
    }
    for name, profile in profiles.items():
        settings[f"profiles.{name}"] = dict(profile)
    _write(place.bridge / "bridge.toml", settings)


def _write(path: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
    lines: list[str] = []
    for section, values in settings.items():
        lines += [f"[{section}]"] if section else []
        lines += [f"{name} = {_toml(value)}" for name, value in values.items()]
        lines.append("")
    write_private(path, "\n".join(lines).encode())


def _toml(value: Any) -> str:
    """Strings, numbers and lists of strings are written in TOML as in JSON (without its surrogate pairs)."""
    return json.dumps(value, ensure_ascii=False)
