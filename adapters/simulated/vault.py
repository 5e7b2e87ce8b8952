"""The vault's twin in memory: the same promises, for demos, tests and benchmarks without a database."""

from uuid import UUID


class MemoryVault:
    """Keeps what it is given as long as the process lives, unsealed: nothing of it is ever written anywhere."""

    def __init__(self) -> None:
        self._private_keys: dict[UUID, bytes] = {}
        self._secrets: dict[UUID, dict[str, bytes]] = {}

    async def put_private_key(self, certificate_id: UUID, pkcs8_der: bytes) -> None:
        self._private_keys[certificate_id] = pkcs8_der

    async def private_key(self, certificate_id: UUID) -> bytes | None:
        return self._private_keys.get(certificate_id)

    async def drop_private_key(self, certificate_id: UUID) -> None:
        self._private_keys.pop(certificate_id, None)

    async def has_private_key(self, certificate_id: UUID) -> bool:
        return certificate_id in self._private_keys

    async def keep_first(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        return self._secrets.setdefault(owner_id, {}).setdefault(name, value)

    async def keep_first_with_key(
        self, owner_id: UUID, name: str, value: bytes, certificate_id: UUID, pkcs8_der: bytes
    ) -> bytes:
        if await self.kept(owner_id, name) is None:
            await self.put_private_key(certificate_id, pkcs8_der)
        return await self.keep_first(owner_id, name, value)

    async def kept(self, owner_id: UUID, name: str) -> bytes | None:
        return self._secrets.get(owner_id, {}).get(name)

    async def forget(self, owner_id: UUID, chapter: str | None = None) -> None:
        kept = self._secrets.get(owner_id, {})
        for name in [name for name in kept if chapter is None or f"{name} ".startswith(f"{chapter} ")]:
            del kept[name]
        if not kept:
            self._secrets.pop(owner_id, None)
