"""A problem: the expected output, the task, the data and the success criteria, from one strict YAML file."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ml.fault import invalid
from ml.metrics import METRICS, Task
from ml.strict_yaml import Strict, load

PROBLEMS = Path(__file__).parent / "problems"

StepName = Literal["ingest", "prepare", "sweep", "train", "evaluate"]
Kind = Literal["number", "category", "boolean", "date"]
Number = Annotated[float, BeforeValidator(lambda v: float(v) if type(v) is int else v)]
Positive = Annotated[Number, Field(gt=0)]


def _endpoint_name(name: str) -> str:
    # An endpoint is named after its problem, so Azure's rule for endpoints is the rule here.
    if not re.fullmatch(r"[a-z](?:-?[a-z0-9]){2,31}", name) or len(name) > 32:
        raise ValueError("must be 3 to 32 lower-case letters, digits and single hyphens, starting with a letter")
    return name


def _day(value: object) -> object:
    """YAML 1.2 has no dates of its own; ruamel reads one, so both a date and its text are taken."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a day such as 2013-06-01") from None
    return value


Day = Annotated[dt.date, BeforeValidator(_day)]
Name = Annotated[str, AfterValidator(_endpoint_name)]


class Data(Strict):
    """Where the rows come from: a file or folder, or a module of `ml/sources/` that makes them."""

    path: str | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Data:
        if (self.path is None) == (self.source is None):
            raise ValueError("name either `path` (a file or a folder) or `source` (a module of ml/sources)")
        return self


class Columns(Strict):
    """What each column is to the problem. A column that is not named here is not read."""

    target: str
    time: str | None = None
    group: str | None = None
    id: str | None = None
    features: dict[str, Kind] = Field(min_length=1)

    @model_validator(mode="after")
    def _apart(self) -> Columns:
        if self.target in self.features:
            raise ValueError(f"the target `{self.target}` is also a feature: the model would be told the answer")
        if self.id is not None and self.id in self.features:
            raise ValueError(f"the id `{self.id}` is also a feature: a model learns nothing from an id")
        for key, kind in ((self.time, "date"), (self.group, "category")):
            if key is not None and self.features.get(key, kind) != kind:
                raise ValueError(f"`{key}` is a time or group column, so as a feature it must be a {kind}")
        return self

    @property
    def carried(self) -> tuple[str, ...]:
        """Columns that a request may carry: they are collected and not used by the model."""
        named = (self.id, self.time, self.group)
        return tuple(dict.fromkeys(name for name in named if name and name not in self.features))


class Split(Strict):
    """Which rows teach, which judge, and which the stacks see as requests.

    Attributes:
        until: labelled rows end here; the newest row where it is not given.
        evaluation_days: with a time column, the last days before `until` judge.
        training_days: with a time column, only so many days before those teach; all where not given.
        live_days: with a time column, so many days from `until` on are sent as requests.
        evaluation_share: without a time column, the share of the rows (or groups) that judges.
        salt: which rows those are; `mlops new` searches one that keeps the target's shares alike.
    """

    until: Day | None = None
    evaluation_days: Annotated[int, Field(ge=1)] | None = None
    training_days: Annotated[int, Field(ge=1)] | None = None
    live_days: Annotated[int, Field(ge=1)] | None = None
    evaluation_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    salt: int = 0


class Range(Strict):
    """The values of a hyper-parameter from the least to the most, on a linear or logarithmic scale."""

    least: Number
    most: Number
    scale: Literal["linear", "log"] = "linear"
    whole: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.least >= self.most:
            raise ValueError("`least` must be below `most`")
        if self.scale == "log" and self.least <= 0:
            raise ValueError("on a logarithmic scale `least` must be above 0")
        return self


class Sweep(Strict):
    """A search for hyper-parameters; the rows that judge the model play no part in it.

    Attributes:
        parameters: by name, the values to choose from: a list or a range.
        trials: how many are tried, the problem's own parameters among them.
        at_once: how many of them run side by side on Azure ML.
        share: of the training rows, those that judge the trials: the last ones by time, or picked by a hash.
    """

    parameters: dict[str, Annotated[list[bool | int | float | str], Field(min_length=1)] | Range] = Field(min_length=1)
    trials: Annotated[int, Field(ge=2, le=1000)] = 20
    at_once: Annotated[int, Field(ge=1)] = 4
    share: Annotated[float, Field(gt=0, lt=1)] = 0.2


class Learner(Strict):
    """What learns: LightGBM, or an estimator of scikit-learn, with its parameters.

    Attributes:
        nodes: how many learn together (LightGBM): computers on Azure ML, processes on this machine.
        sweep: the search for better parameters, where there is one.
    """

    kind: Literal["lightgbm", "sklearn"] = "lightgbm"
    estimator: Literal["linear", "random_forest", "gradient_boosting"] | None = None
    parameters: dict[str, bool | int | float | str] = {}
    seed: int = 0
    nodes: Annotated[int, Field(ge=1)] = 1
    sweep: Sweep | None = None

    @model_validator(mode="after")
    def _named(self) -> Learner:
        if (self.kind == "sklearn") != (self.estimator is not None):
            raise ValueError("`estimator` belongs to kind `sklearn`, which needs it")
        if self.kind == "sklearn" and self.nodes > 1:
            raise ValueError("`nodes` belongs to kind `lightgbm`: scikit-learn learns on one")
        return self


class Slices(Strict):
    """Parts of the rows on which the candidate must not be worse than the champion by more than `margin`."""

    columns: list[str] = []
    margin: Annotated[Number, Field(ge=0)] | None = None
    smallest: Annotated[int, Field(ge=2)] = 200


class Success(Strict):
    """When a model is good enough.

    Attributes:
        metric: what decides between candidate and champion; a mean over rows.
        margin: how much worse than the champion the candidate may be, in the metric's unit.
        floors: the least that each metric must reach (the most, where lower is better).
        slices: parts of the rows that are looked at on their own.
        latency_ms: the 95th percentile of answering one row, in milliseconds.
        size_mb: the size of the model's files, in megabytes (10^6 bytes).
    """

    metric: str
    margin: Annotated[Number, Field(ge=0)]
    floors: dict[str, Number] = {}
    slices: Slices = Slices()
    latency_ms: Positive = 50.0
    size_mb: Positive = 200.0


class Problem(Strict):
    """One problem file.

    Attributes:
        compute: on Azure ML, by step, the word of a further cluster of the stack (`gpu`, `memory`); the
            stack's CPU cluster where a step is not named.
    """

    name: Name
    expected_output: str
    task: Task
    answer: Literal["label", "probability"] = "label"
    data: Data
    columns: Columns
    split: Split
    model: Learner = Learner()
    compute: dict[StepName, str] = {}
    success: Success

    @model_validator(mode="after")
    def _metrics_fit(self) -> Problem:
        for name in (self.success.metric, *self.success.floors):
            if name not in METRICS or METRICS[name].task != self.task:
                fitting = ", ".join(m.name for m in METRICS.values() if m.task == self.task)
                raise ValueError(f"metric `{name}` does not fit {self.task}; there are {fitting}")
        if METRICS[self.success.metric].row is None:
            raise ValueError(f"metric `{self.success.metric}` is no mean over rows and can only have a floor")
        return self

    @model_validator(mode="after")
    def _split_fits(self) -> Problem:
        by_time = self.split.evaluation_days is not None
        if by_time == (self.split.evaluation_share is not None):
            raise ValueError("split needs either `evaluation_days` (by time) or `evaluation_share`")
        if by_time != (self.columns.time is not None):
            raise ValueError("rows with a time column are split by `evaluation_days`, others by `evaluation_share`")
        return self

    @model_validator(mode="after")
    def _slices_known(self) -> Problem:
        known = {*self.columns.features, *self.columns.carried}
        for column in self.success.slices.columns:
            if column not in known:
                raise ValueError(f"slice `{column}` is neither a feature nor the id, time or group column")
        return self


def find(name: str) -> Path:
    """The file of a problem that is named by its name or by a path to its YAML.

    Raises:
        Fault: there is no such problem.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else PROBLEMS / f"{name}.yaml"
    if path.is_file():
        return path.resolve()
    known = ", ".join(sorted(p.stem for p in PROBLEMS.glob("*.yaml")))
    raise invalid(f"there is no problem `{name}`", str(path), f"known: {known}; `mlops new` makes one from a CSV")


def load_problem(path: Path) -> Problem:
    """The problem in a file.

    Raises:
        Fault: with every fault of the file at once.
    """
    problem = load(path, Problem)
    if problem.name != path.stem:
        raise invalid(f"the name `{problem.name}` is not the file's", str(path), f"name: {path.stem}")
    return problem


def data_path(problem: Problem, file: Path) -> Path | None:
    """Where the problem's raw rows lie; a relative path counts from the problem's file.

    Returns:
        The file or folder; None where a module of `ml/sources` makes the rows.
    """
    return None if problem.data.path is None else (file.parent / problem.data.path).resolve()
