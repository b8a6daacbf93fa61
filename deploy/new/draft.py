"""What a problem file says, completed from a profile: split, criteria, parameters."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from deploy.new.criteria import Criteria, criteria_of
from deploy.new.learner import Parameters, parameters_of
from deploy.new.parts import parts_of
from deploy.new.profile import Profile
from ml.problem import PROBLEMS, Split

REPOSITORY = PROBLEMS.parents[1]


@dataclass(frozen=True)
class Draft:
    """All that a problem file says.

    Attributes:
        path: of the data, as the file names it.
        teaching: how many rows teach.
    """

    name: str
    path: str
    profile: Profile
    split: Split
    criteria: Criteria
    parameters: Parameters
    teaching: int


def draft_of(name: str, profile: Profile, file: Path) -> Draft:
    """The problem `name`, to be written to `file`.

    Raises:
        Fault: the rows cannot be parted into some that teach and some that judge.
    """
    target, task = profile.columns.target, profile.task
    parts = parts_of(profile.rows, profile.columns, task)
    criteria = criteria_of(profile.rows, parts.judges, target, task, profile.features)
    classes = pc.count_distinct(profile.rows.column(target)).as_py()
    categories = any(column.kind == "category" for column in profile.features)
    teaching = int((~parts.judges).sum())
    parameters = parameters_of(teaching, classes, categories, task, criteria.metric)
    return Draft(name, named_path(profile.path, file), profile, parts.split, criteria, parameters, teaching)


def named_path(data: Path, file: Path) -> str:
    """The data's path as the problem file names it: relative to itself where both lie in the repository."""
    data, folder = data.resolve(), file.parent.resolve()
    if data.is_relative_to(REPOSITORY) and folder.is_relative_to(REPOSITORY):
        return Path(os.path.relpath(data, folder)).as_posix()
    return data.as_posix()
