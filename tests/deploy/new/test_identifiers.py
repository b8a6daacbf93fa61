from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from deploy.new.guess import guess
from deploy.new.identifiers import identifier, why_it_names_rows

ROWS = 200
PLACE = "row {}".format
NUMBERS = [n * 7 % 1009 for n in range(ROWS)]


def found_in(**values: list[object]) -> str | None:
    columns = {name: pa.chunked_array([pa.array(column)]) for name, column in values.items()}
    return identifier({name: guess(column, PLACE) for name, column in columns.items()}, columns)


@pytest.mark.parametrize(
    "name", ["id", "ID", "order_id", "OrderId", "PassengerId", "order id", "uuid", "Order-No", "sku_code"]
)
def test_a_column_that_differs_in_every_row_and_is_named_so_is_the_id(name: str) -> None:
    assert found_in(amount=NUMBERS, **{name: NUMBERS}) == name
    assert found_in(amount=NUMBERS, **{name: [f"{n:04d}" for n in NUMBERS]}) == name


def test_codes_that_differ_in_every_row_are_the_id_whatever_their_name() -> None:
    assert found_in(tail=[f"N{n}" for n in NUMBERS]) == "tail"
    assert found_in(tail=[f"N {n}" for n in NUMBERS]) is None
    assert found_in(amount=[f"{n}" for n in NUMBERS]) is None


@pytest.mark.parametrize("name", ["paid", "valid", "humid", "amount"])
def test_other_names_make_no_id_of_a_number(name: str) -> None:
    assert found_in(**{name: NUMBERS}) is None


def test_an_id_differs_in_every_row_and_is_nowhere_missing() -> None:
    assert found_in(id=[1, 1, *NUMBERS]) is None
    assert found_in(id=[*NUMBERS, None]) is None
    assert found_in(id=[n + 0.5 for n in NUMBERS]) is None


def why(name: str, values: list[object]) -> str:
    column = pa.chunked_array([pa.array(values)])
    return why_it_names_rows(name, guess(column, PLACE), column, PLACE)


def test_a_running_number_says_nothing() -> None:
    assert why("Unnamed: 0", list(range(ROWS))) == "a running number"
    assert why("row", [str(n + 1) for n in range(ROWS)]) == "a running number"
    assert why("amount", NUMBERS) == ""


def test_an_id_of_many_values_says_nothing_and_of_few_perhaps_something() -> None:
    assert "names something" in why("customer_id", [n % 60 for n in range(ROWS)])
    assert "names something" in why("customer_id", [f"c{n % 60}" for n in range(ROWS)])
    assert why("shop_id", [n % 5 for n in range(ROWS)]) == ""


def test_whole_numbers_of_one_length_that_hardly_repeat_are_names_and_others_amounts() -> None:
    random = np.random.default_rng(0)
    codes = random.permutation(np.arange(100_000, 900_000, 37))[:ROWS].tolist()
    told = f"nearly every row has a number of its own, each of 6 digits (row 0: '{codes[0]}'): names?"
    assert why("customer", codes) == told
    assert why("customer", [str(code) for code in codes]) == told
    assert "each of 6 digits (row 1:" in why("customer", [None, *codes[1:]])
    assert why("amount", random.lognormal(9, 2, ROWS).astype(int).tolist()) == ""
    assert why("amount", [code // 1000 * 1000 for code in codes]) == ""


def test_long_whole_numbers_that_differ_in_every_row_are_the_id() -> None:
    codes = [2**60 + 3 * n for n in range(ROWS)]
    assert found_in(amount=NUMBERS, booking=codes) == "booking"
    assert found_in(amount=NUMBERS, booking=[str(code) for code in codes]) == "booking"
