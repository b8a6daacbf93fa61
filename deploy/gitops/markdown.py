"""Text of others in GitHub's Markdown: it is shown, and means nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# What could become markup, a mention or a reference anywhere in a line; and what could at its beginning.
_ANYWHERE = re.compile(
    r"[\\`*\[\]<>|~&$@#!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.|(?<=GH)-", re.IGNORECASE
)
_AT_THE_BEGINNING = re.compile(r"^(\s*)([-+=:]|\d+(?=[.)]))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def text(value: object) -> str:
    """A value inside a line: what could be markup becomes its entity, lines become one."""
    line = _ANYWHERE.sub(_entities, _CONTROL.sub(" ", str(value)))
    return _AT_THE_BEGINNING.sub(lambda found: found[1] + _entities(found, 2), line)


def _entities(found: re.Match[str], group: int = 0) -> str:
    return "".join(f"&#{ord(character)};" for character in found[group])


def code(value: object) -> str:
    """A value as inline code; inside, only its own end matters."""
    return f"<code>{text(value)}</code>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown already; a column of numbers has a head that ends in a blank."""
    marks = ("--:" if head.endswith(" ") else "---" for head in heads)
    lines = [" | ".join(head.strip() for head in heads), " | ".join(marks), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def folded(summary: str, body: str) -> str:
    """A part that opens on a click; the summary is Markdown already."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>\n"


def fenced(block: str) -> str:
    """Some lines as they are, in a fence longer than any in them."""
    ticks = max((len(run) for run in re.findall(r"`+", block)), default=0)
    fence = "`" * max(3, ticks + 1)
    kept = "".join(c for c in block if c in "\n\t" or c.isprintable())
    return f"{fence}text\n{kept.strip(chr(10))}\n{fence}\n"
