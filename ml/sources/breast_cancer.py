"""Breast tumours described by the cell nuclei in a digitised image, from scikit-learn's bundled file.

Wisconsin Diagnostic Breast Cancer (Street, Wolberg and Mangasarian, 1993). scikit-learn is not imported,
which takes a second; the names of the columns are those of its `load_breast_cancer`.
"""

from __future__ import annotations

import csv
from pathlib import Path

from ml.fault import Fault, entry
from ml.lean import without_pandas
from ml.sources import command, files_of

FILE = "breast_cancer.parquet"
REQUIREMENT = "scikit-learn==1.9.1"
MEASURES = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points",
    "symmetry", "fractal dimension",
)  # fmt: skip
FEATURES = (
    *(f"mean {measure}" for measure in MEASURES),
    *(f"{measure} error" for measure in MEASURES),
    *(f"worst {measure}" for measure in MEASURES),
)


def make(folder: Path) -> Path:
    """Writes `breast_cancer.parquet`, the same bytes each time.

    Raises:
        Fault: scikit-learn is not installed, or its file has another form than is known here.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = files_of("sklearn", REQUIREMENT) / "datasets" / "data" / "breast_cancer.csv"
    if not path.is_file():
        raise Fault("the package lacks a file", str(path), f"pip install {REQUIREMENT}")
    with path.open(encoding="utf-8", newline="") as file:
        (_, width, *classes), *rows = csv.reader(file)
    if int(width) != len(FEATURES):
        raise Fault(f"the file has {width} features, not {len(FEATURES)}", str(path), f"pip install {REQUIREMENT}")
    *features, diagnosis = zip(*rows, strict=True)
    table = {name: pa.array(map(float, values)) for name, values in zip(FEATURES, features, strict=True)}
    labels = [classes[int(number)] for number in diagnosis]
    sample = [f"{number:03d}" for number in range(len(rows))]
    pq.write_table(pa.table({"sample": sample, **table, "diagnosis": labels}), folder / FILE)
    return folder / FILE


@entry
def main() -> None:
    """The process."""
    without_pandas()
    command(make, __doc__)


if __name__ == "__main__":
    main()
