"""What is left of an installation without a bridge: the same files and links, as durable, nginx tested and reloaded.

On this host by the operating system's calls, elsewhere by asyncssh with a connection for each installation.
"""

import asyncio
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import asyncssh

from tests.bridge.pki import Issued
from tests.support.sshd import Sshd

_KEPT = 3


class Bare:
    """One installation at a time, as services want it that read all their places at a reload."""

    def __init__(self, test: tuple[str, ...], reload: tuple[str, ...], sshd: Sshd | None) -> None:
        self._commands = (test, reload)
        self._sshd = sshd
        self._turn = asyncio.Lock()

    async def install(self, root: Path, issued: Issued, fence: int) -> None:
        """Bring a certificate into use."""
        files = {"fullchain.pem": issued.fullchain_pem.encode(), "privkey.pem": issued.key_pem.encode()}
        release = f"releases/{fence}-{issued.fingerprint[:16]}"
        if self._sshd is None:
            async with self._turn:
                await asyncio.to_thread(self._install_here, root, release, files)
            return
        async with await self._connected(self._sshd) as connection, connection.start_sftp_client() as sftp, self._turn:
            await self._install_there(connection, sftp, str(root), release, files)

    def _install_here(self, root: Path, release: str, files: dict[str, bytes]) -> None:
        before = (root / "current").readlink()
        (root / release).mkdir(mode=0o700, parents=True)
        for name, content in {"previous": str(before).encode(), **files}.items():
            _write(root / release / name, content)
        for directory in (root / release, root / "releases", root):
            _sync(directory)
        (root / "next").symlink_to(release)
        (root / "next").rename(root / "current")
        _sync(root)
        for command in self._commands:
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        assert (root / "current/fullchain.pem").read_bytes() == files["fullchain.pem"]
        _write(root / release / "activated", b"")
        for old in _old([(each.stat().st_mtime, each.name) for each in (root / "releases").iterdir()]):
            shutil.rmtree(root / "releases" / old)

    async def _connected(self, sshd: Sshd) -> asyncssh.SSHClientConnection:
        host_key = asyncssh.import_public_key(sshd.host_key)
        return await asyncssh.connect(
            "127.0.0.1",
            sshd.port,
            username=sshd.username,
            client_keys=[asyncssh.import_private_key(sshd.user_key)],
            known_hosts=([host_key], [], []),
            config=None,
        )

    async def _install_there(
        self,
        connection: asyncssh.SSHClientConnection,
        sftp: asyncssh.SFTPClient,
        root: str,
        release: str,
        files: dict[str, bytes],
    ) -> None:
        before = await sftp.readlink(f"{root}/current")
        await sftp.makedirs(f"{root}/{release}", exist_ok=True)
        for name, content in {"previous": str(before).encode(), **files}.items():
            await _send(sftp, f"{root}/{release}/{name}", content)
        await connection.run(shlex.join(("sync", f"{root}/{release}", f"{root}/releases", root)), check=True)
        await sftp.symlink(release, f"{root}/next")
        await sftp.posix_rename(f"{root}/next", f"{root}/current")
        await connection.run(shlex.join(("sync", root)), check=True)
        for command in self._commands:
            await connection.run(shlex.join(command), check=True)
        async with sftp.open(f"{root}/current/fullchain.pem", "rb") as file:
            shown: object = await file.read()
        assert shown == files["fullchain.pem"]
        await _send(sftp, f"{root}/{release}/activated", b"")
        listed = [
            (each.attrs.mtime or 0, os.fsdecode(each.filename)) for each in await sftp.readdir(f"{root}/releases")
        ]
        for old in _old([each for each in listed if each[1] not in {".", ".."}]):
            await sftp.rmtree(f"{root}/releases/{old}")


def _old(found: list[tuple[float, str]]) -> list[str]:
    return [name for _, name in sorted(found, reverse=True)[_KEPT:]]


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _send(sftp: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    async with sftp.open(path, "xb", asyncssh.SFTPAttrs(permissions=0o600)) as file:
        await file.write(content)
        await file.fsync()
