import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.held_back import HeldBackRows
from ml.fault import Fault
from ml.model.model import Model


def test_the_rows_are_sent_in_azures_form_each_once(registered):
    home, models = registered
    model = home / "models" / "breast-cancer" / models["1"].digest / "model"
    bodies = [json.loads(body)["input_data"] for body in HeldBackRows(home / "live" / "rows.parquet", model).bodies()]
    rows = pq.read_table(home / "live" / "rows.parquet")
    assert sum(len(body["data"]) for body in bodies) == rows.num_rows
    features = [feature.name for feature in Model.load(model).encoder.features]
    assert bodies[0]["columns"] == [*features, "sample"]
    assert bodies[0]["index"] == list(range(len(bodies[0]["data"])))
    sent = sorted(row[-1] for body in bodies for row in body["data"])
    assert sent == sorted(rows.column("sample").to_pylist())


def test_the_order_is_another_than_in_the_file_and_repeats(registered):
    home, models = registered
    model = home / "models" / "breast-cancer" / models["1"].digest / "model"
    once, again = (list(HeldBackRows(home / "live" / "rows.parquet", model).bodies()) for _ in range(2))
    assert once == again
    sent = [row[-1] for body in once for row in json.loads(body)["input_data"]["data"]]
    assert sent != sorted(sent)


def test_rows_that_are_gone_or_empty_are_one_clear_fault(registered, tmp_path):
    home, models = registered
    model = home / "models" / "breast-cancer" / models["1"].digest / "model"
    with pytest.raises(Fault, match="held-back rows are gone"):
        list(HeldBackRows(tmp_path / "rows.parquet", model).bodies())
    rows = pq.read_table(home / "live" / "rows.parquet")
    pq.write_table(rows.slice(0, 0), tmp_path / "rows.parquet")
    with pytest.raises(Fault, match="no held-back rows"):
        list(HeldBackRows(tmp_path / "rows.parquet", model).bodies())
    assert isinstance(rows, pa.Table)
