"""What people are called, for reports. Names are read where they are shown and kept nowhere else."""

import msgspec

from projections.reading.postgres import Reader

# Everybody's name.
NAMES = "SELECT id, doc FROM read.principals"


class _Named(msgspec.Struct):
    name: str


_decode = msgspec.json.Decoder(_Named).decode


async def principal_names(reader: Reader) -> dict[str, str]:
    """Names by the ids of principals, as text."""
    return {str(key): _decode(doc).name for key, doc in await reader.rows(NAMES)}
