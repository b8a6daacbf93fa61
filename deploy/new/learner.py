"""LightGBM's parameters for a number of rows."""

from __future__ import annotations

from ml.metrics import Task

Parameters = dict[str, bool | int | float | str]


def _trees(iterations: int, leaves: int, rate: float, fewest: int) -> Parameters:
    return {
        "num_iterations": iterations,
        "num_leaves": leaves,
        "learning_rate": rate,
        "min_data_in_leaf": fewest,
    }


FEW_ROWS = 2_000
# Up to so many training rows. Few rows are learnt by heart unless trees are small, learn slowly, and each sees another
# part of the rows and columns.
PARTS: Parameters = {"bagging_freq": 1, "bagging_fraction": 0.7}
SIZES: tuple[tuple[float, Parameters], ...] = (
    (200, {**_trees(100, 4, 0.05, 5), **PARTS, "feature_fraction": 0.5}),
    (500, {**_trees(150, 4, 0.05, 15), **PARTS, "feature_fraction": 0.6, "lambda_l2": 1}),
    (FEW_ROWS, {**_trees(200, 6, 0.05, 20), **PARTS, "feature_fraction": 0.6, "lambda_l2": 1}),
    (20_000, _trees(150, 15, 0.1, 20)),
    (float("inf"), _trees(200, 31, 0.1, 50)),
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
    sized = dict(next(sizes for most, sizes in SIZES if rows <= most))
    if task == "classification" and classes > 2:
        sized["num_iterations"] = min(int(sized["num_iterations"]), max(20, MOST_TREES // classes))
    objective: Parameters = {"objective": "regression_l1"} if metric == "mae" else {}
    return {**objective, **sized, **(_for_categories(rows) if categories else {})}


def reason(rows: int) -> str:
    """Why those, for a comment."""
    few = "small trees of parts of the rows and columns, as few rows are soon learnt by heart"
    return f"for {rows:,} training rows: " + (few if rows <= FEW_ROWS else "the more rows, the more leaves")


def _for_categories(rows: int) -> Parameters:
    """LightGBM ignores a category of fewer rows than `cat_smooth`: its own 10 leaves out most of many levels."""
    return {"cat_smooth": 2 if rows <= SIZES[0][0] else 5, "min_data_per_group": min(25, max(5, rows // 50))}
