"""Splits the typed rows into those that teach, those that judge and those that arrive as requests."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml.fault import entry, invalid
from ml.lean import without_pandas
from ml.problem import Problem, load_problem

if TYPE_CHECKING:
    import pyarrow as pa

FEWEST_ROWS = 10


@dataclass(frozen=True)
class Parts:
    """The three parts of the rows; `until` is None where there is no time column."""

    train: pa.Table
    evaluation: pa.Table
    live: pa.Table
    until: dt.datetime | None


def split(rows: pa.Table, problem: Problem, until: dt.date | None) -> Parts:
    """By time where there is a time column, otherwise by a hash of the group, the id or the content.

    Args:
        rows: typed rows, all labelled.
        problem: says how.
        until: the day at which labelled rows end; None takes the problem's, or else the newest row.

    Raises:
        Fault: a part would be too small to mean anything.
    """
    parts = _by_time(rows, problem, until) if problem.columns.time else _by_hash(rows, problem)
    for name, part in (("training", parts.train), ("evaluation", parts.evaluation)):
        if part.num_rows < FEWEST_ROWS:
            raise invalid(
                f"only {part.num_rows} rows for {name} of {rows.num_rows}",
                f"problem {problem.name}, split",
                f"at least {FEWEST_ROWS} are needed: change `split` or bring more rows",
            )
    return parts


def _by_time(rows: pa.Table, problem: Problem, until: dt.date | None) -> Parts:
    import pyarrow.compute as pc

    assert problem.columns.time is not None
    assert problem.split.evaluation_days is not None
    time = rows.column(problem.columns.time)
    end = _end(time, until or problem.split.until)
    judge_from = end - dt.timedelta(days=problem.split.evaluation_days)
    teach_from = judge_from - dt.timedelta(days=problem.split.training_days or 200 * 365)
    live_until = end + dt.timedelta(days=problem.split.live_days or 0)

    def between(first: dt.datetime, last: dt.datetime) -> pa.Table:
        inside = pc.and_(pc.greater_equal(time, first), pc.less(time, last))
        return rows.filter(inside).sort_by(problem.columns.time)

    evaluation, live = between(judge_from, end), between(end, live_until)
    # Where nothing came after the labelled rows, the rows that judge are what the stacks are asked.
    return Parts(between(teach_from, judge_from), evaluation, live if live.num_rows else evaluation, end)


def _end(time: pa.ChunkedArray, until: dt.date | None) -> dt.datetime:
    import pyarrow.compute as pc

    if until is not None:
        return dt.datetime.combine(until, dt.time())
    newest: dt.datetime = pc.max(time).as_py()
    return newest + dt.timedelta(microseconds=1)


def _by_hash(rows: pa.Table, problem: Problem) -> Parts:
    import pyarrow as pa

    from ml.split import held_out, row_keys

    assert problem.split.evaluation_share is not None
    keys = rows.column(problem.columns.group).to_pylist() if problem.columns.group else row_keys(rows, problem.columns)
    judges = held_out(keys, problem.split.evaluation_share, problem.split.salt)
    evaluation = rows.filter(pa.array(judges))
    return Parts(rows.filter(pa.array(~judges)), evaluation, evaluation, None)


def _window(part: pa.Table, time: str | None) -> dict[str, str | int | None]:
    import pyarrow.compute as pc

    if time is None or part.num_rows == 0:
        return {"rows": part.num_rows, "from": None, "until": None}
    ends = pc.min_max(part.column(time)).as_py()
    return {"rows": part.num_rows, "from": ends["min"].isoformat(), "until": ends["max"].isoformat()}


def write_part(part: pa.Table, folder: Path, time: str | None) -> None:
    """Writes `rows.parquet` and `window.json` (rows, from, until)."""
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(part, folder / "rows.parquet", compression="zstd")
    (folder / "window.json").write_text(json.dumps(_window(part, time)), encoding="utf-8")


@entry
def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--until", required=True, help="a day, or `default` for the problem's own")
    for part in ("train", "evaluation", "live"):
        parser.add_argument(f"--{part}", type=Path, required=True)
    arguments = parser.parse_args()
    import pyarrow.parquet as pq

    without_pandas()
    problem = load_problem(arguments.problem)
    until = None if arguments.until == "default" else dt.date.fromisoformat(arguments.until)
    parts = split(pq.read_table(arguments.rows / "rows.parquet"), problem, until)
    for name in ("train", "evaluation", "live"):
        write_part(getattr(parts, name), getattr(arguments, name), problem.columns.time)
    print(
        f"{parts.train.num_rows:,} rows teach, {parts.evaluation.num_rows:,} judge, {parts.live.num_rows:,} are asked"
    )


if __name__ == "__main__":
    main()
