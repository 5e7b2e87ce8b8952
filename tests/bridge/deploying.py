"""Deployments for driver tests: assignments as the control plane would hand them out, and targets to apply them to."""

import datetime as dt
import ssl
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.config import Config, ReloadProfile, SshConfig
from bridge.drivers.connecting import OpenHost
from bridge.drivers.driver import Applied, Discovered, Guard, Job
from bridge.drivers.failure import DriverFailure
from bridge.drivers.registry import drivers
from bridge.drivers.steps import Steps
from bridge.protocol import (
    Assignment,
    AssignmentKind,
    CertificateToInstall,
    Outcome,
    SealedContent,
    Target,
)
from tests.bridge.pki import Authority, Issued

AUTHORITY = Authority.create("Test CA")


async def held() -> None:
    """A guard for a lease that is never lost."""


def assignment(
    settings: dict[str, Any],
    issued: Issued | None = None,
    *,
    fence: int = 1,
    profile: str | None = None,
    kind: AssignmentKind = AssignmentKind.DEPLOYMENT,
    target_kind: str = "nginx",
) -> Assignment:
    certificate = None
    if issued is not None:
        certificate = CertificateToInstall(fingerprint_sha256=issued.fingerprint, fullchain_pem=issued.fullchain_pem)
    return Assignment(
        assignment_id=uuid.uuid4(),
        kind=kind,
        fence=fence,
        lease_seconds=30,
        deadline=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10),
        target=Target(
            id=uuid.uuid5(uuid.NAMESPACE_URL, str(settings)), kind=target_kind, name="web", settings=settings
        ),
        profile=profile,
        certificate=certificate,
    )


@dataclass(frozen=True)
class Deployer:
    """A target with everything needed to install on it."""

    settings: dict[str, Any]
    config: Config
    secrets: dict[str, str] = field(default_factory=dict)
    open_host: OpenHost | None = None
    kind: str = "nginx"
    profile: str | None = None

    @property
    def place(self) -> Path:
        root = Path(self.settings["root"])
        return root / self.profile if self.profile else root

    def with_config(self, **changes: Any) -> "Deployer":
        return replace(self, config=msgspec.structs.replace(self.config, **changes))

    def job(self, work: Assignment, key_pem: str | None, guard: Guard = held) -> Job:
        return Job(work, SealedContent(private_key_pem=key_pem, secrets=self.secrets), Steps(), guard)

    async def apply(self, issued: Issued, fence: int = 1, guard: Guard = held) -> Applied:
        """Install; raises DriverFailure."""
        work = assignment(self.settings, issued, fence=fence, profile=self.profile, target_kind=self.kind)
        return await drivers(self.config, self.open_host)[self.kind].apply(self.job(work, issued.key_pem, guard))

    async def fail(self, issued: Issued, fence: int = 1, guard: Guard = held) -> DriverFailure:
        """Install, which must fail; returns the failure."""
        with pytest.raises(DriverFailure) as caught:
            await self.apply(issued, fence, guard)
        return caught.value

    async def test(self) -> tuple[str, tuple[str, ...]]:
        """(the sentence, the steps that succeeded)."""
        job = self.job(assignment(self.settings, kind=AssignmentKind.TEST, target_kind=self.kind), None)
        sentence = await drivers(self.config, self.open_host)[self.kind].test(job)
        return sentence, tuple(step.name for step in job.steps.reports if step.outcome is Outcome.SUCCESS)

    async def discover(self) -> Discovered:
        job = self.job(assignment(self.settings, kind=AssignmentKind.DISCOVERY, target_kind=self.kind), None)
        return await drivers(self.config, self.open_host)[self.kind].discover(job)


def config_for(root: Path, test: tuple[str, ...], reload: tuple[str, ...], seconds: float = 30) -> Config:
    """A bridge configuration with one root and the profile `web`; impatient enough for tests of faults."""
    ssh = SshConfig(connect_timeout_seconds=5, operation_timeout_seconds=10, attempts=2)
    profile = ReloadProfile(test=test or None, reload=reload or None, timeout_seconds=seconds)
    return Config(roots=(str(root),), profiles={"web": profile}, ssh=ssh)


def load_pair(place: Path) -> None:
    """OpenSSL's word that the key which `current` leads to belongs to its certificate; ssl.SSLError if not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "current/fullchain.pem", place / "current/privkey.pem")


def files_of(place: Path) -> dict[str, bytes]:
    """Everything below a place: file contents, and what links say."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = str(path.relative_to(place))
        if path.is_symlink():
            found[name] = b"-> " + str(path.readlink()).encode()
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def toml_of(config: Config) -> str:
    """A `bridge.toml` that says the same; JSON's strings, lists and numbers are TOML's too."""
    told = msgspec.to_builtins(config)
    told["profiles"] = {name: _said(profile) for name, profile in told["profiles"].items()}
    lines = [f"{name} = {_json(value)}" for name, value in told.items() if not isinstance(value, dict)]
    tables = {"ssh": told["ssh"]} | {f"profiles.{name}": profile for name, profile in told["profiles"].items()}
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {_json(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _said(table: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if value is not None}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
