"""Makes typed rows of raw files, or a fault with file, row and column."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.fault import entry, invalid
from ml.lean import without_pandas
from ml.learners.parameters import require_parameters
from ml.metrics import Task
from ml.problem import Columns, load_problem
from ml.raw.misfit import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.raw.typed import Reading, Typed

ROWS, FACTS = "rows.parquet", "data.json"


@dataclass(frozen=True)
class Ingested:
    """The labelled rows of a problem.

    Attributes:
        rows: typed; the target is float64 for regression and string for classification.
        unlabelled: how many raw rows were left out because they have no target.
        newest: the newest time of all raw rows, labelled or not; None without a time column.
        collected: how many of the rows, the last ones, were collected by monitoring.
        unusable: how many collected rows were left out: without target, id, time or group, or with an
            id that is already there.
    """

    rows: pa.Table
    unlabelled: int
    newest: dt.datetime | None
    collected: int = 0
    unusable: int = 0


def readings(columns: Columns, task: Task) -> dict[str, Reading]:
    """What each column of a problem is read as."""
    target: Reading = "label" if task == "classification" else "number"
    keys: dict[str, Reading] = dict.fromkeys(_keys(columns), "category")
    times: dict[str, Reading] = {} if columns.time is None else {columns.time: "date"}
    return {columns.target: target, **keys, **columns.features, **times}


def _keys(columns: Columns) -> list[str]:
    return [key for key in (columns.id, columns.group, columns.time) if key is not None]


def ingest(columns: Columns, task: Task, raw: Path, collected: Path | None = None) -> Ingested:
    """The labelled rows of the raw files and, after them, those that monitoring collected.

    Args:
        columns: of the problem.
        task: of the problem; it says what the target is read as.
        raw: a CSV or Parquet file, or a folder of them.
        collected: a folder of Parquet files with the same columns, which may be empty.

    Raises:
        Fault: a file is broken, a value does not fit its column, a labelled row has no id, time or
            group, an id stands twice, or no row has a target.
    """
    from ml.raw.folder import open_raw
    from ml.raw.typed import read_typed

    typed = read_typed(open_raw(raw), readings(columns, task))
    _refuse_gaps(typed, columns)
    _refuse_repeated_ids(typed, columns)
    rows = typed.rows.filter(typed.rows.column(columns.target).is_valid())
    if rows.num_rows == 0:
        where = f"{raw}, column `{columns.target}`"
        raise invalid("no row has a value of the target", where, "add rows whose outcome is known")
    ingested = Ingested(rows, typed.rows.num_rows - rows.num_rows, _newest(typed.rows, columns))
    if collected is None or not any(collected.glob("*.parquet")):
        return ingested
    more = read_typed(open_raw(collected), readings(columns, task)).rows
    return _with_collected(ingested, more, columns)


def _newest(rows: pa.Table, columns: Columns) -> dt.datetime | None:
    import pyarrow.compute as pc

    return None if columns.time is None else pc.max(rows.column(columns.time)).as_py()


def _refuse_gaps(typed: Typed, columns: Columns) -> None:
    import pyarrow.compute as pc

    labelled = typed.rows.column(columns.target).is_valid()
    for key in _keys(columns):
        row = pc.index(pc.and_(labelled, typed.rows.column(key).is_null()), True).as_py()
        if row >= 0:
            remedy = "fill it in, or take the column out of the problem's id, time and group"
            raise invalid("the field is empty", typed.place(row, key), remedy)


def _refuse_repeated_ids(typed: Typed, columns: Columns) -> None:
    import pyarrow.compute as pc

    if columns.id is None:
        return
    ids, target = typed.rows.column(columns.id), typed.rows.column(columns.target)
    if target.null_count:
        ids = pc.if_else(target.is_valid(), ids, None)
    if pc.count_distinct(ids).as_py() == len(ids) - ids.null_count:
        return
    seen: dict[str, int] = {}
    for row, value in enumerate(ids.to_pylist()):
        if value is not None and seen.setdefault(value, row) != row:
            message = f"the id {quoted(value)} stands already in {typed.place(seen[value])}"
            remedy = "remove one of the rows, or name a column whose values differ"
            raise invalid(message, typed.place(row, columns.id), remedy)


def _with_collected(ingested: Ingested, found: pa.Table, columns: Columns) -> Ingested:
    """The rows with the usable ones of those that were found below them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    usable = found.column(columns.target).is_valid()
    for key in _keys(columns):
        usable = pc.and_(usable, found.column(key).is_valid())
    kept = found.filter(usable)
    if columns.id is not None:
        kept = _new_ids(kept, columns.id, ingested.rows.column(columns.id))
    rows = pa.concat_tables([ingested.rows, kept])
    return replace(ingested, rows=rows, collected=kept.num_rows, unusable=found.num_rows - kept.num_rows)


def _new_ids(rows: pa.Table, name: str, known: pa.ChunkedArray) -> pa.Table:
    """The rows whose id is not known; of several with the same the first."""
    import pyarrow as pa
    import pyarrow.compute as pc

    first = {value: row for row, value in reversed(list(enumerate(rows.column(name).to_pylist())))}
    once = rows.take(pa.array(sorted(first.values()), pa.int64()))
    return once.filter(pc.invert(pc.is_in(once.column(name), value_set=known.combine_chunks())))


def facts(ingested: Ingested, columns: Columns) -> dict[str, Any]:
    """What is known of the rows, as it stands in data.json.

    Returns:
        rows, collected and unlabelled are counts; digest is of the rows' content; missing counts the
        missing values of each feature; from and newest_labelled are the oldest and newest time of the
        rows, until the newest of all raw rows, ISO 8601, and None without a time column.
    """
    import pyarrow.compute as pc

    from ml.raw.digest import digest

    rows, time = ingested.rows, columns.time
    ends = {"min": None, "max": None} if time is None else pc.min_max(rows.column(time)).as_py()
    return {
        "rows": rows.num_rows,
        "collected": ingested.collected,
        "unlabelled": ingested.unlabelled,
        "digest": digest(rows),
        "missing": {name: rows.column(name).null_count for name in columns.features},
        "from": _iso(ends["min"]),
        "until": _iso(ingested.newest),
        "newest_labelled": _iso(ends["max"]),
    }


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def write(ingested: Ingested, columns: Columns, folder: Path) -> dict[str, Any]:
    """Writes `rows.parquet` and `data.json`, and returns what the latter holds."""
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    known = facts(ingested, columns)
    pq.write_table(ingested.rows, folder / ROWS, compression="zstd")
    (folder / FACTS).write_text(json.dumps(known, ensure_ascii=False, indent=1), encoding="utf-8")
    return known


def _report(ingested: Ingested, target: str) -> None:
    print(f"{ingested.rows.num_rows:,} labelled rows, {ingested.collected:,} of them collected")
    if ingested.unlabelled:
        print(f"left out: {ingested.unlabelled:,} rows without a value of `{target}`", file=sys.stderr)
    if ingested.unusable:
        print(f"left out: {ingested.unusable:,} collected rows, incomplete or known", file=sys.stderr)


@entry
def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", type=Path, required=True, help="the problem's YAML file")
    parser.add_argument("--raw", type=Path, required=True, help="a CSV or Parquet file, or a folder of them")
    parser.add_argument("--collected", type=Path, help="a folder of labelled rows that monitoring collected")
    parser.add_argument("--rows", type=Path, required=True, help="the folder that is written")
    arguments = parser.parse_args()
    without_pandas()
    problem = load_problem(arguments.problem)
    require_parameters(problem, arguments.problem)  # a schedule begins here, without a command
    ingested = ingest(problem.columns, problem.task, arguments.raw, arguments.collected)
    write(ingested, problem.columns, arguments.rows)
    _report(ingested, problem.columns.target)


if __name__ == "__main__":
    main()
