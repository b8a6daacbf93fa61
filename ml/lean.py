"""Spares a process the import of pandas, which takes longer than the work of most steps."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

HIDDEN = ("pandas", "pytest")  # pytest: scikit-learn imports it, too, where it finds it


class _Hidden:
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in HIDDEN:
            told = f"this process does without {fullname}; to use it, take `without_pandas()` out of its `main`"
            raise ModuleNotFoundError(told, name=fullname)


def without_pandas() -> None:
    """Lets nobody in this process find pandas from now on; for the `main` of one that makes no data frame.

    pyarrow, scikit-learn and MLflow import it wherever they find it, some of them anew at each call, and do
    without where they do not.
    """
    sys.meta_path.insert(0, _Hidden())
