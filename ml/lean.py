"""Spares a process the import of pandas, which takes longer than the work of most steps."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not looked for here", name="pandas")


@contextlib.contextmanager
def pandas_hidden() -> Iterator[None]:
    """While it is open, what looks for pandas does not find it; where it has been imported, nothing changes.

    For scikit-learn, which imports it and uses it for data frames alone.
    """
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def without_pandas() -> None:
    """Lets pyarrow look for pandas now, and not find it.

    pyarrow imports pandas, where it is installed, as soon as the first array is made, and asks only
    once. For processes that make no data frame of a table; pandas itself can still be imported.
    """
    import pyarrow as pa

    with pandas_hidden():
        pa.array([0])
