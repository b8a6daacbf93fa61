"""What a page consists of, apart from how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deploy.report.numerals import shortened
from deploy.report.svg import Markup

Mark = Literal["yes", "no", "open", "note"]
LONGEST = 400  # letters of a name or sentence
MARKS: dict[str, Mark] = {"PASS": "yes", "FAIL": "no", "INCONCLUSIVE": "open"}


@dataclass(frozen=True)
class Key:
    """What one of a picture's colours or lines means.

    Attributes:
        look: CSS classes of its sample; without one the words stand alone.
        meaning: in words.
    """

    look: str
    meaning: str


@dataclass(frozen=True)
class Figure:
    """A picture with the question it answers as its title."""

    title: str
    picture: Markup
    caption: str = ""
    keys: tuple[Key, ...] = ()
    wide: bool = False
    kind: str = "figure"


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: its words; of a picture, what it shows.
        look: CSS classes such as `number`, `minor` (left out on a narrow screen) or `quiet`.
        picture: drawn in the place of the words.
        mark: a sign before the words.
        note: small words below.
        shade: 0 to 1, how strongly the cell is coloured.
        full: all the words, where `text` is their beginning.
        span: how many columns it takes.
    """

    text: str = ""
    look: str = ""
    picture: Markup | None = None
    mark: Mark | None = None
    note: str = ""
    shade: float | None = None
    full: str = ""
    span: int = 1


@dataclass(frozen=True)
class Table:
    """Rows of cells below heads; the first cell of a row names it."""

    title: str
    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    keys: tuple[Key, ...] = ()
    wide: bool = True
    look: str = ""
    kind: str = "table"


@dataclass(frozen=True)
class Sentences:
    """Sentences, each with its sign; `folded` shows them when asked to, and on paper."""

    title: str
    rows: tuple[tuple[Mark, str], ...]
    folded: bool = False
    kind: str = "sentences"
    wide: bool = True


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    title: str
    rows: tuple[tuple[str, str], ...]
    kind: str = "facts"
    wide: bool = False


Block = Figure | Table | Sentences | Facts


@dataclass(frozen=True)
class Section:
    """One question with its answer and the blocks that show it."""

    name: str
    question: str
    answer: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Station:
    """Where the model got to on its way: gate, dev, prod, monitor."""

    name: str
    mark: Mark
    words: str


@dataclass(frozen=True)
class Page:
    """The whole report."""

    title: str
    headline: str
    lead: tuple[str, ...]
    stations: tuple[Station, ...]
    facts: Facts
    questions: tuple[tuple[str, str], ...]
    criteria: Table
    sections: tuple[Section, ...]
    made: str


def name_cell(text: str, most: int = 30, look: str = "", note: str = "") -> Cell:
    """A cell with a name from somebody's data: its beginning, and up to `LONGEST` of it on demand."""
    return Cell(shortened(text, most), look, note=note, full=shortened(text, LONGEST))


def number_cell(text: str, look: str = "", note: str = "") -> Cell:
    """A cell with a number, set flush right."""
    return Cell(text, f"number {look}".strip(), note=note)
