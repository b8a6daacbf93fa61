"""What is drawn, against scikit-learn, SciPy, NumPy and pandas."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from deploy.report.axes import Scale
from deploy.report.classification import confusion
from deploy.report.probabilities import roc, wilson
from deploy.report.regression import cells, quantiles

numbers = st.floats(-1e6, 1e6)


@given(st.lists(numbers, min_size=1, max_size=60), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_quantiles_are_those_of_numpy(values, shares):
    rising = np.sort(np.array(values))
    assert quantiles(rising, np.array(shares)) == pytest.approx(np.quantile(rising, shares), rel=1e-9, abs=1e-6)


def test_the_cells_of_a_density_are_those_of_numpy():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, 5_000), rng.normal(0, 1, 5_000)
    expected, _, _ = np.histogram2d(x, y, bins=(8, 11), range=[(-2, 2), (-2, 2)])
    assert (cells(x, y, Scale(-2.0, 2.0), 8, 11) == expected).all()


@pytest.mark.parametrize("decimals", [1, 12])
def test_the_roc_curve_is_that_of_scikit_learn(decimals):
    rng = np.random.default_rng(1)
    positive = rng.random(400) < 0.3
    score = np.round(rng.normal(positive, 1.0), decimals)
    alarms, found = roc(score, positive)
    expected = set(
        zip(*(np.round(side, 9) for side in roc_curve(positive, score, drop_intermediate=False)[:2]), strict=True)
    )
    assert set(zip(np.round(alarms, 9), np.round(found, 9), strict=True)) <= expected
    assert np.trapezoid(found, alarms) == pytest.approx(roc_auc_score(positive, score), abs=2e-3)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_intervals_of_a_calibration_are_those_of_scipy(counts):
    hits, rows = counts
    expected = binomtest(hits, rows).proportion_ci(method="wilson")
    low, high = wilson(np.array([hits / rows]), np.array([rows]))
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_the_dots_of_a_calibration_are_those_of_scikit_learn(binary_case):
    predictions = pd.read_parquet(binary_case.folder / "evaluation" / "predictions.parquet")
    seen, said = calibration_curve(predictions.target, predictions.output_1, n_bins=10, strategy="uniform")
    drawing = binary_case.report().drawing("Does 80 % mean eight of ten?")
    circles = list(drawing.iter("circle"))
    assert [float(circle.get("cx")[:-1]) / 100 for circle in circles] == pytest.approx(said.tolist(), abs=1e-3)
    assert [1 - float(circle.get("cy")) / 260 for circle in circles] == pytest.approx(seen.tolist(), abs=1e-3)


def test_the_confusion_matrix_is_that_of_scikit_learn(multiclass_case):
    predictions = pd.read_parquet(multiclass_case.folder / "evaluation" / "predictions.parquet")
    said = predictions.filter(like="output_").to_numpy().argmax(axis=1)
    expected = confusion_matrix(predictions.target, said)
    shown = multiclass_case.report().tables("errors")[0]
    assert [[int(cell) for cell in row[1:]] for row in shown] == expected.tolist()


def test_of_many_classes_the_rarest_are_pooled_and_no_row_is_lost():
    rng = np.random.default_rng(2)
    target = np.minimum(rng.geometric(0.15, 4_000) - 1, 29).astype(float)
    said = np.minimum(rng.geometric(0.15, 4_000) - 1, 29)
    counts, names = confusion(target, said, tuple(f"class {k}" for k in range(30)))
    assert counts.shape == (12, 12)
    assert counts.sum() == 4_000
    assert names[-1] == "(others)"
    assert counts[0, 1] == np.sum((target == 0) & (said == 1))


def test_the_metric_of_each_part_is_that_of_pandas(regression_case):
    predictions = pd.read_parquet(regression_case.folder / "evaluation" / "predictions.parquet")
    losses = (predictions.target - predictions.output_0).abs()
    expected = losses.groupby(predictions["slice:carrier"]).agg(["count", "mean"])
    shown = {row[0]: row for row in regression_case.report().tables("slices")[0]}
    assert set(shown) == set(expected.index)
    for level, row in expected.iterrows():
        assert shown[level][1] == f"{int(row['count']):,}"
        assert float(shown[level][2]) == pytest.approx(row["mean"], abs=6e-4)


def test_parts_with_few_rows_are_pooled(case):
    target = np.linspace(0.0, 10.0, 100)
    made = case(target, target[::-1], slices={"town": ["large"] * 90 + [f"hamlet {k}" for k in range(10)]})
    assert [row[:2] for row in made.report().tables("slices")[0]] == [["large", "90"], ["10 others", "10"]]


def test_how_many_answers_are_off_by_how_much_is_what_numpy_says(regression_case):
    predictions = pd.read_parquet(regression_case.folder / "evaluation" / "predictions.parquet")
    half, most = np.quantile((predictions.target - predictions.output_0).abs(), [0.5, 0.9])
    assert (
        f"are within {half:.2f} of the truth, nine of ten within {most:.2f}"
        in regression_case.report().words.replace("  ", " ")
    )


def test_a_curve_runs_through_the_dots_that_are_named_on_it(regression_case):
    drawing = regression_case.report().drawing("How many answers are off by how much?")
    path = next(path for path in drawing.iter("path") if path.get("class") == "line ours")
    points = np.array([float(number) for number in re.findall(r"[\d.]+", path.get("d"))]).reshape(-1, 2)
    dots = [(10 * float(circle.get("cx")[:-1]), float(circle.get("cy"))) for circle in drawing.iter("circle")]
    assert len(dots) == 2
    for across, down in dots:
        assert np.interp(across, *points.T) == pytest.approx(down, abs=1.0)


def test_the_metric_by_day_is_that_of_pandas(regression_case):
    predictions = pd.read_parquet(regression_case.folder / "evaluation" / "predictions.parquet")
    by_day = (predictions.target - predictions.output_0).abs().groupby(predictions.time.dt.date).mean()
    drawing = regression_case.report().drawing("Is it as good every day?")
    heights = [float(circle.get("cy")) for circle in drawing.iter("circle")]
    assert len(heights) == len(by_day)
    fit = np.polyfit(by_day.to_numpy(), heights, 1)
    assert np.polyval(fit, by_day.to_numpy()) == pytest.approx(heights, abs=0.2)


def test_a_density_shows_every_row_that_the_axes_hold(regression_case):
    drawing = regression_case.report().drawing("Does it answer what came true?")
    shades = [path.get("d") for path in drawing.iter("path") if "shade" in path.get("class", "")]
    assert shades
    covered = sum(int(length) for path in shades for length in re.findall(r"h(\d+)v", path))
    assert 100 < covered < 44 * 44


def test_few_rows_are_drawn_one_by_one(case):
    target = np.linspace(0.0, 10.0, 50)
    drawing = case(target, target + np.sin(target)).report().drawing("Does it answer what came true?")
    assert len(list(drawing.iter("circle"))) >= 45


@pytest.mark.parametrize(
    ("target", "outputs"),
    [
        (np.zeros(40), np.linspace(0.0, 1.0, 40)),
        (np.linspace(0.0, 1e-9, 40), np.linspace(0.0, 1e-9, 40)[::-1]),
        (np.linspace(-3e12, 5e12, 40), np.linspace(-3e12, 5e12, 40) * 0.9),
        (np.linspace(0.0, 1.0, 40), np.linspace(0.0, 1.0, 40)),
        (np.array([1.0, 2.0]), np.array([1.5, 1.7])),
    ],
)
def test_values_of_any_size_can_be_drawn(case, target, outputs):
    page = case(target, outputs).report()
    assert page.section("errors")
    drawn = [value for drawing in page.drawings() for part in drawing.iter() for value in part.attrib.values()]
    assert not re.search(r"\b(nan|inf)\b", " ".join(drawn))


def test_what_moved_is_shown_bin_by_bin_as_the_monitor_counted_it():
    from deploy.report.moved import moved
    from tests.deploy.report.made import monitored

    column = next(column for column in monitored()["columns"] if column["drifted"])
    (table,) = moved([column])
    assert len(table.rows) == len(column["bars"])
    for row, bar in zip(table.rows, column["bars"], strict=True):
        assert row[0].text == bar["label"]
        assert float(row[2].text.strip("<>\u00a0%")) == pytest.approx(100 * bar["before"], abs=0.51)
        assert float(row[3].text.strip("<>\u00a0%")) == pytest.approx(100 * bar["after"], abs=0.51)
