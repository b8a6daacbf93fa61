"""A written report, taken apart by parsers that are not ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class _Parser(HTMLParser):
    """Holds HTML to what XML asks for: every element is closed, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> is out of order"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


class Page:
    """The text of a report with its elements, its words and its drawings."""

    def __init__(self, text: str) -> None:
        self.text = text
        parser = _Parser()
        parser.feed(text)
        parser.close()
        assert parser.open == []
        self.elements = parser.elements
        self.words = re.sub(r"\s+", " ", " ".join(parser.words).replace("\u00a0", " "))

    def attributes(self, name: str) -> list[str]:
        """The values of an attribute, of whatever element."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def drawings(self) -> Iterator[ElementTree.Element]:
        """The outermost SVG elements, parsed as XML."""
        depth, begun = 0, 0
        for tag in re.finditer(r"<svg\b[^>]*?(/?)>|</svg>", self.text):
            if tag.group().startswith("</"):
                depth -= 1
            elif depth == 0:
                begun = tag.start()
            depth += tag.group().startswith("<svg") and not tag.group(1)
            if depth == 0:
                yield ElementTree.fromstring(self.text[begun : tag.end()])

    def drawing(self, title: str) -> ElementTree.Element:
        """The one with that title."""
        return next(drawing for drawing in self.drawings() if drawing.findtext("title") == title)

    def section(self, name: str) -> str | None:
        """The words of a section."""
        found = re.search(rf'<section id="{name}".*?</section>', self.text, re.DOTALL)
        return Page(found.group()).words if found else None

    def tables(self, section: str) -> list[list[list[str]]]:
        """The words of the cells of a section's tables."""
        found = re.search(rf'<section id="{section}".*?</section>', self.text, re.DOTALL)
        assert found
        bodies = re.findall(r"<tbody>(.*?)</tbody>", found.group(), re.DOTALL)
        rows = [re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL) for body in bodies]
        return [
            [[Page(cell).words.strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in body]
            for body in rows
        ]
