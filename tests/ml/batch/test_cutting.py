"""Rows cut, scored file by file and joined are what one process makes of them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from ml.batch import cutting
from ml.batch.cutting import cut, join
from ml.batch.predictions import column_names
from ml.batch.scoring import score
from ml.fault import Fault
from ml.model.encoder import Encoder
from ml.model.model import CARD, Card
from ml.raw.folder import open_raw

WITHOUT_DATES = ("distance", "wind", "carrier")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(cutting, "PART_ROWS", 64)


@pytest.fixture(scope="session")
def dateless(taught, tmp_path_factory):
    """A classifier without dates, so that its rows can be cut."""
    import lightgbm
    import numpy as np

    folder = tmp_path_factory.mktemp("dateless")
    encoder = Encoder.fit(taught, {"distance": "number", "wind": "number", "carrier": "category"})
    late = taught.column("late").to_numpy()
    wanted = {"num_iterations": 5, "verbosity": -1, "num_threads": 1, "objective": "binary"}
    data = lightgbm.Dataset(
        encoder.encode(taught), late > np.median(late), categorical_feature=list(encoder.categorical)
    )
    lightgbm.train(wanted, data).save_model(folder / "booster.txt")
    encoder.save(folder / "encoder.json")
    Card(
        problem="small", task="classification", answer="label", target="late", classes=("no", "ja"),
        carried=("flight",), identifier="flight", time=None, group=None, trained_from=None, trained_until=None,
        rows=600, dummy=(0.0,),
    ).save(folder / CARD)  # fmt: skip
    return folder


def by_files(model: Path, data: Path, out: Path, folder: Path, most_rows: int = 128) -> int:
    """Cuts, scores each file and joins; returns how many files there were."""
    for name in ("cut", "scored"):
        (folder / name).mkdir()
    cuts = cut(model, data, out, folder / "cut", most_rows)
    for one in cuts:
        assert score(model, folder / "cut" / one.name, folder / "scored" / one.scored, lambda rows: None) == one.rows
    scored = [folder / "scored" / one.scored for one in cuts]
    join(scored, open_raw(data).columns, out, column_names(Card.load(model / CARD)))
    return len(cuts)


@pytest.mark.parametrize("read", [".csv", ".parquet"])
@pytest.mark.parametrize("written", [".csv", ".parquet"])
def test_it_is_the_same_as_in_one_process(dateless, asked, tmp_path, read, written):
    data, out, whole = tmp_path / f"rows{read}", tmp_path / f"joined{written}", tmp_path / f"whole{written}"
    {".parquet": pq.write_table, ".csv": csv.write_csv}[read](asked, data)
    assert by_files(dateless, data, out, tmp_path) == 4
    score(dateless, data, whole, lambda rows: None)
    if written == ".csv":
        assert out.read_bytes() == whole.read_bytes()
    else:
        assert pq.read_table(out) == pq.read_table(whole)


def test_a_folder_of_both_formats_keeps_its_order(dateless, asked, tmp_path):
    data = tmp_path / "rows"
    data.mkdir()
    csv.write_csv(asked.slice(0, 100), data / "1.csv")
    pq.write_table(asked.slice(100, 300), data / "2.parquet")
    csv.write_csv(asked.slice(400), data / "3.csv")
    assert by_files(dateless, data, tmp_path / "out.csv", tmp_path) == 5
    score(dateless, data, tmp_path / "whole.csv", lambda rows: None)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_csv_rows_with_dates_stay_together(regression, asked, tmp_path):
    csv.write_csv(asked, tmp_path / "rows.csv")
    assert by_files(regression, tmp_path / "rows.csv", tmp_path / "out.parquet", tmp_path) == 1


def test_a_cut_says_where_its_rows_come_from(dateless, asked, tmp_path):
    csv.write_csv(asked, tmp_path / "rows.csv")
    first, second, *_ = cut(dateless, tmp_path / "rows.csv", Path("out.csv"), tmp_path, 128)
    assert (first.rows, second.rows) == (128, 128)
    assert second.source == f"{tmp_path / 'rows.csv'}, row 130"  # the header is the first


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (["flight", "distance", "carrier"], "no column `wind`"),
        (["distance", "wind", "carrier", "prediction"], "already"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_anything_is_sent(dateless, asked, tmp_path, columns, sentence):
    rows = asked.append_column("prediction", pa.nulls(asked.num_rows, pa.string()))
    csv.write_csv(rows.select(columns), tmp_path / "rows.csv")
    with pytest.raises(Fault, match=sentence):
        cut(dateless, tmp_path / "rows.csv", Path("out.csv"), tmp_path)


def test_no_row_is_no_work(dateless, asked, tmp_path):
    csv.write_csv(asked.slice(0, 0), tmp_path / "rows.csv")
    with pytest.raises(Fault, match="no row"):
        cut(dateless, tmp_path / "rows.csv", Path("out.csv"), tmp_path)


def test_a_scored_file_with_other_columns_is_no_part_of_it(tmp_path):
    (tmp_path / "0.csv").write_text("a,prediction\n1,2\n")
    (tmp_path / "1.csv").write_text("b,prediction\n1,2\n")
    with pytest.raises(Fault, match="other columns"):
        join([tmp_path / "0.csv", tmp_path / "1.csv"], ["a"], tmp_path / "out.csv", ["prediction"])
    assert not (tmp_path / "out.csv").exists()
