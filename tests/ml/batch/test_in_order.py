from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ml.batch.in_order import AHEAD, in_order

SECONDS = 10.0


def test_results_come_in_the_order_of_the_items_however_the_work_ends() -> None:
    later = [threading.Event() for _ in range(4)]

    def work(item: int) -> int:
        """The first of each pair ends after the second."""
        if item % 2 == 0:
            assert later[item // 2].wait(SECONDS)
        else:
            later[item // 2].set()
        return item * item

    assert list(in_order(work, range(8), threads=2)) == [0, 1, 4, 9, 16, 25, 36, 49]


@pytest.mark.parametrize("threads", [1, 3])
def test_few_items_are_read_ahead_of_the_results(threads: int) -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            read.append(item)
            yield item

    for taken, result in enumerate(in_order(lambda item: item, items(), threads)):
        assert result == taken
        assert len(read) <= taken + threads + AHEAD


def test_the_first_exception_in_the_order_comes_out_and_no_more_work_begins() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item in (3, 4):
            raise ValueError(item)
        return item

    results = in_order(work, range(1000), threads=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)
    assert len(begun) < 10
    assert next(results, "the end") == "the end"


def test_closed_it_begins_no_more_work() -> None:
    begun: list[int] = []
    results = in_order(begun.append, range(1000), threads=2)
    next(results)
    results.close()
    assert len(begun) <= 2 + AHEAD
