"""Texts as they are compared: searched in parts, and sorted."""

LONGEST_SORTED = 250  # characters: an index entry must stay below 2,704 bytes


def search_text(*texts: str) -> str:
    """Several texts as one to look for parts in, whatever the case; no part reaches over the end of a text."""
    return "\n".join(texts).lower()


def sort_text(text: str) -> str:
    """A text to sort by, whatever the case."""
    return text.lower()[:LONGEST_SORTED]


def part_pattern(part: str) -> str:
    r"""A LIKE pattern for texts of `search_text` that contain `part` (escape character `\`)."""
    escaped = part.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
