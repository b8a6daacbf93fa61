"""The predictions beside those of the model and the scoring server, and every column as it was."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.batch import scoring
from ml.batch.scoring import score
from ml.fault import FAULT, INVALID_INPUT, Fault
from ml.model.model import Card, Model
from ml.serving.scorer import Scorer

MODELS = ("regression", "binary", "binary-probability", "three", "sklearn")
Scored = Callable[..., Path]
Refused = Callable[..., Fault]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several parts, and several row groups of them."""
    monkeypatch.setattr(scoring, "PART_ROWS", 64)
    monkeypatch.setattr("ml.batch.sinks.ROW_GROUP", 150)


def server_answers(model: Model, table: pa.Table) -> list[Any]:
    features = table.select([feature.name for feature in model.encoder.features])
    body = json.dumps({"dataframe_records": features.to_pylist()}, default=lambda moment: moment.isoformat())
    answer = Scorer(model).score(body.encode())
    assert answer.status == 200, answer.body
    return list(json.loads(answer.body)["predictions"])


def probabilities(written: pa.Table, model: Model) -> np.ndarray:
    return np.column_stack([written.column(f"probability_{label}") for label in model.card.classes])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("read", [".parquet", ".csv"])
def test_the_predictions_are_those_of_the_model_and_of_the_scoring_server(
    models: dict[str, Path], asked: pa.Table, scored: Scored, name: str, read: str
) -> None:
    model, written = Model.load(models[name]), pq.read_table(scored(models[name], asked, read))
    outputs, answers = model.outputs(asked), server_answers(model, asked)
    # A matrix product of BLAS rounds by the number of rows; LightGBM adds its trees alike for one and many.
    within = 1e-12 if name == "sklearn" else 0.0
    predicted = written.column("prediction").to_pylist()
    if model.card.task == "regression":
        assert predicted == outputs.tolist() == answers
        return
    np.testing.assert_allclose(probabilities(written, model), outputs, rtol=within, atol=0)
    assert predicted == [model.card.classes[place] for place in outputs.argmax(axis=1)]
    if model.card.answer == "label":
        assert predicted == answers
    else:
        assert written.column("probability_ja").to_pylist() == answers


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        (("0", "1"), pa.int64()),
        (("-7", "12"), pa.int64()),
        (("false", "true"), pa.bool_()),
        (("07", "1"), pa.string()),
        (("1", "other"), pa.string()),
    ],
)
def test_a_label_has_the_type_that_the_scoring_server_answers_with(
    models: dict[str, Path],
    asked: pa.Table,
    scored: Scored,
    tmp_path: Path,
    classes: tuple[str, ...],
    kind: pa.DataType,
) -> None:
    folder = shutil.copytree(models["binary"], tmp_path / "model")
    replace(Card.load(folder / "card.json"), classes=classes).save(folder / "card.json")
    answers = server_answers(Model.load(folder), asked)
    written = pq.read_table(scored(folder, asked)).column("prediction")
    assert (written.type, written.to_pylist()) == (kind, answers)
    with scored(folder, asked, ".csv", ".csv").open(newline="") as file:
        texts = [row["prediction"] for row in csv.DictReader(file)]
    assert texts == [one if isinstance(one, str) else json.dumps(one) for one in answers]
    assert set(texts) == set(classes)


def test_a_csv_file_gets_the_same_predictions_as_a_parquet_file(
    models: dict[str, Path], asked: pa.Table, scored: Scored
) -> None:
    expected = pq.read_table(scored(models["three"], asked)).select(["prediction", "probability_on, time"])
    with scored(models["three"], asked, ".csv", ".csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["prediction"] for row in read] == expected.column("prediction").to_pylist()
    assert [float(row["probability_on, time"]) for row in read] == expected.column(1).to_pylist()


def test_the_columns_of_a_parquet_file_stay_as_they_are_with_the_target_among_them(
    regression: Path, asked: pa.Table, scored: Scored
) -> None:
    more = {"note": [["a list"]] * asked.num_rows, "small": pa.array(range(asked.num_rows), pa.int16())}
    rows = pa.table({**dict(zip(asked.column_names, asked.columns, strict=True)), **more})
    written = pq.read_table(scored(regression, rows))
    assert written.column_names == [*rows.column_names, "prediction"]
    assert written.drop(["prediction"]).equals(rows)


def test_in_parquet_the_features_of_a_csv_file_have_their_types_and_other_columns_stay_text(
    regression: Path, asked: pa.Table, scored: Scored
) -> None:
    written = pq.read_table(scored(regression, asked, ".csv"))
    assert written.select(["distance", "wind", "carrier", "holiday", "departure"]).equals(
        asked.select(["distance", "wind", "carrier", "holiday", "departure"])
    )
    assert written.column("flight").to_pylist() == asked.column("flight").to_pylist()
    assert written.schema.field("late").type == pa.string()


anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(anything, anything), min_size=1, max_size=5))
def test_any_text_of_a_csv_file_comes_out_as_it_went_in(
    regression: Path, asked: pa.Table, tmp_path: Path, texts: list[tuple[str, str]]
) -> None:
    features = asked.slice(0, 1).select([*range(1, 7)]).to_pylist()[0]
    rows = [
        {"left": left, **features, "departure": "2013-01-01", "holiday": "no", 'a "b", c': right}
        for left, right in texts
    ]
    given_text = io.StringIO(newline="")
    writer = csv.DictWriter(given_text, rows[0], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    (tmp_path / "any.csv").write_text(given_text.getvalue(), encoding="utf-8", newline="")
    score(regression, tmp_path / "any.csv", tmp_path / "out.csv", lambda rows: None)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == [*rows[0], "prediction"]
    assert [(line[0], line[-2]) for line in lines] == texts


def test_rows_are_written_as_they_stand_with_their_predictions_behind_them(
    regression: Path, asked: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.raw.csv_blocks.BLOCK_BYTES", 4000)
    plain = asked.drop(["Abflug, Zürich"]).append_column("Abflug, Zürich", pa.array(["Tür"] * asked.num_rows))
    pa.csv.write_csv(plain, tmp_path / "rows.csv", pa.csv.WriteOptions(quoting_style="none"))
    lines = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    lines[300] = '"' + lines[300].replace(",", '",', 1)  # from this block on they are written anew
    (tmp_path / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    score(regression, tmp_path / "rows.csv", tmp_path / "out.csv", lambda rows: None)
    written = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    unquoted = [line.replace('"', "") for line in lines[1:]]
    assert [line.rpartition(",")[0] for line in written[1:]] == unquoted
    assert all(float(line.rpartition(",")[2]) for line in written[1:])


def test_a_file_with_its_columns_in_another_order_is_written_in_that_of_the_first(
    regression: Path, asked: pa.Table, tmp_path: Path
) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    pa.csv.write_csv(asked, folder / "1.csv")
    pa.csv.write_csv(asked.select(asked.column_names[::-1]), folder / "2.csv")
    score(regression, folder, tmp_path / "out.csv", lambda rows: None)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    assert rows[: asked.num_rows] == rows[asked.num_rows :]


def test_other_delimiters_become_commas(regression: Path, asked: pa.Table, tmp_path: Path) -> None:
    for delimiter in ",;":
        options = pa.csv.WriteOptions(delimiter=delimiter)
        pa.csv.write_csv(asked, tmp_path / f"{ord(delimiter)}.csv", options)
        score(regression, tmp_path / f"{ord(delimiter)}.csv", tmp_path / f"{ord(delimiter)}-out.csv", lambda rows: None)
    commas, semicolons = (list(csv.reader((tmp_path / f"{ord(d)}-out.csv").open(encoding="utf-8"))) for d in ",;")
    assert commas == semicolons


def test_a_folder_becomes_one_file_in_the_order_of_the_paths(
    regression: Path, asked: pa.Table, tmp_path: Path, scored: Scored
) -> None:
    expected = pq.read_table(scored(regression, asked)).column("prediction").to_pylist()
    folder = tmp_path / "days"
    folder.mkdir()
    pq.write_table(asked.slice(0, 100), folder / "1.parquet")
    pa.csv.write_csv(asked.slice(100, 100), folder / "2.csv")
    pq.write_table(asked.slice(200).cast(with_large_strings(asked.schema)), folder / "3.parquet")
    for out in ("folder.parquet", "folder.csv"):
        assert score(regression, folder, tmp_path / out, lambda rows: None) == asked.num_rows
    written = pq.read_table(tmp_path / "folder.parquet")
    assert written.column("prediction").to_pylist() == expected
    assert written.column("flight").to_pylist() == asked.column("flight").to_pylist()
    assert written.column("late").to_pylist() == asked.column("late").to_pylist()  # text in one of them
    with (tmp_path / "folder.csv").open(newline="") as file:
        assert [float(row["prediction"]) for row in csv.DictReader(file)] == expected


def with_large_strings(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(f.name, pa.large_string() if f.type == pa.string() else f.type) for f in schema])


def test_the_rows_so_far_are_told(regression: Path, asked: pa.Table, tmp_path: Path) -> None:
    pq.write_table(asked, tmp_path / "rows.parquet")
    told: list[int] = []
    score(regression, tmp_path / "rows.parquet", tmp_path / "out.parquet", told.append)
    assert told == [*range(64, 500, 64), 500]


def test_a_missing_column_is_told_by_its_name(refused: Refused, asked: pa.Table, tmp_path: Path) -> None:
    pq.write_table(asked.rename_columns({"wind": "Wind"}), tmp_path / "rows.parquet")
    fault = refused(tmp_path / "rows.parquet")
    assert str(fault).endswith("rows.parquet: there is no column `wind` → did you mean `Wind`?")
    assert fault.code == INVALID_INPUT


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("distance", "far", "'far' is not a number"),
        ("distance", "inf", "'inf' is not a finite number"),
        ("distance", "", "the field is empty; the training data had no missing value here"),
        ("carrier", "", "the field is empty"),
        ("holiday", "perhaps", "'perhaps' is not true or false"),
        ("departure", "31.12.2013", "is not a date, unlike 2013-07-31, the form of others"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_row_and_column(
    refused: Refused, asked: pa.Table, tmp_path: Path, column: str, value: str, message: str
) -> None:
    texts = [["" if v is None else str(v) for v in asked.column(name).to_pylist()] for name in asked.column_names]
    texts[asked.column_names.index(column)][321] = value
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([asked.column_names, *zip(*texts, strict=True)])
    fault = refused(tmp_path / "rows.csv")
    assert fault.where == f"{tmp_path / 'rows.csv'}, row 323, column `{column}`"
    assert message in fault.message
    assert fault.remedy
    assert fault.code == INVALID_INPUT


def test_a_row_that_the_model_has_no_number_for_is_told(
    refused: Refused, asked: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Model.outputs

    def wrong(model: Model, rows: pa.Table) -> np.ndarray:
        outputs = right(model, rows).copy()
        outputs[np.asarray(rows.column("distance")) == asked.column("distance")[200].as_py()] = np.nan
        return outputs

    monkeypatch.setattr(Model, "outputs", wrong)
    pq.write_table(asked, tmp_path / "rows.parquet")
    fault = refused(tmp_path / "rows.parquet")
    assert (fault.where, fault.code) == (f"{tmp_path / 'rows.parquet'}, row 201", FAULT)


def test_a_name_that_the_predictions_need_is_refused(refused: Refused, asked: pa.Table, tmp_path: Path) -> None:
    pq.write_table(asked.append_column("prediction", asked.column("late")), tmp_path / "rows.parquet")
    assert "a column `prediction` already" in refused(tmp_path / "rows.parquet").message


def test_a_file_without_rows_is_refused(refused: Refused, asked: pa.Table, tmp_path: Path) -> None:
    pq.write_table(asked.slice(0, 0), tmp_path / "rows.parquet")
    assert refused(tmp_path / "rows.parquet").message == "there is no row to score"
    (tmp_path / "rows.csv").write_text(",".join(f'"{name}"' for name in asked.column_names) + "\n")
    assert refused(tmp_path / "rows.csv", "out.csv").message == "there is no row to score"


def test_the_output_is_never_its_own_input(refused: Refused, asked: pa.Table, tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    pq.write_table(asked, folder / "1.parquet")
    assert refused(folder, "days/out.parquet").message == "would be among its own input"
    assert refused(folder / "1.parquet", "days/../days/1.parquet").message == "would be among its own input"


def test_an_output_of_no_known_format_or_place_is_refused(refused: Refused, asked: pa.Table, tmp_path: Path) -> None:
    pq.write_table(asked, tmp_path / "rows.parquet")
    assert refused(tmp_path / "rows.parquet", "out.xlsx").remedy == "end it in .parquet or .csv"
    assert refused(tmp_path / "rows.parquet", "none/out.csv").remedy == "name a file in a folder that exists"


def test_what_csv_cannot_hold_is_refused(refused: Refused, asked: pa.Table, tmp_path: Path) -> None:
    rows = asked.append_column("tags", pa.array([["a"]] * asked.num_rows))
    pq.write_table(rows, tmp_path / "rows.parquet")
    assert str(refused(tmp_path / "rows.parquet", "out.csv")).startswith("column `tags`: is list<")


def test_files_whose_types_cannot_be_brought_together_are_refused(
    refused: Refused, asked: pa.Table, tmp_path: Path
) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    pq.write_table(asked.append_column("number", pa.array([1] * 500)), folder / "1.parquet")
    pq.write_table(asked.append_column("number", pa.array(["one"] * 500)), folder / "2.parquet")
    fault = refused(folder)
    assert fault.message == "the column is string here, and int64 in the first file"
    assert fault.where == f"{folder / '2.parquet'}, column `number`"


def test_a_file_that_breaks_off_leaves_the_output_of_before_in_place(
    refused: Refused, regression: Path, asked: pa.Table, tmp_path: Path
) -> None:
    pq.write_table(asked, tmp_path / "rows.parquet")
    score(regression, tmp_path / "rows.parquet", tmp_path / "out.csv", lambda rows: None)
    pa.csv.write_csv(asked, tmp_path / "torn.csv")
    with (tmp_path / "torn.csv").open("a") as file:
        file.write("1,2\n")
    assert "the row has 2 fields, the header 8" in refused(tmp_path / "torn.csv", "out.csv").message
