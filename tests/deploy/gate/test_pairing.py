import datetime as dt

import numpy as np
import pytest

from deploy.gate.pairing import paired
from ml.fault import Fault


def keyed(*names):
    return np.array(names, dtype=object)


def test_the_champions_rows_are_put_into_the_candidates_order(scored):
    candidate = scored([1, 2, 3], [1.1, 2.1, 3.1], keys=keyed("a", "b", "c"))
    champion = scored([3, 1, 2], [30, 10, 20], keys=keyed("c", "a", "b"), slices={"s": ["z", "x", "y"]})

    _, found = paired(candidate, champion)

    assert found.keys.tolist() == ["a", "b", "c"]
    assert found.outputs.tolist() == [10, 20, 30]
    assert [found.slices["s"].names[code] for code in found.slices["s"].codes] == ["x", "y", "z"]


def test_the_nth_of_equal_keys_is_paired_with_the_nth(scored):
    candidate = scored([1, 2, 1], [0, 0, 1], keys=keyed("a", "b", "a"))
    champion = scored([2, 1, 1], [5, 6, 7], keys=keyed("b", "a", "a"))

    assert paired(candidate, champion)[1].outputs.tolist() == [6, 5, 7]


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "d"), ("a", "b", "b")])
def test_other_rows_are_refused(scored, names):
    candidate = scored([1, 1, 1], [0, 1, 2], keys=keyed("a", "b", "c"))
    champion = scored([1] * len(names), range(len(names)), keys=keyed(*names))

    with pytest.raises(Fault, match="different rows"):
        paired(candidate, champion)


def test_other_targets_are_refused_with_the_row(scored):
    with pytest.raises(Fault, match="different targets, first at row 1"):
        paired(scored([1, 2, 3], [0, 1, 2]), scored([1, 9, 3], [0, 1, 2]))


def test_only_rows_later_than_the_champions_training_remain(scored):
    moments = np.array(["2013-05-01T00:00", "2013-05-02T00:00", "2013-05-02T00:01"], dtype="datetime64[us]")
    one, other = scored([1, 2, 3], [0, 1, 2], time=moments), scored([1, 2, 3], [3, 4, 5], time=moments)

    ours, theirs = paired(one, other, after=dt.datetime(2013, 5, 2))

    assert (ours.keys.tolist(), ours.outputs.tolist(), theirs.outputs.tolist()) == (["row 2"], [2], [5])


def test_rows_without_a_time_cannot_be_later_than_anything(scored):
    with pytest.raises(Fault, match="time column"):
        paired(scored([1, 2], [0, 1]), scored([1, 2], [0, 1]), after=dt.datetime(2013, 5, 2))


def test_classes_are_matched_by_name_not_by_number(scored):
    candidate = scored([0, 1], [[0.9, 0.1], [0.2, 0.8]], measures={"classes": ("no", "yes")})
    champion = scored([1, 0], [[0.3, 0.7], [0.6, 0.4]], measures={"classes": ("yes", "no")})

    ours, theirs = paired(candidate, champion)

    assert theirs.outputs.tolist() == [[0.7, 0.3], [0.4, 0.6]]
    assert theirs.target.tolist() == ours.target.tolist() == [0, 1]


def test_a_class_that_the_champion_never_saw_has_no_probability_with_it(scored):
    answers = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]
    candidate = scored([0, 1, 2], answers, measures={"classes": ("a", "b", "c")})
    champion = scored([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], measures={"classes": ("a", "c")})
    champion.target[1] = np.nan  # it has no number for b

    _, theirs = paired(candidate, champion)

    assert theirs.outputs.tolist() == [[0.9, 0.0, 0.1], [0.2, 0.0, 0.8], [0.5, 0.0, 0.5]]
    assert theirs.target.tolist() == [0, 1, 2]
