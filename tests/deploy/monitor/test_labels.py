"""Labels from files, joined to the rows that were asked."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.monitor.asked import Asked, about_schema
from deploy.monitor.labels import join_labels
from ml.fault import Fault
from ml.model.model import Card

CARD = Card(
    problem="p", task="regression", answer="label", target="delay", classes=(), carried=("flight",),
    identifier="flight", time=None, group=None, trained_from=None, trained_until=None, rows=1, dummy=(0.0,),
)  # fmt: skip
TEXT = replace(CARD, task="classification", classes=("no", "yes"))


@pytest.fixture
def asked() -> Asked:
    """Three requests, the second of two rows; the last row carries no id."""
    about = [("r1", 0, "f1"), ("r2", 0, "f2"), ("r2", 1, "f3"), ("r3", 0, None)]
    known = [{"request_id": request, "row": row} for request, row, _ in about]
    rows = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "flight": pa.array([flight for *_, flight in about], pa.string())})
    return Asked(pa.Table.from_pylist(known, about_schema()), rows, None)


@pytest.fixture
def write(tmp_path):
    def written(text: str):
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_labels_join_by_the_problems_id(asked, write):
    labels = join_labels(write("flight,delay\nf3,30\nf1,-2.5\n"), asked, CARD)
    assert labels.targets.to_pylist() == [-2.5, None, 30.0, None]
    assert (labels.key, labels.unmatched, labels.known.tolist()) == ("flight", 0, [True, False, True, False])


def test_labels_join_by_request_and_row(asked, write):
    labels = join_labels(write("request_id,row,delay\nr2,1,30\nr2,0,20\nr3,0,40\n"), asked, CARD)
    assert labels.targets.to_pylist() == [None, 20.0, 30.0, 40.0]
    assert labels.key == "request_id"


def test_requests_of_one_row_need_no_row(asked, write):
    assert join_labels(write("request_id,delay\nr1,5\nr3,7\n"), asked, CARD).targets.to_pylist() == [
        5,
        None,
        None,
        7,
    ]


def test_a_request_of_several_rows_does(asked, write):
    with pytest.raises(Fault, match=r"row 3, column `request_id`: the request has several rows → add a column `row`"):
        join_labels(write("request_id,delay\nr1,5\nr2,7\n"), asked, CARD)


def test_an_empty_label_has_not_come_and_one_without_a_row_is_counted(asked, write):
    labels = join_labels(write("flight,delay\nf1,\nf2,3\nf9,4\n"), asked, CARD)
    assert labels.targets.to_pylist() == [None, 3.0, None, None]
    assert labels.unmatched == 1


def test_a_label_that_comes_later_than_its_empty_row_counts(asked, write):
    assert join_labels(write("flight,delay\nf1,\nf1,8\n"), asked, CARD).targets.to_pylist()[0] == 8.0


def test_the_same_label_twice_is_harmless_and_another_is_refused_with_both_places(asked, write):
    assert join_labels(write("flight,delay\nf1,3\nf1,3\n"), asked, CARD).targets.to_pylist()[0] == 3.0
    with pytest.raises(Fault, match=r"row 4, column `delay`: another label than in .*row 3"):
        join_labels(write("flight,delay\nf2,\nf1,3\nf1,4\n"), asked, CARD)


def test_every_row_that_was_asked_with_an_id_gets_its_label(asked, write):
    twice = replace(asked, rows=asked.rows.set_column(1, "flight", pa.array(["f1", "f1", "f2", None])))
    assert join_labels(write("flight,delay\nf1,3\n"), twice, CARD).targets.to_pylist() == [
        3.0,
        3.0,
        None,
        None,
    ]


def test_classes_are_text_in_csv_and_in_parquet(asked, write, tmp_path):
    assert join_labels(write("flight,delay\nf1,yes\nf2,no\n"), asked, TEXT).targets.to_pylist()[:2] == [
        "yes",
        "no",
    ]
    pq.write_table(pa.table({"flight": ["f1", "f2"], "delay": [1, 0]}), tmp_path / "labels.parquet")
    assert join_labels(tmp_path / "labels.parquet", asked, TEXT).targets.to_pylist()[:2] == ["1", "0"]


def test_ids_that_are_numbers_join_as_they_stand(asked, write):
    numbered = replace(asked, rows=asked.rows.set_column(1, "flight", pa.array(["001", "1", "7", None])))
    assert join_labels(write("flight,delay\n1,3\n"), numbered, CARD).targets.to_pylist() == [
        None,
        3.0,
        None,
        None,
    ]


def test_a_problem_whose_own_id_is_called_request_id_joins_by_it(asked, write):
    own = replace(asked, rows=asked.rows.rename_columns(["x", "request_id"]))
    card = replace(CARD, identifier="request_id", carried=("request_id",))
    assert join_labels(write("request_id,delay\nf2,6\n"), own, card).targets.to_pylist() == [
        None,
        6.0,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flight,dealy\nf1,3\n", "there is no column `delay` → did you mean `dealy`"),
        ("id,delay\nf1,3\n", "there is no column `request_id` or the id `flight` to join labels by"),
        ("flight,delay\nf1,late\n", r"labels.csv, row 2, column `delay`: 'late' is not a number"),
        ("request_id,row,delay\nr1,0.5,3\n", r"row 2, column `row`: 0.5 is no row's place"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_place(asked, write, text, said):
    with pytest.raises(Fault, match=said):
        join_labels(write(text), asked, CARD)


def test_labels_that_meet_no_row_leave_all_unknown(asked, write):
    labels = join_labels(write("flight,delay\nf7,3\nf8,4\n"), asked, CARD)
    assert (labels.known.any(), labels.unmatched) == (False, 2)
