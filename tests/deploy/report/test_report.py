import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.deploy.report.made import OURS, STABLE, labels_and_probabilities, monitored, outcome

CASES = ["regression_case", "binary_case", "multiclass_case"]
NASTY = [
    '<script>alert("x")</script>',
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} & `code` ]]> &amp;",
    "größe in µm — сырьё / 纹理",
    "before\x00\x1b\x0bafter",
    "turned \u202e around",
    "a" * 5_000,
]


@pytest.fixture(params=CASES)
def any_case(request):
    return request.getfixturevalue(request.param)


def test_a_report_is_html_whose_elements_are_all_closed_in_order(any_case):
    page = any_case.report({"dev": outcome(), "prod": outcome()}, monitored(), "2")
    assert page.text.startswith("<!doctype html>")
    identifiers = page.attributes("id")
    assert len(identifiers) == len(set(identifiers))


def test_every_drawing_is_well_formed_xml_and_tells_who_cannot_see_it_what_it_shows(any_case):
    drawings = list(any_case.report({"prod": outcome()}, monitored()).drawings())
    shown = [drawing for drawing in drawings if drawing.get("aria-hidden") != "true"]
    assert len(shown) > 20
    for drawing in shown:
        assert drawing.get("role") == "img"
        assert drawing.findtext("title")


def test_nothing_is_loaded_from_anywhere(any_case):
    page = any_case.report({"prod": outcome()}, monitored())
    places = [place for name in ("href", "src", "srcset", "xlink:href", "action") for place in page.attributes(name)]
    assert {place for place in places if not place.startswith("#")} == {"data:,"}
    assert not {tag for tag, _ in page.elements} & {"script", "iframe", "object", "embed", "form", "img"}
    assert "url(" not in page.text
    assert "@import" not in page.text
    assert any(content.startswith("default-src 'none'") for content in page.attributes("content"))


def test_the_headline_says_what_was_decided_and_what_became_of_it(regression_case):
    releases = {"dev": outcome(), "prod": outcome()}
    assert "Version 2 passed the gate and serves prod." in regression_case.report(releases, None, "2").words
    assert "This model passed the gate and serves dev." in regression_case.report({"dev": outcome()}).words
    assert "This model passed the gate." in regression_case.report().words


def test_a_rollback_is_told_with_its_reason(regression_case):
    page = regression_case.report({"dev": outcome(), "prod": outcome("rolled_back", "p95 latency 85 ms")}, None, "2")
    assert "Version 2 passed the gate, but prod went back to what it served." in page.words
    assert "prod: p95 latency 85 ms." in page.words


def test_a_refused_model_has_a_report_with_every_reason(case):
    target, outputs = labels_and_probabilities(2, 400)
    shuffled = case(
        np.random.default_rng(0).permutation(target), outputs, classes=("no", "yes"), success={"floors": {"auc": 0.9}}
    )
    page = shuffled.report()
    assert shuffled.verdict["decision"] == "FAIL"
    assert "The gate refused this model." in page.words
    assert all(reason in page.words for reason in shuffled.verdict["reasons"])
    assert "not met" in page.words


def test_a_verdict_that_is_open_is_called_so(case):
    rng = np.random.default_rng(1)
    target = rng.normal(0.0, 1.0, 60)
    outputs, champion = (target + rng.normal(0.0, 0.5, 60) for _ in range(2))
    undecided = case(target, outputs, champion, success={"margin": 0.01})
    assert undecided.verdict["decision"] == "INCONCLUSIVE"
    assert "The gate could not decide about this model." in undecided.report().words


def test_predictions_that_are_no_numbers_are_reported_without_pictures_of_them(case):
    outputs = np.linspace(0.0, 1.0, 200)
    outputs[7] = np.nan
    broken = case(np.linspace(0.0, 1.0, 200), outputs)
    page = broken.report()
    assert "What it answers are no numbers that could be judged." in page.words
    assert page.section("errors") is None
    assert broken.verdict["reasons"][0] in page.words


def test_the_numbers_are_those_of_the_verdict(regression_case):
    page, verdict = regression_case.report(), regression_case.verdict
    ours, theirs = (verdict["metrics"][side]["mae"] for side in ("candidate", "champion"))
    assert f"Its mae is {ours:.3f}, where the champion has {theirs:.3f}" in page.words
    intervals = {
        row[0]: row for table in page.tables("verdict") for row in table if row[0].startswith(("all", "carrier"))
    }
    for name in ("carrier=UA", "carrier=AA", "carrier=9E"):
        found = verdict["intervals"][f"slice {name}"]
        cells = intervals[name]
        assert cells[1] == f"{found['rows']:,}"
        assert float(cells[3].replace("−", "-")) == pytest.approx(found["point"], abs=0.006)
        bounds = [float(bound.replace("−", "-")) for bound in cells[4].split(" to ")]
        assert bounds == pytest.approx([found["lower"], found["upper"]], abs=0.006)
    assert all(check["sentence"] in page.words for check in verdict["checks"])


def test_an_interval_is_drawn_where_its_numbers_are(regression_case):
    verdict = regression_case.verdict
    drawings = {drawing.findtext("title"): drawing for drawing in regression_case.report().drawings()}
    places = {}
    for check in verdict["checks"]:
        if check["name"].startswith(("champion", "slice")) and check["sentence"] in drawings:
            drawing = drawings[check["sentence"]]
            line = next(line for line in drawing.iter("line") if "strong" in line.get("class", ""))
            found = verdict["intervals"][check["name"]]
            limit = next(line for line in drawing.iter("line") if "limit" in line.get("class", ""))
            places[found["lower"]] = _percent(line.get("x1"))
            places[found["upper"]] = _percent(line.get("x2"))
            places[check["threshold"]] = _percent(limit.get("x1"))
    values = sorted(places)
    fit = np.polyfit(values, [places[value] for value in values], 1)
    assert fit[0] > 0
    assert np.polyval(fit, values) == pytest.approx([places[value] for value in values], abs=0.1)


def test_the_criteria_are_those_of_the_problem_with_what_was_measured(regression_case):
    page, metrics = regression_case.report(), regression_case.verdict["metrics"]["candidate"]
    words = page.words
    assert "mae at most 6 at most 6" in words
    assert f"{metrics['r2']:.4f}" in words
    assert "0.0433 ms" in words
    assert "0.650 MB" in words
    assert f"All {len(regression_case.verdict['checks'])} checks hold." in words


@pytest.mark.parametrize("nasty", NASTY)
def test_names_of_columns_and_levels_stay_words(case, nasty):
    target, outputs = labels_and_probabilities(2, 300)
    made = case(
        target, outputs, champion=outputs[:, ::-1] * 0.2 + 0.4, classes=("no", nasty), named=nasty,
        slices={nasty + "s": [nasty] * 150 + ["other"] * 150}, importance={nasty: 1.0}, expected_output=nasty,
    )  # fmt: skip
    release = json.loads(json.dumps(outcome("rolled_back", nasty)).replace("event at 0.7", json.dumps(nasty)[1:-1]))
    page = made.report({"prod": release}, monitored(nasty), nasty)
    assert list(page.drawings())
    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    assert not page.attributes("onerror")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", page.text)
    shown = re.sub(r"\s+", " ", re.sub("[\x00-\x1f\u202e]", "\ufffd", nasty))[:12].rstrip("`")
    assert shown in page.words.replace("`", "")
    assert len(page.text) < 300_000


@pytest.mark.parametrize(
    "gone", ["evaluation", "model", "rows", "evaluation/measures.json", "evaluation/predictions.parquet"]
)
def test_what_was_deleted_since_has_no_place_in_the_report_and_does_not_break_it(any_case, gone):
    path = any_case.folder / gone
    path.rename(path.with_name("elsewhere"))
    page = any_case.report()
    assert page.section("verdict")
    assert page.section("origin")
    needed = ("evaluation", "evaluation/predictions.parquet")
    assert page.section("errors") is None or gone not in needed


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"decision": "ok"},
        {"decision": "drift", "reasons": ["it moved"], "columns": [], "periods": None, "performance": None},
        {"decision": "something new", "volume": {"rows": 12}},
        {**monitored(), "periods": [], "volume": {}},
        {
            **monitored(),
            "columns": [{k: v for k, v in c.items() if k not in ("bars", "role")} for c in monitored()["columns"]],
        },
    ],
)
def test_a_monitor_that_says_less_is_taken_as_it_is(regression_case, found):
    assert (regression_case.report(monitored=found).section("drift") is None) == (not found)


def test_a_release_without_events_is_told_in_the_headline_and_has_no_picture(regression_case):
    page = regression_case.report({"prod": {"result": "unchanged", "reason": "", "events": []}}, None, "3")
    assert "Version 3 passed the gate and serves prod." in page.words
    assert page.section("release") is None


def test_a_run_is_told_with_its_digests_and_the_time_of_its_steps(regression_case):
    run = regression_case.run
    origin = regression_case.report().section("origin")
    assert origin is not None
    assert all(digest in origin for digest in (run.model_digest, run.data_digest, run.git_commit))
    assert "ingest reused" in origin
    assert "train 7.2 s" in origin
    assert "1,234" in origin


def test_a_report_of_a_million_rows_stays_small(case):
    rng = np.random.default_rng(5)
    target = rng.gamma(2.0, 15.0, 2_000)
    made = case(target, target + rng.normal(0.0, 6.0, 2_000), slices={"city": ["x"] * 2_000})
    many = made.folder / "many"
    _predictions_of_many_rows(many, 1_000_000)
    (many / "measures.json").write_bytes((made.folder / "evaluation" / "measures.json").read_bytes())
    bars = [{"label": f"≤ {k}", "before": 0.08, "after": 0.09} for k in range(13)]
    column = {"statistic": "psi", "value": 0.3, "threshold": 0.2, "drifted": True, "bars": bars}
    found = {
        "decision": "drift",
        "reasons": ["x"] * 300,
        "columns": [{"name": f"column {k}", **column} for k in range(300)],
    }
    checks = [{**made.verdict["checks"][-1], "name": f"slice city={k}"} for k in range(300)]
    interval = made.verdict["intervals"]["dummy"]
    verdict = {
        **made.verdict,
        "checks": made.verdict["checks"] + checks,
        "intervals": made.verdict["intervals"] | {check["name"]: interval for check in checks},
    }
    large = replace(made, run=replace(made.run, evaluation=str(many)), verdict=verdict)
    page = large.report({"dev": outcome(), "prod": outcome()}, found)
    assert "1,000,000" in page.words
    assert len(page.text.encode()) < 300_000


def _predictions_of_many_rows(folder, rows):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(6)
    target = rng.gamma(2.0, 15.0, rows)
    cities = pa.DictionaryArray.from_arrays(rng.integers(0, 900, rows), [f"city {k}" for k in range(900)])
    table = {"target": target, "output_0": target + rng.normal(0.0, 6.0, rows), "slice:city": cities.cast(pa.string())}
    folder.mkdir()
    pq.write_table(pa.table(table), folder / "predictions.parquet")


def test_importing_it_costs_no_template_engine_and_no_table_library():
    code = "import sys, deploy.report.report; print({'jinja2', 'pyarrow', 'pandas', 'pydantic'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_traffic_is_drawn_as_it_was(regression_case):
    page = regression_case.report({"prod": outcome()})
    drawing = page.drawing("prod: who answered the requests?")
    bands = {look: _outline(drawing, look) for look in ("ours", "theirs")}
    height = max(y for _, y in bands["theirs"])
    width = 17.2 * 1.02
    ours = [(0.0, 0), (8.2, 10), (14.1, 50), (17.2, 100)]
    for (since, percent), until in zip(ours, [8.2, 14.1, 17.2, width], strict=True):
        middle = 1000 * (since + until) / 2 / width
        assert _height_at(bands["ours"], middle) == pytest.approx(percent / 100 * height, abs=0.02 * height)
        assert _height_at(bands["theirs"], middle) == pytest.approx((100 - percent) / 100 * height, abs=0.02 * height)
    assert f"{OURS} 60 1 31.4 4.25" in page.section("release")
    assert f"{STABLE} 540 0 21.7 4.50" in page.section("release")


def _percent(text):
    assert text.endswith("%")
    return float(text[:-1])


def _outline(drawing, look):
    path = next(path for path in drawing.iter("path") if path.get("class") == f"area {look}")
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.get("d"))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _height_at(outline, x):
    """The height of a band at a place: the distance between its lower and its upper edge there."""
    half = len(outline) // 2
    edges = (outline[:half], outline[half:][::-1])
    upper, lower = (np.interp(x, [p for p, _ in edge], [q for _, q in edge]) for edge in edges)
    return abs(upper - lower)
