"""The formats of a request's rows: what Azure ML's clients send, and what MLflow's do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any, Protocol

from ml.serving.refusal import Flaw, Place, misfit

AZURE = "input_data"
MEMBERS = (AZURE, "dataframe_split", "dataframe_records", "inputs")

Columns = tuple[Any, ...]


class Grid(Protocol):
    """A body's rows, shaped as they should be, with names and values still unchecked."""

    member: str
    length: int

    def rows(self) -> Iterator[tuple[Columns, Any]]:
        """For each row its columns and, in their order, its values. The same columns are the same object."""
        ...

    def columns_place(self, row: int) -> Place:
        """Where the columns of a row are named."""
        ...

    def column_place(self, row: int, position: int, name: Any) -> Place:
        """Where one column is named."""
        ...

    def value_place(self, row: int, position: int, name: Any) -> Place:
        """Where a value stands."""
        ...


def unpack(document: Any) -> Grid:
    """The rows of a body.

    Raises:
        Refusal: 422 where it has none of the formats.
    """
    if type(document) is not dict or len(document) != 1 or next(iter(document)) not in MEMBERS:
        raise misfit(_outer_flaws(document))
    ((member, content),) = document.items()
    if member == "dataframe_records" or (member == "inputs" and type(content) is list):
        return _Records(member, content)
    return _Columns(member, content) if member == "inputs" else _Split(member, content)


def _outer_flaws(document: Any) -> Iterable[Flaw]:
    expected = f"must be an object with one of {', '.join(MEMBERS)}"
    if type(document) is not dict or not document.keys() & set(MEMBERS):
        return [Flaw((), expected)]
    others = [name for name in document if name not in MEMBERS]
    return [Flaw((name,), "is not expected here") for name in others] or [Flaw((), f"{expected}, not with several")]


def _require(fits: bool, place: Place, detail: str) -> None:
    if not fits:
        raise misfit([Flaw(place, detail)])


def _require_all(rows: list[Any], kind: type, place: Place, detail: str) -> None:
    """Looks at all rows at once, and one by one only where that says there is something to find."""
    _require(bool(rows), place, "is empty; at least one row is needed")
    if set(map(type, rows)) != {kind}:
        raise misfit(Flaw((*place, i), detail) for i, row in enumerate(rows) if type(row) is not kind)


class _Split:
    """`{"columns": […], "index": […], "data": [[…], …]}`."""

    def __init__(self, member: str, content: Any) -> None:
        self.member = member
        _require(type(content) is dict, (member,), "must be an object with `columns` and `data`")
        for name in content.keys() - {"columns", "index", "data"}:
            _require(False, (member, name), "is not expected here")
        self._columns, self._data = content.get("columns"), content.get("data")
        _require(type(self._columns) is list, (member, "columns"), "must be an array of the columns' names")
        _require(type(self._data) is list, (member, "data"), "must be an array of rows")
        self._require_even_rows()
        self.length = len(self._data)
        if content.get("index") is not None:
            fits = type(content["index"]) is list and len(content["index"]) == self.length
            _require(fits, (member, "index"), "must be an array with one entry a row, or left out")

    def _require_even_rows(self) -> None:
        place, width = (self.member, "data"), len(self._columns)
        _require_all(self._data, list, place, "must be an array with a value for each column")
        if set(map(len, self._data)) != {width}:
            ragged = ((i, len(row)) for i, row in enumerate(self._data) if len(row) != width)
            raise misfit(Flaw((*place, i), f"has {n} values; there are {width} columns") for i, n in ragged)

    def rows(self) -> Iterator[tuple[Columns, Any]]:
        return zip(repeat(tuple(self._columns)), self._data, strict=False)

    def columns_place(self, row: int) -> Place:
        return (self.member, "columns")

    def column_place(self, row: int, position: int, name: Any) -> Place:
        return (self.member, "columns", position)

    def value_place(self, row: int, position: int, name: Any) -> Place:
        return (self.member, "data", row, position)


class _Records:
    """`[{"a": 1, "b": 2}, …]`."""

    def __init__(self, member: str, content: Any) -> None:
        self.member = member
        _require(type(content) is list, (member,), "must be an array of objects, one a row")
        _require_all(content, dict, (member,), "must be an object with a value for each column")
        self._records, self.length = content, len(content)

    def rows(self) -> Iterator[tuple[Columns, Any]]:
        return ((tuple(record), tuple(record.values())) for record in self._records)

    def columns_place(self, row: int) -> Place:
        return (self.member, row)

    def column_place(self, row: int, position: int, name: Any) -> Place:
        return (self.member, row, name)

    value_place = column_place


class _Columns:
    """`{"a": [1, …], "b": [2, …]}`."""

    def __init__(self, member: str, content: Any) -> None:
        self.member, self._content = member, content
        _require(type(content) is dict, (member,), "must be an object of columns, or an array of objects")
        _require(bool(content), (member,), "is empty; at least one row is needed")
        for name, values in content.items():
            _require(type(values) is list, (member, name), "must be an array with a value for each row")
        first, self.length = next((name, len(values)) for name, values in content.items())
        _require(bool(self.length), (member, first), "is empty; at least one row is needed")
        for name, values in content.items():
            detail = f"has {len(values)} values; the first column has {self.length}"
            _require(len(values) == self.length, (member, name), detail)

    def rows(self) -> Iterator[tuple[Columns, Any]]:
        return zip(repeat(tuple(self._content)), zip(*self._content.values(), strict=True), strict=False)

    def columns_place(self, row: int) -> Place:
        return (self.member,)

    def column_place(self, row: int, position: int, name: Any) -> Place:
        return (self.member, name)

    def value_place(self, row: int, position: int, name: Any) -> Place:
        return (self.member, name, row)
