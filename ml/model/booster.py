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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.fault import Fault, invalid

FLOAT64 = 1
NORMAL = 0
FROM_FIRST, TO_LAST = 0, -1


@cache
def library() -> ctypes.CDLL:
    """LightGBM's shared library.

    Raises:
        Fault: it is not installed, or does not load.
    """
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
    library.LGBM_RegisterLogCallback(_SILENT)
    return library


# The library prints its warnings on stdout, where the server tells its port and the command line its JSON.
_SILENT = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(lambda line: None)


def _check(status: int) -> None:
    if status != 0:
        raise _fault()


def _fault() -> Fault:
    return Fault(f"LightGBM: {library().LGBM_GetLastError().decode(errors='replace')}")


def _require_whole(path: Path, width: int) -> None:
    """LightGBM reads on past the end of a torn file and takes the process with it, so that is seen before."""
    header, _, rest = path.read_bytes().partition(b"\n\n")
    fields = dict(line.partition(b"=")[::2] for line in header.splitlines())
    trees = sum(int(size) for size in fields.get(b"tree_sizes", b"").split())
    if not trees or not rest[trees:].startswith(b"end of trees"):
        raise invalid("is torn, or no model of LightGBM's", str(path), "fetch the model anew")
    features = int(fields.get(b"max_feature_idx", -2)) + 1
    if features != width:
        raise invalid(f"takes {features} columns; its encoder makes {width}", str(path), "fetch the model anew")


class Booster:
    """A loaded model. Not for several threads at once: the single-row call shares one buffer.

    Attributes:
        width: the number of encoded columns of a row.
        classes: numbers per row: 1 for regression and two classes, otherwise the number of classes.

    Raises:
        Fault: the file is no whole model of `width` columns.
    """

    def __init__(self, path: Path, width: int, threads: int = 0) -> None:
        self._library, self._handle = library(), ctypes.c_void_p()
        self.width = width
        _require_whole(path, width)
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
        self._row_predict = self._library.LGBM_BoosterPredictForMatSingleRowFast
        self._row_length = ctypes.c_int64()
        self._row: NDArray[np.float64] | None = None
        self._row_arguments: tuple[Any, ...] = ()

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
        """The outputs of one contiguous row of `width` numbers; the array is reused by the next call.

        Asked with the same array again, as a server does, it does not look the addresses up anew.
        """
        if row is not self._row:
            self._row, self._row_arguments = row, self._arguments_for(row)
        if self._row_predict(*self._row_arguments) != 0:
            raise _fault()
        return self._row_output

    def _arguments_for(self, row: NDArray[np.float64]) -> tuple[Any, ...]:
        if row.shape != (self.width,) or row.dtype != np.float64 or not row.flags.c_contiguous:
            raise ValueError(f"a row is {self.width} contiguous float64 numbers, not {row.dtype} {row.shape}")
        pointers = (ctypes.c_void_p(array.ctypes.data) for array in (row, self._row_output))
        return self._row_call, next(pointers), ctypes.byref(self._row_length), next(pointers)

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
