"""What the target makes of the task."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from deploy.new.guess import Guess
from ml.fault import invalid
from ml.metrics import Task
from ml.raw.cells import texts

MOST_CLASSES = 50
MOST_WHOLE_CLASSES = 10
ROWS_A_CLASS = 5
RARE = 20


def task_of(found: Guess, column: pa.ChunkedArray, where: str) -> tuple[Task, str]:
    """The task, and where a person should look.

    Args:
        found: what the target's column is.
        column: its raw values.
        where: the place that a fault names.

    Raises:
        Fault: the target does not vary, has too many classes, is a date, or has values that cannot be read.
    """
    if found.distinct < 2:
        problem = found.unfit if found.distinct == 0 else "it has one value"
        raise invalid(f"the target does not vary: {problem}", where, "choose a column that does")
    if found.kind == "date":
        raise invalid("the target is a date", where, "predict a number instead, such as the days until then")
    labelled = len(column) - found.missing
    if found.kind == "number" and found.unfit:
        raise invalid(f"the target cannot be read: {found.unfit}", where, "correct the file")
    if found.kind == "number" or found.whole:
        if not found.whole or found.distinct > MOST_WHOLE_CLASSES or labelled < ROWS_A_CLASS * found.distinct:
            return "regression", "" if found.kind == "number" else found.remark or found.unfit
        return "classification", "" if found.distinct == 2 else "classes, or amounts: then `regression`?"
    if found.distinct > MOST_CLASSES or labelled < ROWS_A_CLASS * found.distinct:
        message = f"the target has {found.distinct} different texts in {labelled} rows"
        remedy = f"choose another, or make at most {MOST_CLASSES} classes with {ROWS_A_CLASS} rows each"
        raise invalid(message, where, remedy)
    return "classification", "; ".join(filter(None, (found.remark, _rare(column))))


def _rare(column: pa.ChunkedArray) -> str:
    counts = texts(column).drop_null().value_counts().field("counts")
    fewest = pc.min(counts).as_py()
    return f"the rarest of {len(counts)} classes has {fewest} rows" if fewest < RARE else ""
