from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.batch.scoring import score


def wide(asked: pa.Table, count: int) -> pa.Table:
    """Rows with eight more columns, which no compression makes small."""
    rows = pa.concat_tables([asked] * (count // asked.num_rows))
    for place, amounts in enumerate(np.random.default_rng(0).normal(size=(8, count))):
        rows = rows.append_column(f"amount {place}", pa.array(amounts))
    return rows


@pytest.mark.parametrize("out", ["out.parquet", "out.csv"])
def test_what_is_held_does_not_grow_with_the_file(
    regression: Path, asked: pa.Table, tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the file is one row group, which a reader that reads ahead would hold whole."""
    for limit in ("ml.raw.parquet_file.BATCH_ROWS", "ml.batch.scoring.PART_ROWS", "ml.batch.sinks.ROW_GROUP"):
        monkeypatch.setattr(limit, 4_000)
    monkeypatch.setattr("ml.raw.parquet_file.BUFFER_BYTES", 16_000)
    peaks = []
    for count in (40_000, 200_000):
        pq.write_table(wide(asked, count), tmp_path / "rows.parquet", row_group_size=count, use_dictionary=["carrier"])
        before, held = pa.total_allocated_bytes(), [0]

        def look(rows: int, before: int = before, held: list[int] = held) -> None:
            held.append(pa.total_allocated_bytes() - before)

        assert score(regression, tmp_path / "rows.parquet", tmp_path / out, look) == count
        peaks.append(max(held))
    assert peaks[1] < 1.6 * peaks[0], peaks
