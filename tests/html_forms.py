"""The forms of a page as a browser without JavaScript has them: what stands in their fields, and is sent."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx


@dataclass
class HtmlForm:
    """One form: where it goes, its fields, and the buttons that send it."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    unchosen: set[str] = field(default_factory=set)

    def value(self, name: str) -> str | None:
        """What stands in a field; of several the last."""
        return dict(self.fields).get(name)

    def fill(self, name: str, value: str) -> None:
        """Type something into a field that there is, or choose it."""
        assert name in self.names, f"{name} is not among {sorted(self.names)}"
        self.fields = [one for one in self.fields if one[0] != name] + [(name, value)]

    @property
    def names(self) -> set[str]:
        """The fields that can be filled in, chosen or not."""
        return {name for name, _ in self.fields} | self.unchosen

    def send(self, client: httpx.Client, button: tuple[str, str], *, follow: bool = True) -> httpx.Response:
        """Press a button that there is."""
        assert button in self.buttons, f"{button} is not among {self.buttons}"
        data: dict[str, list[str]] = {}
        for name, value in [*self.fields, button]:
            data.setdefault(name, []).append(value)
        return client.post(self.action, data=data, follow_redirects=follow)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.classes: list[str] = []
        self._form: HtmlForm | None = None
        self._text: tuple[str, list[str]] | None = None
        self._select: str | None = None
        self._chosen: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._form = HtmlForm(given.get("action", ""))
            self.forms.append(self._form)
            self.classes.append(given.get("class", ""))
        elif self._form is not None:
            self._in_form(tag, given, self._form)

    def _in_form(self, tag: str, given: dict[str, str], form: HtmlForm) -> None:
        name = given.get("name", "")
        if tag == "textarea":
            self._text = (name, [])
        elif tag == "select":
            self._select, self._chosen = name, None
        elif tag == "option" and self._select is not None:
            if "selected" in given or self._chosen is None:
                self._chosen = given.get("value", "")
        elif tag == "button" and name:
            form.buttons.append((name, given.get("value", "")))
        elif tag == "input" and given.get("type") in {"radio", "checkbox"}:
            if "checked" in given:
                form.fields.append((name, given.get("value", "on")))
            else:
                form.unchosen.add(name)
        elif tag == "input" and name:
            form.fields.append((name, given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._text is not None and self._form is not None:
            name, parts = self._text
            self._form.fields.append((name, "".join(parts).removeprefix("\n")))
            self._text = None
        elif tag == "select" and self._select is not None and self._form is not None:
            self._form.fields.append((self._select, self._chosen or ""))
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text[1].append(data)


def form_of_class(html: str, name: str) -> HtmlForm:
    """The only form of a class in a page."""
    reader = _Reader()
    reader.feed(html)
    [found] = [form for form, of in zip(reader.forms, reader.classes, strict=True) if name in of.split()]
    return found
