"""LightGBM's parameters for a number of rows."""

from __future__ import annotations

from ml.metrics import Task

Parameters = dict[str, bool | int | float | str]
# Up to so many training rows: iterations, leaves, the fewest rows in a leaf.
SIZES = (
    (200, (50, 4, 3)),
    (2_000, (100, 7, 10)),
    (20_000, (150, 15, 20)),
    (float("inf"), (200, 31, 50)),
)
MOST_TREES = 2000  # of all classes together: LightGBM grows one for each class in every iteration


def parameters_of(rows: int, classes: int, categories: bool, task: Task, metric: str) -> Parameters:
    """What fits `rows` training rows: fewer leaves for fewer rows, so that noise is not learnt.

    Args:
        rows: that teach.
        classes: of the target; of no meaning for regression.
        categories: whether there is a feature of this kind.
        task: what the target is.
        metric: what decides between two models.
    """
    iterations, leaves, fewest = next(sizes for most, sizes in SIZES if rows <= most)
    parameters: Parameters = {"objective": "regression_l1"} if metric == "mae" else {}
    if task == "classification" and classes > 2:
        iterations = min(iterations, max(20, MOST_TREES // classes))
    parameters |= {
        "num_iterations": iterations,
        "num_leaves": leaves,
        "learning_rate": 0.1,
        "min_data_in_leaf": fewest,
    }
    return {**parameters, **_for_categories(rows)} if categories else parameters


def _for_categories(rows: int) -> Parameters:
    """LightGBM ignores a category of fewer rows than `cat_smooth`: its own 10 leaves out most of many levels."""
    return {"cat_smooth": 2 if rows <= SIZES[0][0] else 5, "min_data_per_group": min(25, max(5, rows // 50))}
