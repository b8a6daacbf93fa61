"""The collected requests or answers of a window of time as the table that Azure ML's model monitor reads."""

# It runs in Azure ML's Spark, apart from this repository's packages: what that image has, and nothing of ours.
# The driver does the work: what a week's collection holds fits into its memory.
from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import fsspec
import pandas as pd

TABLE = "paths:\n  - file: ./part.parquet\ntransformations:\n  - read_parquet\ntype: mltable\n"


def main() -> None:
    """Writes the table; raises ValueError where the window holds nothing, which is no pass."""
    given = _arguments()
    since, until = _moment(given.data_window_start), _moment(given.data_window_end)
    rows = list(_rows(given.input_data, since, until, given.part))
    if not rows:
        raise ValueError(f"nothing was collected from {since} to {until}")
    target = given.preprocessed_input_data.rstrip("/")
    with fsspec.open(f"{target}/part.parquet", "wb", auto_mkdir=True) as file:
        pd.DataFrame(rows).to_parquet(file, index=False)
    with fsspec.open(f"{target}/MLTable", "w", auto_mkdir=True) as file:
        file.write(TABLE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("inputs", "outputs"), required=True)
    for name in ("data_window_start", "data_window_end", "input_data", "preprocessed_input_data"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


def _moment(text: str) -> dt.datetime:
    moment: dt.datetime = pd.Timestamp(text).to_pydatetime()
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)  # noqa: UP017 - Spark's Python is 3.10


def _rows(folder: str, since: dt.datetime, until: dt.datetime, part: str) -> Iterator[dict[str, Any]]:
    """Each row of the requests, or each answer, from `since` up to `until`."""
    for opened in fsspec.open_files(f"{folder.rstrip('/')}/*.jsonl", "rt", encoding="utf-8"):
        with opened as file:
            for line in file:
                if not line.endswith("\n"):
                    break  # a last line that is still being written
                record = json.loads(line)
                if since <= _moment(record["time"]) < until and not record["request_id"].startswith("probe-"):
                    yield from _inputs(record["request"]) if part == "inputs" else _outputs(record["response"])


def _inputs(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a request in any of the forms that the scoring server takes."""
    body = next(iter(request.values()))
    if isinstance(body, list):
        yield from body
        return
    # The server has seen to it that rows and columns are equally long.
    split = isinstance(body.get("data"), list) and isinstance(body.get("columns"), list)
    columns, rows = (body["columns"], body["data"]) if split else (list(body), zip(*body.values()))  # noqa: B905
    yield from (dict(zip(columns, values)) for values in rows)  # noqa: B905


def _outputs(response: Any) -> Iterator[dict[str, Any]]:
    """The answers, each class's probability in a column of its own."""
    for answer in response["predictions"] if isinstance(response, dict) else response:
        several = isinstance(answer, list)
        yield {f"probability_{place}": one for place, one in enumerate(answer)} if several else {"prediction": answer}


if __name__ == "__main__":
    main()
