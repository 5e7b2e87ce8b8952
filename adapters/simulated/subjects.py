"""Keys of subjects in memory: the same promises, for tests, demos and benchmarks without a database."""

from collections.abc import Collection
from uuid import UUID


class MemorySubjectKeys:
    """adapters.keys.subjects.SubjectKeys, as long as the process lives."""

    def __init__(self) -> None:
        self._keys: dict[UUID, bytes | None] = {}
        self._names: dict[bytes, UUID] = {}
        self._destroyed = 0

    async def destructions(self) -> int:
        return self._destroyed

    async def load(self, subjects: Collection[UUID]) -> dict[UUID, bytes | None]:
        return {subject: self._keys[subject] for subject in subjects if subject in self._keys}

    async def make(self, subject: UUID, key: bytes) -> None:
        self._keys.setdefault(subject, key)

    async def destroy(self, subject: UUID) -> None:
        if self._keys.get(subject, b"") is None:
            return
        self._keys[subject] = None
        self._names = {digest: named for digest, named in self._names.items() if named != subject}
        self._destroyed += 1

    async def find_name(self, digest: bytes) -> UUID | None:
        return self._names.get(digest)

    async def reserve_name(self, digest: bytes, subject: UUID) -> UUID:
        return self._names.setdefault(digest, subject)
