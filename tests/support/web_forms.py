"""What a browser would send of a form on a page, and what is said beside its fields.

form = read_form(page, "/issuance-policies/new")
form.fields["name"] = ["Web"]                      # what somebody writes into it
await browser.post(form.action, data=form.fields)
"""

from html.parser import HTMLParser
from typing import Any

Attributes = list[tuple[str, str | None]]


class WebForm(HTMLParser):
    """The form with this action. `fields`: values by name; `described`: ids of the texts that tell of a field; `texts`:
    what elements with an id say.
    """

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
        self.fields: dict[str, list[str]] = {}
        self.wrong: set[str] = set()
        self.texts: dict[str, str] = {}
        self._inside = False
        self._area = self._select = self._span = ""

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        found: dict[str, Any] = dict(attrs)
        if tag == "form":
            self._inside = found.get("action") == self.action
        if not self._inside:
            return
        name = found.get("name") or ""
        if "aria-invalid" in found:
            self.wrong.add(name or str(found.get("aria-label")))
        if tag == "input":
            self._input(name, found)
        elif tag == "textarea":
            self._area = name
            self.fields[name] = [""]
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in found:
            self.fields[self._select] = [found["value"]]
        elif tag == "option":
            self.fields.setdefault(self._select, [found["value"]])
        elif tag == "span" and "id" in found:
            self._span = found["id"]

    def _input(self, name: str, found: dict[str, Any]) -> None:
        if found.get("type") != "checkbox":
            self.fields.setdefault(name, []).append(found.get("value") or "")
        elif "checked" in found:
            self.fields.setdefault(name, []).append(found["value"])

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._area = "" if tag == "textarea" else self._area
        self._span = "" if tag == "span" else self._span

    def handle_data(self, data: str) -> None:
        if self._area:
            # Browsers leave the first line break of a text area out (HTML, 13.2.6.4.7).
            self.fields[self._area] = [data.removeprefix("\n")]
        if self._span:
            self.texts[self._span] = self.texts.get(self._span, "") + data.strip()


def read_form(page: str, action: str) -> WebForm:
    """The form as it stands on the page."""
    form = WebForm(action)
    form.feed(page)
    assert form.fields, f"no form for {action}"
    return form
