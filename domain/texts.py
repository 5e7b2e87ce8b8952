"""Texts that others wrote and events keep."""

from unicodedata import category

LONGEST_MESSAGE = 2_000


def verbatim(text: str, limit: int = LONGEST_MESSAGE) -> str:
    """The text as it came, without control characters and half surrogates; line breaks and tabs stay.

    What is longer than `limit` characters is cut, and ends in an ellipsis.
    """
    kept = "".join(c for c in text[: 2 * limit] if c in "\n\t" or category(c) not in ("Cc", "Cs"))
    whole = len(kept) <= limit and len(text) <= 2 * limit
    return kept if whole else kept[: limit - 1] + "…"
