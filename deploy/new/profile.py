"""What is to be known of a file before a problem can be made of it: the columns, the task, the typed rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from deploy.new.guess import Guess, guess
from deploy.new.identifiers import identifier, why_it_names_rows
from deploy.new.leaks import leak
from deploy.new.seasons import season
from deploy.new.spelling import Place
from deploy.new.target import task_of
from ml.fault import invalid
from ml.metrics import Task
from ml.problem import Columns, Kind
from ml.raw.cells import plain
from ml.raw.folder import Raw, RawFile, open_raw
from ml.raw.misfit import Misfit
from ml.raw.typed import Files, joined, place_in
from ml.steps.ingest import ingest

FEWEST_ROWS = 24  # ten to learn from and ten to judge by, and some room for the hash that parts them


@dataclass(frozen=True)
class Keys:
    """The columns that a person named."""

    target: str
    time: str | None = None
    group: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Column:
    """A column that is a feature, or that is left out.

    Attributes:
        kind: as which it is read, or could be.
        note: where a person should look, or why it is left out.
    """

    name: str
    kind: Kind
    note: str


@dataclass(frozen=True)
class Profile:
    """What `mlops new` knows of a file.

    Attributes:
        path: the file or folder.
        columns: as the problem names them.
        task_note: where a person should look; empty where nothing is doubtful.
        guessed_id: the id was not named by the person.
        features: what the model learns from; at least one.
        left_out: the other columns.
        rows: the labelled rows, typed as `ml.steps.ingest` types them.
        unlabelled: how many rows have no target.
    """

    path: Path
    columns: Columns
    task: Task
    task_note: str
    guessed_id: bool
    features: tuple[Column, ...]
    left_out: tuple[Column, ...]
    rows: pa.Table
    unlabelled: int


def profile(path: Path, keys: Keys) -> Profile:
    """Reads the whole file, guesses, and types the rows.

    Raises:
        Fault: the file is broken, a named column is not there or does not fit, the target cannot be
            predicted, the rows are too few, or no column is left to learn from.
    """
    raw = open_raw(path)
    _check_keys(raw, keys)
    columns, files = raw_columns(raw)
    place = partial(_place, raw.path, files)
    guesses = {name: guess(column, place) for name, column in columns.items()}
    task, task_note = task_of(guesses[keys.target], columns[keys.target], f"{path}, column `{keys.target}`")
    others = {name: found for name, found in guesses.items() if name not in asdict(keys).values()}
    found_id = None if keys.id else identifier(others, columns)
    whole = replace(keys, id=keys.id or found_id)
    features, naming, unfit = _sorted_out(others, columns, found_id, place)
    if not features:  # then what names rows may still say something
        features, naming = naming, ()
    if not features:
        reasons = "".join(f"; `{column.name}`: {column.note}" for column in unfit)
        raise invalid(f"no column is left to learn from{reasons}", str(path), "bring more columns")
    ingested = ingest(_as_columns(whole, features), task, path)
    if ingested.rows.num_rows < FEWEST_ROWS:
        where, remedy = f"{path}, column `{keys.target}`", f"at least {FEWEST_ROWS} are needed"
        raise invalid(f"only {ingested.rows.num_rows} rows have a target", where, remedy)
    features, leaks = _without_leaks(features, ingested.rows, keys.target, task)
    features = (*features, *_seasonal(ingested.rows, keys, task))
    left_out = (*leaks, *naming, *unfit)
    return Profile(
        path, _as_columns(whole, features), task, task_note, found_id is not None, features, left_out,
        ingested.rows, ingested.unlabelled,
    )  # fmt: skip


def _check_keys(raw: Raw, keys: Keys) -> None:
    named: dict[str, str] = {}
    for option, name in asdict(keys).items():
        if name is None:
            continue
        raw.require(name, f"--{option}")
        if name in named:
            message = f"--{named[name]} and --{option} name the same column"
            raise invalid(message, f"{raw.path}, column `{name}`", "each needs a column of its own")
        named[name] = option


def _place(path: Path, files: Files, row: int) -> str:
    """Where a row (from 0) stands, below the path that a person named."""
    return place_in(files, row).removeprefix(str(path)).lstrip("/, ")


def raw_columns(raw: Raw) -> tuple[dict[str, pa.ChunkedArray], Files]:
    """All columns of all files, text from CSV and typed from Parquet, and how many rows each file has.

    Raises:
        Fault: a file is broken, there is no row, or a column is text in one file and no text in another.
    """
    parts: dict[str, list[pa.ChunkedArray]] = {name: [] for name in raw.columns}
    counts: dict[RawFile, int] = {}
    for file, rows in raw.batches(raw.columns):
        counts[file] = counts.get(file, 0) + rows.num_rows
        for name in raw.columns:
            parts[name].append(plain(rows.column(name)))
    columns = {}
    for name, found in parts.items():
        if not sum(map(len, found)):
            raise invalid("there is no row below the header", str(raw.path), "add rows")
        try:
            columns[name] = joined(found)
        except Misfit as misfit:
            raise invalid(misfit.message, f"{raw.path}, column `{name}`", misfit.remedy) from None
    return columns, tuple(counts.items())


def _sorted_out(
    guesses: Mapping[str, Guess], columns: Mapping[str, pa.ChunkedArray], found_id: str | None, place: Place
) -> tuple[tuple[Column, ...], tuple[Column, ...], tuple[Column, ...]]:
    """The features, what names rows rather than describes them, and what cannot be learnt from."""
    features, naming, unfit = [], [], []
    for name, found in guesses.items():
        if name == found_id:
            continue
        if found.unfit:
            unfit.append(Column(name, found.kind, found.unfit))
        elif reason := why_it_names_rows(name, found, columns[name], place):
            naming.append(Column(name, found.kind, reason))
        else:
            features.append(Column(name, found.kind, found.remark))
    return tuple(features), tuple(naming), tuple(unfit)


def _as_columns(keys: Keys, features: tuple[Column, ...]) -> Columns:
    return Columns(**asdict(keys), features={column.name: column.kind for column in features})


def _seasonal(rows: pa.Table, keys: Keys, task: Task) -> tuple[Column, ...]:
    """The time column as a feature, where it is worth that monitoring always finds it drifted."""
    if keys.time is None:
        return ()
    told = season(rows.column(keys.time), rows.column(keys.target), task)
    return (Column(keys.time, "date", f"{told}; it always drifts"),) if told else ()


def _without_leaks(
    features: tuple[Column, ...], rows: pa.Table, target: str, task: Task
) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """The features that do not tell the target, and those that do; all stay where nothing else would."""
    suspected = {column.name: leak(rows.column(column.name), rows.column(target), task) for column in features}
    leaks = tuple(replace(c, note=f"a leak? {suspected[c.name]}") for c in features if suspected[c.name])
    kept = tuple(column for column in features if not suspected[column.name])
    return (kept, leaks) if kept else (leaks, ())
