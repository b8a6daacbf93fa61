from __future__ import annotations

import pyarrow as pa
import pytest

from ml.raw.labels import labels


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["0", "1", "NA", "0"], ["0", "1", None, "0"]),
        (["yes", "no", "null"], ["yes", "no", None]),
        (["None", "Mild", "Severe"], ["None", "Mild", "Severe"]),
        (["NA", "DE"], ["NA", "DE"]),
        (["1.5", "nan"], ["1.5", None]),
        (["a", None], ["a", None]),
    ],
)
def test_a_word_for_missing_is_a_label_beside_words_and_missing_beside_amounts(
    values: list[str | None], expected: list[str | None]
) -> None:
    assert labels(pa.chunked_array([values], pa.string())).to_pylist() == expected
