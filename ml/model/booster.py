"""A LightGBM model through the C API of its shared library.

The Python package `lightgbm` is not imported: it pulls in pandas and scikit-learn (2.8 s), and answers
one row in 17 µs where the library's own single-row call takes 3 to 7.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.fault import Fault

FLOAT64 = 1
NORMAL = 0
FROM_FIRST, TO_LAST = 0, -1


@cache
def _library() -> ctypes.CDLL:
    spec = find_spec("lightgbm")
    name = {"darwin": "lib_lightgbm.dylib", "win32": "lib_lightgbm.dll"}.get(sys.platform, "lib_lightgbm.so")
    if spec is None or not spec.submodule_search_locations:
        raise Fault("LightGBM is not installed", remedy="install environments/serving/requirements.txt")
    path = Path(spec.submodule_search_locations[0]) / "lib" / name
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        remedy = "brew install libomp" if sys.platform == "darwin" else "apt-get install libgomp1"
        raise Fault(f"LightGBM's library does not load: {error}", str(path), remedy) from None
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


def _check(status: int) -> None:
    if status != 0:
        raise Fault(f"LightGBM: {_library().LGBM_GetLastError().decode()}")


class Booster:
    """A loaded model. Not for several threads at once: the single-row call shares one buffer.

    Attributes:
        width: the number of encoded columns of a row.
        classes: numbers per row: 1 for regression and two classes, otherwise the number of classes.
    """

    def __init__(self, path: Path, width: int, threads: int = 0) -> None:
        self._library, self._handle = _library(), ctypes.c_void_p()
        self.width = width
        iterations, classes = ctypes.c_int(), ctypes.c_int()
        _check(
            self._library.LGBM_BoosterCreateFromModelfile(
                str(path).encode(), ctypes.byref(iterations), ctypes.byref(self._handle)
            )
        )
        _check(self._library.LGBM_BoosterGetNumClasses(self._handle, ctypes.byref(classes)))
        self.classes = classes.value
        self._parameters = f"num_threads={threads}".encode()
        self._row_output = np.zeros(self.classes, dtype=np.float64)
        self._row_call = self._prepare_row_call()

    def predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs of shape (rows,), or (rows, classes) where there are more than two classes."""
        matrix = np.ascontiguousarray(matrix, dtype=np.float64)
        rows, width = matrix.shape
        output = np.empty(rows * self.classes, dtype=np.float64)
        length = ctypes.c_int64()
        _check(
            self._library.LGBM_BoosterPredictForMat(
                self._handle, ctypes.c_void_p(matrix.ctypes.data), FLOAT64, ctypes.c_int32(rows),
                ctypes.c_int32(width), 1, NORMAL, FROM_FIRST, TO_LAST, self._parameters,
                ctypes.byref(length), ctypes.c_void_p(output.ctypes.data),
            )
        )  # fmt: skip
        return output if self.classes == 1 else output.reshape(rows, self.classes)

    def predict_row(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """The outputs of one contiguous row of `width` numbers; the array is reused by the next call."""
        length = ctypes.c_int64()
        _check(
            self._library.LGBM_BoosterPredictForMatSingleRowFast(
                self._row_call, ctypes.c_void_p(row.ctypes.data), ctypes.byref(length),
                ctypes.c_void_p(self._row_output.ctypes.data),
            )
        )  # fmt: skip
        return self._row_output

    def _prepare_row_call(self) -> ctypes.c_void_p:
        call = ctypes.c_void_p()
        _check(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle, NORMAL, FROM_FIRST, TO_LAST, FLOAT64, ctypes.c_int32(self.width),
                b"num_threads=1", ctypes.byref(call),
            )
        )  # fmt: skip
        return call

    def __del__(self) -> None:
        library = getattr(self, "_library", None)
        if library is not None and getattr(self, "_row_call", None):
            library.LGBM_FastConfigFree(self._row_call)
        if library is not None and self._handle:
            library.LGBM_BoosterFree(self._handle)
