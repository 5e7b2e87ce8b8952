"""The demo's bridge: enrolled with a one-time token, then a process of its own."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from cryptography import x509

from adapters.bootstrap import Core
from adapters.demo.commands import command, environment
from adapters.demo.parts import Part
from adapters.demo.place import Place, write_private
from adapters.demo.rest import DemoFailed, Rest
from application.house import Context
from application.reenrolling import issue_enrolment_again
from domain.entity import Actor, ActorKind

NAME = "demo-bridge"
APPROVER = "lead"
_LEFT = timedelta(minutes=5)  # time enough for the bridge to renew it


async def enrol(core: Core, rest: Rest, place: Place) -> None:
    """Enrol the bridge where it is not, or not for long any more."""
    if place.kept.bridge_id is None:
        issued = await rest.post("operator", "/bridges", {"name": NAME})
        place.kept.bridge_id = str(issued["id"])
        place.keep()
        await _spend(place, str(issued["enrolment_token"]), core.bridge_ca.pin)
    elif lasts(place):
        _follow_port(place)
    else:
        await enrol_again(core, place, UUID(place.kept.bridge_id))
    await rest.post(APPROVER, f"/bridges/{place.kept.bridge_id}/approve", {})


async def enrol_again(core: Core, place: Place, bridge_id: UUID) -> None:
    """The same bridge, with new keys and a new certificate, which a person approves."""
    context = Context(actor=Actor(ActorKind.SYSTEM, "demo"), at=core.house.clock(), command_id=uuid4())
    issued = await issue_enrolment_again(core.house, context, bridge_id)
    await _spend(place, issued.result.token, core.bridge_ca.pin)


def part(place: Place) -> Part:
    """The process."""
    argv = command("certferry-bridge", "run", "--state", str(place.bridge))
    return Part(name="bridge", argv=argv, environment=environment(place))


def _url(place: Place) -> str:
    return f"https://127.0.0.1:{place.kept.ports['bridges']}"


def lasts(place: Place) -> bool:
    """Is the bridge enrolled, with a certificate that it can still renew by itself?"""
    try:
        certificate = x509.load_pem_x509_certificate((place.bridge / "certificate.pem").read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    enrolled = (place.bridge / "bridge.json").exists()
    return enrolled and certificate.not_valid_after_utc - datetime.now(UTC) > _LEFT


def _follow_port(place: Place) -> None:
    """The listener's former port may be taken by somebody else now."""
    file = place.bridge / "bridge.json"
    identity = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    if identity["url"] != _url(place):
        write_private(file, msgspec.json.encode({**identity, "url": _url(place)}))


async def _spend(place: Place, token: str, pin: str) -> None:
    arguments = ("--url", _url(place), "--ca-pin", pin, "--state", str(place.bridge), "--token-file", "-", "--replace")
    process = await asyncio.create_subprocess_exec(
        *command("certferry-bridge", "enrol", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(place),
    )
    said, _ = await process.communicate(token.encode())
    if process.returncode != 0:
        raise DemoFailed(f"the bridge could not be enrolled: {said.decode(errors='replace').strip()}")
