"""LightGBM's parameters as LightGBM itself knows them, asked through its C API in milliseconds."""

from __future__ import annotations

import ctypes
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ml.learners.parameters import Asked, Value, unknown
from ml.model.booster import FLOAT64, library
from ml.model.encoder import Feature
from ml.problem import Problem

FLOAT32 = 0
LIST_BYTES = 2**20
ROWS = 60
PLACE_IN_SOURCE = re.compile(r" at \S+, line \d+ \.\s*$")
ELSEWHERE = {"seed": "model.seed", "num_machines": "model.nodes", "machines": "model.nodes"}
# What depends on the computer that learns, which need not be this one.
OF_THE_COMPUTER = ("device_type", "gpu_platform_id", "gpu_device_id", "gpu_use_dp", "num_gpu", "tree_learner")
Flaws = Iterator[tuple[tuple[str, ...], str]]


@cache
def names() -> Mapping[str, str]:
    """Every name that LightGBM takes with the parameter that it stands for; a parameter stands for itself."""
    length, text = ctypes.c_int64(), ctypes.create_string_buffer(LIST_BYTES)
    library().LGBM_DumpParamAliases(ctypes.c_int64(LIST_BYTES), ctypes.byref(length), text)
    aliases: dict[str, list[str]] = json.loads(text.value)
    return {name: main for main, others in aliases.items() for name in (main, *others)}


def canonical(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """The parameters by their own names, so that an alias is not taken for another beside a default."""
    return {names().get(name, name): value for name, value in parameters.items()}


def flaws(problem: Problem, parameters: Sequence[Asked]) -> Flaws:
    """By place, what LightGBM does not take: names first, then the values of those that it knows."""
    sound: list[Asked] = []
    for one in parameters:
        main = names().get(one.name)
        twin = next((s.name for s in sound if names()[s.name] == main and s.place[:-1] == one.place[:-1]), one.name)
        if main is None:
            yield one.place, unknown(one.name, list(names()), "LightGBM")
        elif main in ELSEWHERE:
            yield one.place, f"`{ELSEWHERE[main]}` says this"
        elif twin != one.name:
            yield one.place, f"it is the same parameter as `{twin}`"
        else:
            sound.append(one)
    yield from _unfit_values(problem, [one for one in sound if names()[one.name] not in OF_THE_COMPUTER])


def _unfit_values(problem: Problem, parameters: Sequence[Asked]) -> Flaws:
    """The problem's own values, which LightGBM takes together or not, then each of a sweep's beside them."""
    own = {names()[one.name]: one for one in parameters if one.place[1] == "parameters"}
    while refusal := _refusal(problem, {name: one.value for name, one in own.items()}):
        guilty = next((name for name, one in own.items() if _refusal(problem, {name: one.value}) == refusal), None)
        if guilty is None:
            yield ("model", "parameters"), refusal
            return
        yield own.pop(guilty).place, refusal
    for one in parameters:
        if one.place[1] == "sweep":
            values = {name: other.value for name, other in own.items()}
            if refusal := _refusal(problem, {**values, names()[one.name]: one.value}):
                yield one.place, refusal


def _refusal(problem: Problem, parameters: Mapping[str, Value]) -> str:
    """What LightGBM says against learning from a few rows in the problem's shape; empty where it would.

    The targets are such as every objective takes: between 0 and 1, or classes from 0.
    """
    width = sum(len(Feature(name, kind, False).outputs) for name, kind in problem.columns.features.items())
    classes = int(parameters.get("num_class", 2)) if problem.task == "classification" else 0
    target = np.arange(ROWS) % classes if classes else (np.arange(ROWS) % 4 + 1) / 5
    matrix = np.random.default_rng(0).random((ROWS, width))
    objective = "regression" if problem.task == "regression" else "binary"
    given = {"objective": objective, "num_class": 1, **parameters, "verbosity": -1, "num_threads": 1}
    with _silent_stderr():
        return _asked(matrix, target.astype(np.float32), " ".join(f"{k}={v}" for k, v in given.items()).encode())


def _asked(matrix: NDArray[np.float64], target: NDArray[np.float32], parameters: bytes) -> str:
    """LightGBM's own word: it makes the rows its own, and a booster for them."""
    lightgbm, data, booster = library(), ctypes.c_void_p(), ctypes.c_void_p()
    rows, width = matrix.shape
    try:
        status = lightgbm.LGBM_DatasetCreateFromMat(
            matrix.ctypes.data_as(ctypes.c_void_p), FLOAT64, rows, width, 1, parameters, None, ctypes.byref(data)
        )
        address = target.ctypes.data_as(ctypes.c_void_p)
        status = status or lightgbm.LGBM_DatasetSetField(data, b"label", address, rows, FLOAT32)
        status = status or lightgbm.LGBM_BoosterCreate(data, parameters, ctypes.byref(booster))
        return PLACE_IN_SOURCE.sub("", lightgbm.LGBM_GetLastError().decode(errors="replace")) if status else ""
    finally:
        for handle, free in ((booster, lightgbm.LGBM_BoosterFree), (data, lightgbm.LGBM_DatasetFree)):
            if handle:
                free(handle)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """The library writes what it refuses to the process's stderr too, whatever callback it has."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
