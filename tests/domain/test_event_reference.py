"""The reference page of the events (docs/reference/events.md)."""

from docs.generate_events import PAGE, page
from domain.catalogue import TOPICS


def test_the_committed_page_is_current() -> None:
    """The page says what the program does: run `python docs/generate_events.py` after changing an event."""
    assert page() == PAGE.read_text(encoding="utf-8")


def test_every_topic_is_on_the_page() -> None:
    """With when it is recorded, and with its fields."""
    text = page()
    for topic, event in TOPICS.items():
        assert f"### `{topic}`\n\nVersion {event.schema_version}. " in text
        assert all(f"| `{name}` |" in text for name in event.__struct_fields__ if name != "meta")


def test_every_link_leads_somewhere() -> None:
    """No value is named that the page does not explain."""
    text = page()
    headings = {line.lstrip("#").strip().lower().replace(" ", "-") for line in text.splitlines() if line[:1] == "#"}
    targets = {part.split(")")[0] for part in text.split("](#")[1:]}
    assert targets <= headings
