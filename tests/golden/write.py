"""Golden files: `python -m tests.golden.write` adds those that are missing and never touches one that is there."""

from pathlib import Path

from application.codec import encode
from domain.catalogue import TOPICS
from tests.support.examples import example

EVENTS = Path(__file__).parent / "events"


def path_of(topic: str) -> Path:
    """Where the golden file of a topic in its current schema version lies."""
    return EVENTS / f"{topic}.v{TOPICS[topic].schema_version}.json"


def shape_of(topic: str) -> bytes:
    """The stored bytes of the example of a topic."""
    return encode(example(TOPICS[topic]))


def write_missing() -> list[str]:
    """Write the golden files that do not exist; returns their topics."""
    missing = [topic for topic in sorted(TOPICS) if not path_of(topic).exists()]
    for topic in missing:
        path_of(topic).write_bytes(shape_of(topic))
    return missing


if __name__ == "__main__":
    print("\n".join(write_missing()) or "nothing is missing")  # noqa: T201
