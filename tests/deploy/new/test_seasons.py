from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from deploy.new.seasons import season

RANDOM = np.random.default_rng(3)
NOISE = RANDOM.normal(size=2000)


def moments(days: int) -> list[dt.datetime]:
    hours = np.sort(RANDOM.integers(0, 24 * days, 2000))
    return [dt.datetime(2022, 1, 1) + dt.timedelta(hours=int(hour)) for hour in hours]


def told(times: list[dt.datetime], target: object, task: str = "regression") -> str:
    return season(pa.chunked_array([pa.array(times, pa.timestamp("us"))]), pa.chunked_array([pa.array(target)]), task)


def test_a_part_of_the_time_that_tells_the_target_is_named() -> None:
    times = moments(300)
    assert told(times, [t.weekday() + n for t, n in zip(times, NOISE, strict=True)]).startswith("its weekday tells")
    labels = ["night" if t.hour < 6 else "day" for t in times]
    assert told(times, labels, "classification") == "its hour tells 100% of the target"


def test_a_month_counts_only_where_every_month_was_seen_before() -> None:
    for days, expected in ((300, ""), (1000, "its month tells")):
        times = moments(days)
        assert told(times, [t.month + n for t, n in zip(times, NOISE, strict=True)]).startswith(expected)
        assert bool(told(times, [t.month + n for t, n in zip(times, NOISE, strict=True)])) == bool(expected)


def test_chance_tells_nothing() -> None:
    for start in range(0, 2000, 250):  # 24 hours explain a tenth of so few rows
        part = slice(start, start + 250)
        assert told(moments(1000)[part], NOISE[part]) == ""
