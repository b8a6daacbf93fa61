from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.cli import call
from deploy.new import Written, new
from ml.fault import INVALID_INPUT, Fault
from ml.problem import PROBLEMS, Problem, data_path, load_problem
from ml.sources import breast_cancer, flights
from ml.steps.ingest import ingest

AWKWARD_NAMES = [
    "no",
    "1.10",
    "größe m²",
    " a b ",
    "null",
    "x: y",
    "- z",
    "# c",
    "price €",
    "'q\"",
    "[l]",
    "2013-01-01",
]
AWKWARD_NAMES += ["true", "<<", "*a", "&b", "{m}", "~", "%", "@", "`", "naïve=1", "日本", "😀", "a\u00a0b", "y" * 200]
VALUES = {
    "number": lambda random, n: [f"{value:.6g}" for value in random.normal(size=n)],
    "category": lambda random, n: [f'w{level}, "x"' for level in random.integers(0, 4, n)],
    "boolean": lambda random, n: [("yes", "no")[bit] for bit in random.integers(0, 2, n)],
    "date": lambda random, n: [
        (dt.date(2020, 1, 1) + dt.timedelta(int(d))).isoformat() for d in random.integers(0, 900, n)
    ],
}
TARGETS = {
    "regression": lambda random, n: [f"{value:.6g}" for value in random.normal(size=n)],
    "classification": lambda random, n: [("red", "no", "None")[level] for level in random.integers(0, 3, n)],
    "binary": lambda random, n: [str(bit) for bit in random.integers(0, 2, n)],
}
TYPED = {"number": float, "boolean": lambda cell: cell == "yes", "date": dt.date.fromisoformat, "category": str}


@st.composite
def made(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, list[str | None]], str, str]:
    """Names with their kinds, the columns as text with missing values, the target's name, its task."""
    names = draw(st.lists(st.sampled_from(AWKWARD_NAMES), min_size=2, max_size=7, unique=True))
    kinds = {name: draw(st.sampled_from(sorted(VALUES))) for name in names[1:]}
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows = draw(st.integers(60, 150))
    task = draw(st.sampled_from(sorted(TARGETS)))
    columns: dict[str, list[str | None]] = {}
    for name, kind in kinds.items():
        gaps = random.random(rows) < draw(st.sampled_from([0, 0.1, 0.4]))
        columns[name] = [None if gap else cell for cell, gap in zip(VALUES[kind](random, rows), gaps, strict=True)]
    columns[names[0]] = TARGETS[task](random, rows)
    return kinds, columns, names[0], "regression" if task == "regression" else "classification"


def write_csv(path: Path, columns: dict[str, list[str | None]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(["" if cell is None else cell for cell in row] for row in zip(*columns.values(), strict=True))
    return path


def write_parquet(path: Path, columns: dict[str, list[str | None]], kinds: dict[str, str]) -> Path:
    typed = {
        name: [None if cell is None else TYPED[kinds.get(name, "category")](cell) for cell in cells]
        for name, cells in columns.items()
    }
    pq.write_table(pa.table(typed), path)
    return path


def loaded(written: Written) -> Problem:
    return load_problem(written.file)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made(), st.sampled_from([",", ";", "\t", "parquet"]))
def test_any_table_becomes_a_problem_whose_rows_the_pipeline_takes(
    tmp_path: Path, table: tuple[dict[str, str], dict[str, list[str | None]], str, str], form: str
) -> None:
    kinds, columns, target, task = table
    if form == "parquet":
        data = write_parquet(tmp_path / "rows.parquet", columns, kinds)
    else:
        data = write_csv(tmp_path / "rows.csv", columns, form)
    problem = loaded(new("any-table", data, target, out=tmp_path, force=True))
    assert problem.columns.features == kinds
    assert (problem.task, problem.columns.target) == (task, target)
    path = data_path(problem, tmp_path / "any-table.yaml")
    assert path == data
    rows = ingest(problem.columns, problem.task, path).rows
    assert rows.num_rows == len(columns[target])
    for name, cells in columns.items():
        assert rows[name].null_count == sum(cell is None for cell in cells)


def table_of(rows: int, **columns: object) -> dict[str, list[str | None]]:
    random = np.random.default_rng(0)
    usual = {"x": VALUES["number"](random, rows), "y": VALUES["number"](random, rows)}
    return {**usual, **columns}


def fault_of(data: Path, target: str, **options: object) -> Fault:
    with pytest.raises(Fault) as caught:
        new("any-table", data, target, **{"out": data.parent, **options})
    assert caught.value.code == INVALID_INPUT
    assert caught.value.remedy
    assert not list(data.parent.glob("*.yaml"))
    return caught.value


def test_what_is_left_out_can_be_put_back_by_removing_the_mark(tmp_path: Path) -> None:
    y, numbers = VALUES["number"](np.random.default_rng(1), 100), [str(n) for n in range(100)]
    words = [f"text {n}" for n in range(100)]
    columns = table_of(100, y=y, copy=y, row=numbers, same=["x"] * 100, words=words)
    written = new("left-out", write_csv(tmp_path / "rows.csv", columns), "y", out=tmp_path)
    assert set(written.left_out) == {"copy", "row", "same", "words"}
    assert "a leak?" in written.left_out["copy"]
    assert set(loaded(written).columns.features) == {"x"}
    text = written.file.read_text()
    for name in written.left_out:
        assert f"    # {name}: " in text
        text = text.replace(f"    # {name}: ", f"    {name}: ")
    written.file.write_text(text)
    assert set(loaded(written).columns.features) == {"x", *written.left_out}


def test_a_bad_value_is_told_with_its_row_in_the_file_and_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = table_of(100)
    columns["x"][41] = "inf"
    columns["price"] = ["999", *(f"{n},{n:03d}" for n in range(1, 100))]
    columns["z"] = VALUES["number"](np.random.default_rng(2), 100)
    data = write_csv(tmp_path / "rows.csv", columns)
    assert call(["new", "mended", "--data", str(data), "--target", "y", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr()
    text = (tmp_path / "mended.yaml").read_text()
    for said in ("(row 43: 'inf')", "(row 3: '1,001')"):
        assert said in text
        assert said in told.out + told.err


def test_the_row_of_a_folder_is_told_with_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    write_csv(folder / "a.csv", table_of(60))
    bad = table_of(60)
    bad["x"][0] = "?"
    write_csv(folder / "b.csv", {**bad, "y": table_of(60)["y"]})
    with pytest.raises(Fault, match=r"1 of its 120 values is no number \(b\.csv, row 2: '\?'\)"):
        new("folder", folder, "y", out=tmp_path)


def test_columns_that_all_tell_the_target_stay_since_nothing_else_is_there(tmp_path: Path) -> None:
    y = VALUES["number"](np.random.default_rng(0), 100)
    written = new("line", write_csv(tmp_path / "rows.csv", {"x": y, "y": y}), "y", out=tmp_path)
    assert "a leak?" in written.look_at["x"]
    assert set(loaded(written).columns.features) == {"x"}


def test_time_group_and_id_are_no_features(tmp_path: Path) -> None:
    days = [f"{n % 28 + 1:02d}.{n // 28 + 1:02d}.2024" for n in range(200)]
    columns = table_of(200, day=days, shop=[f"s{n % 40}" for n in range(200)], no=[f"{n * 7:05d}" for n in range(200)])
    data = write_csv(tmp_path / "rows.csv", columns)
    by_time = loaded(new("by-time", data, "y", time="day", identifier="no", out=tmp_path))
    assert (by_time.columns.time, by_time.columns.id) == ("day", "no")
    assert by_time.columns.features == {"x": "number", "shop": "category"}
    assert by_time.split.evaluation_days is not None
    by_group = loaded(new("by-group", data, "y", group="shop", out=tmp_path))
    assert (by_group.columns.group, by_group.columns.id) == ("shop", "no")
    assert by_group.columns.features == {"x": "number", "day": "date"}
    assert by_group.split.evaluation_share is not None


def test_a_season_makes_the_time_a_feature(tmp_path: Path) -> None:
    days = [dt.date(2024, 1, 1) + dt.timedelta(n) for n in range(300)]
    columns = table_of(300, day=[day.isoformat() for day in days], y=[str(day.weekday() + 0.1) for day in days])
    written = new("seasonal", write_csv(tmp_path / "rows.csv", columns), "y", time="day", out=tmp_path)
    assert loaded(written).columns.features["day"] == "date"
    assert written.look_at["day"].startswith("its weekday tells 100% of the target")


@pytest.mark.parametrize(
    ("options", "message", "remedy"),
    [
        ({"target": "price"}, "--target: there is no column `price`", "there are `x`, `y`"),
        ({"target": "Y "}, "--target: there is no column `Y `", "did you mean `y`?"),
        ({"time": "z"}, "--time: there is no column `z`", "there are"),
        ({"group": "z"}, "--group: there is no column `z`", "there are"),
        ({"identifier": "z"}, "--id: there is no column `z`", "there are"),
        ({"group": "y"}, "--target and --group name the same column", "a column of its own"),
        ({"time": "z", "data": {"z": ["a", "b"] * 30}}, "is not a date", "write 2013-07-31"),
        ({"time": "x"}, "no column is left to learn from", "bring more columns"),
        ({"identifier": "z", "data": {"z": ["a", "b"] * 30}}, "the id 'a' stands already", "remove one"),
        ({"data": {"x": ["7"] * 60}}, "no column is left to learn from", "bring more columns"),
        ({"data": {"x": ["7"] * 8, "y": VALUES["number"](np.random.default_rng(0), 8)}}, "no column is left", "bring"),
    ],
)
def test_what_cannot_become_a_problem_is_refused_and_nothing_is_written(
    tmp_path: Path, options: dict[str, object], message: str, remedy: str
) -> None:
    columns = {**table_of(60), **options.pop("data", {})}
    rows = min(map(len, columns.values()))
    data = write_csv(tmp_path / "rows.csv", {name: cells[:rows] for name, cells in columns.items()})
    fault = fault_of(data, str(options.pop("target", "y")), **options)
    assert message in fault.message
    assert remedy in fault.remedy


def test_too_few_rows_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    assert "only 20 rows have a target" in fault_of(write_csv(tmp_path / "rows.csv", table_of(20)), "y").message
    (tmp_path / "rows.csv").write_text("x,y\n1\n")
    assert fault_of(tmp_path / "rows.csv", "y").where == f"{tmp_path}/rows.csv, row 2"
    (tmp_path / "rows.csv").write_text("x,y\n")
    assert "no row below the header" in fault_of(tmp_path / "rows.csv", "y").message


@pytest.mark.parametrize("name", ["A", "Ä-b", "ab", "a--b", "a_b", "-ab", "x" * 33, "../up", ""])
def test_a_name_that_no_endpoint_may_have_is_refused(tmp_path: Path, name: str) -> None:
    data = write_csv(tmp_path / "rows.csv", table_of(60))
    with pytest.raises(Fault, match="lower-case letters"):
        new(name, data, "y", out=tmp_path)


def test_a_problem_that_is_there_is_written_over_only_when_asked(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "rows.csv", table_of(60))
    new("mine", data, "y", out=tmp_path)
    (tmp_path / "mine.yaml").write_text("# edited by hand")
    with pytest.raises(Fault, match="the problem is there already"):
        new("mine", data, "y", out=tmp_path)
    assert (tmp_path / "mine.yaml").read_text() == "# edited by hand"
    new("mine", data, "y", out=tmp_path / "mine.yaml", force=True)
    assert load_problem(tmp_path / "mine.yaml").name == "mine"


def test_the_file_is_named_after_the_problem(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "rows.csv", table_of(60))
    with pytest.raises(Fault, match="not named after the problem") as caught:
        new("mine", data, "y", out=tmp_path / "yours.yaml")
    assert caught.value.remedy == "mine.yaml"


def test_data_in_the_repository_is_named_relative_to_the_file_and_other_data_is_not(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "rows.csv", table_of(60))
    assert loaded(new("outside", data, "y", out=tmp_path)).data.path == str(data)
    from deploy.new.draft import named_path

    assert named_path(PROBLEMS.parents[1] / "data" / "rows.csv", PROBLEMS / "any.yaml") == "../../data/rows.csv"
    assert named_path(PROBLEMS.parents[1] / "data" / "rows.csv", tmp_path / "any.yaml").startswith("/")


def test_the_same_file_gives_the_same_problem(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "rows.csv", table_of(60))
    first = new("same", data, "y", out=tmp_path).file.read_bytes()
    assert new("same", data, "y", out=tmp_path, force=True).file.read_bytes() == first


def test_the_tumours_become_a_classification_with_an_id_and_all_features(tmp_path: Path) -> None:
    written = new("tumours", breast_cancer.make(tmp_path), "diagnosis", out=tmp_path)
    problem = loaded(written)
    assert (problem.task, problem.columns.id, problem.success.metric) == ("classification", "sample", "log_loss")
    assert problem.columns.features == dict.fromkeys(breast_cancer.FEATURES, "number")
    assert written.left_out == {}


def test_more_than_three_hundred_thousand_rows_become_a_problem(tmp_path: Path) -> None:
    data = flights.make(tmp_path)
    problem = loaded(new("late", data, "arrival_delay", time="scheduled_departure", out=tmp_path))
    known = load_problem(PROBLEMS / "flight-delay.yaml")
    assert problem.columns == known.columns
    assert problem.split.evaluation_days == 73
    assert problem.success.slices.columns == ["origin"]
