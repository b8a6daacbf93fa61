"""Spares a process the import of pandas, which takes longer than the work of most steps."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import FrameType, ModuleType

# scikit-learn looks for both and does without: pandas for data frames, pytest for helpers of its own tests.
HIDDEN_FROM_SKLEARN = ("pandas", "pytest")


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not looked for here", name="pandas")


class _NotForSklearn(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in HIDDEN_FROM_SKLEARN and _importer().partition(".")[0] == "sklearn":
            raise ModuleNotFoundError(f"{fullname} is not found by scikit-learn here", name=fullname)


def _importer() -> str:
    """The name of the module whose import statement is being carried out."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("importlib."):
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__"))


def without_pandas() -> None:
    """Lets pyarrow look for pandas now, and not find it.

    pyarrow imports pandas, where it is installed, as soon as the first array is made, and asks only
    once. For processes that make no data frame of a table; pandas itself can still be imported.
    """
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


def sklearn_without_pandas() -> None:
    """Keeps scikit-learn from importing pandas from now on; everybody else still can.

    It looks for it at its own import and again in the first `fit` or `predict`. Where pandas has been
    imported by somebody else, it is found, and data frames are taken as ever.
    """
    if not any(isinstance(finder, _NotForSklearn) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NotForSklearn())
