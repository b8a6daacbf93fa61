"""What is kept of answered requests, and that keeping it never gets in the way."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ml.fault import Fault
from ml.serving.collection import Files, read_collected
from ml.serving.collector import Collector
from ml.serving.served import Served

SERVED = Served("blue", "delays", "3", "abc")
BODY = b'{"inputs": [{"size": 1, "kind": "a\\u00e9"}]}'
ANSWER = b'{"predictions":[1.5]}'


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


@pytest.fixture
def collecting(tmp_path: Path) -> Iterator[Callable[..., Collector]]:
    """Makes collectors into the test's folder."""
    made: list[Collector] = []

    def make(**wanted: Any) -> Collector:
        made.append(Collector(tmp_path, SERVED, **wanted))
        return made[-1]

    yield make
    for collector in made:
        collector.close()


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_was_answered_is_read_back(collecting: Callable[..., Collector], tmp_path: Path) -> None:
    before = dt.datetime.now(dt.UTC)
    collector = collecting()
    collector.offer("one", BODY, ANSWER)
    collector.offer(
        "two",
        b'{"input_data":\r\n {"columns": ["size", "kind"], "data": [[1, "x"],\n [2, null]]}}',
        b"[1.5,2]",
    )
    collector.offer("three", b'{"inputs": {"size": [1, 2]}}', b'{"predictions":["a","b"]}')
    collector.close()
    one, two, three = read_collected(tmp_path)
    assert (one.request_id, one.deployment, one.model, one.digest) == ("one", "blue", "delays:3", "abc")
    assert before <= one.time <= dt.datetime.now(dt.UTC)
    assert (one.rows, one.answers) == ([{"size": 1, "kind": "aé"}], [1.5])
    assert (two.rows, two.answers) == ([{"size": 1, "kind": "x"}, {"size": 2, "kind": None}], [1.5, 2])
    assert (three.rows, three.answers) == ([{"size": 1}, {"size": 2}], ["a", "b"])


def test_a_line_is_json_with_the_body_as_it_came(collecting: Callable[..., Collector], tmp_path: Path) -> None:
    collector = collecting()
    collector.offer("one", BODY, ANSWER)
    collector.close()
    (line,) = next(tmp_path.iterdir()).read_bytes().splitlines()
    assert list(json.loads(line)) == [
        "request_id",
        "time",
        "deployment",
        "model",
        "digest",
        "request",
        "response",
    ]
    assert BODY in line


def test_lines_are_on_disk_within_a_fifth_of_a_second(collecting: Callable[..., Collector], tmp_path: Path) -> None:
    collector = collecting()
    slowest = 0.0
    for i in range(5):
        start = time.monotonic()
        collector.offer(f"id{i}", BODY, ANSWER)
        until(lambda i=i: sum(1 for _ in read_collected(tmp_path)) == i + 1)
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < 0.2


def test_only_what_came_since_is_read(collecting: Callable[..., Collector], tmp_path: Path) -> None:
    collector = collecting()
    collector.offer("old", BODY, ANSWER)
    until(lambda: collector.written == 1)
    since = dt.datetime.now(dt.UTC)
    collector.offer("new", BODY, ANSWER)
    collector.close()
    assert [one.request_id for one in read_collected(tmp_path, since)] == ["new"]
    assert list(read_collected(tmp_path, dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))) == []


def test_a_collector_that_nothing_came_to_ends_at_once(collecting: Callable[..., Collector]) -> None:
    start = time.monotonic()
    collecting().close()
    assert time.monotonic() - start < 0.5


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert list(read_collected(tmp_path / "absent")) == []


def test_a_torn_last_line_is_passed_over_and_a_damaged_one_is_a_fault(
    collecting: Callable[..., Collector], tmp_path: Path
) -> None:
    collector = collecting()
    for i in range(3):
        collector.offer(f"id{i}", BODY, ANSWER)
    collector.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for cut in range(1, len(whole.splitlines(keepends=True)[-1])):
        path.write_bytes(whole[:-cut])
        assert [one.request_id for one in read_collected(tmp_path)] == ["id0", "id1"]
    path.write_bytes(whole.replace(b'"id1"', b'"id1'))
    with pytest.raises(Fault, match=r"\.jsonl:2: is damaged"):
        list(read_collected(tmp_path))


def test_the_folder_stays_within_its_bound_and_keeps_the_newest(
    collecting: Callable[..., Collector], tmp_path: Path
) -> None:
    collector, most = collecting(most=20_000), 0
    for i in range(400):
        collector.offer(f"id{i}", BODY, ANSWER)
        if i % 20 == 19:
            until(lambda i=i: collector.written == i + 1)
            most = max(most, size_of(tmp_path))
    kept = [one.request_id for one in read_collected(tmp_path)]
    assert most <= 20_000
    assert kept == [f"id{i}" for i in range(400 - len(kept), 400)]
    assert len(kept) > 40
    assert collector.dropped == 0


def test_several_processes_share_a_folder_and_its_bound(tmp_path: Path) -> None:
    first, second = Files(tmp_path, most=4_000), Files(tmp_path, most=4_000)
    for i in range(60):
        first.append(b"a%098d\n" % i)
        second.append(b"b%098d\n" % i)
        assert size_of(tmp_path) <= 4_000
    lines = [line for path in tmp_path.iterdir() for line in path.read_bytes().splitlines()]
    assert b"a%098d" % 59 in lines
    assert b"b%098d" % 59 in lines
    assert {len(line) for line in lines} == {99}


def test_a_writer_whose_file_was_removed_begins_another(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.append(b"one\n")
    next(tmp_path.iterdir()).unlink()
    files.append(b"two\n")
    assert next(tmp_path.iterdir()).read_bytes() == b"two\n"
    next(tmp_path.iterdir()).unlink()
    tmp_path.rmdir()
    files.append(b"three\n")
    assert next(tmp_path.iterdir()).read_bytes() == b"three\n"


def test_a_full_queue_drops_and_counts(collecting: Callable[..., Collector], monkeypatch: pytest.MonkeyPatch) -> None:
    collector = collecting(waiting=10_000)
    body = b'{"inputs": [{"size": 1, "text": "%s"}]}' % (b"x" * 1000)
    for i in range(50):
        collector.offer(f"id{i}", body, ANSWER)
    assert collector.dropped >= 40
    until(lambda: collector.written + collector.dropped == 50)
    assert collector.written >= 5


def test_a_line_that_no_file_can_hold_is_dropped(collecting: Callable[..., Collector], tmp_path: Path) -> None:
    collector = collecting(most=8_000)
    collector.offer("large", b'{"inputs": [{"text": "%s"}]}' % (b"x" * 2_000), ANSWER)
    collector.offer("small", BODY, ANSWER)
    collector.close()
    assert (collector.dropped, [one.request_id for one in read_collected(tmp_path)]) == (1, ["small"])


def test_a_share_of_the_requests_is_collected(collecting: Callable[..., Collector]) -> None:
    collector = collecting(share=0.25)
    for i in range(4_000):
        collector.offer(f"id{i}", BODY, ANSWER)
    collector.close()
    assert 800 < collector.written < 1_200  # over seven standard deviations
    assert collector.dropped == 0


def test_a_full_disk_drops_and_counts_and_leaves_no_torn_line(tmp_path: Path) -> None:
    # A limit on the size of files stands in for the disk: the write that meets it is cut short.
    code = f"""
import json, resource, sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from ml.serving.collector import Collector
from ml.serving.served import Served
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
collector = Collector(Path({str(tmp_path)!r}), Served())
def offer(many):
    for i in range(many):
        collector.offer(f"id{{i}}", {BODY!r}, {ANSWER!r})
    while collector._queue or collector.written + collector.dropped < offer.total + many:
        time.sleep(0.01)
    offer.total += many
offer.total = 0
for _ in range(20):
    offer(1)
full = (collector.written, collector.dropped)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
offer(5)
collector.close()
print(json.dumps([full, collector.written, collector.dropped]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    (written, dropped), later_written, later_dropped = json.loads(done.stdout)
    assert written >= 5
    assert dropped == 20 - written
    assert (later_written, later_dropped) == (written + 5, dropped)
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    assert len(list(read_collected(tmp_path))) == later_written


def test_an_answer_never_waits_for_a_disk_that_hangs(
    collecting: Callable[..., Collector], monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = collecting()
    reading, writing = os.pipe()
    try:
        real = os.write
        monkeypatch.setattr(os, "write", lambda file, data: os.read(reading, 1) and real(file, data))
        start = time.monotonic()
        for i in range(2_000):
            collector.offer(f"id{i}", BODY, ANSWER)
        assert time.monotonic() - start < 1.0
        assert collector.written == 0
        real(writing, b"x" * 1_000)
        until(lambda: collector.written == 2_000)
    finally:
        monkeypatch.undo()
        os.close(writing)
        os.close(reading)
