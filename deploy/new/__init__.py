"""Makes a problem of a CSV or Parquet file that nobody here has seen."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml.fault import invalid

if TYPE_CHECKING:
    from deploy.new.profile import Profile


@dataclass(frozen=True)
class Written:
    """A problem file that was written.

    Attributes:
        left_out: the columns that are not used, each with the reason.
        look_at: the other lines that a person should look at, by column or key.
    """

    name: str
    file: Path
    task: str
    rows: int
    features: dict[str, str]
    left_out: dict[str, str]
    look_at: dict[str, str]


def problem_file(name: str, out: Path | None = None, force: bool = False) -> Path:
    """Where the problem's file will be.

    Args:
        name: of the problem.
        out: a file that is named after the problem, or a folder; None is `ml/problems`.
        force: write over a file that is there.

    Raises:
        Fault: the name is no endpoint's name, the file is named otherwise, or it is there already.
    """
    from pydantic import TypeAdapter, ValidationError

    from ml.problem import PROBLEMS, Name

    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise invalid(f"the name `{name}` {reason}", "mlops new NAME", "such as `house-prices`") from None
    folder = PROBLEMS if out is None else out
    file = folder / f"{name}.yaml" if folder.is_dir() else folder
    if file.name != f"{name}.yaml":
        raise invalid(f"the file is not named after the problem `{name}`", f"--out {out}", f"{name}.yaml")
    if file.exists() and not force:
        raise invalid("the problem is there already", str(file), "choose another name, or write over it with --force")
    return file.absolute()


def write_problem(name: str, profile: Profile, file: Path) -> Written:
    """Completes the profile to a problem and writes its file, whole or not at all.

    Raises:
        Fault: the rows cannot be parted into some that teach and some that judge.
    """
    from deploy.new.document import render
    from deploy.new.draft import draft_of
    from ml.problem import load_problem

    text = render(draft_of(name, profile, file))
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".new-") as temporary:
        written = Path(temporary) / file.name
        written.write_text(text, encoding="utf-8")
        load_problem(written)
        written.replace(file)
    return Written(
        name,
        file,
        profile.task,
        profile.rows.num_rows,
        features={column.name: column.kind for column in profile.features},
        left_out={column.name: column.note for column in profile.left_out},
        look_at=_doubts(profile),
    )


def _doubts(profile: Profile) -> dict[str, str]:
    doubts = {column.name: column.note for column in profile.features if column.note}
    return {**({"task": profile.task_note} if profile.task_note else {}), **doubts}


def new(
    name: str,
    data: Path,
    target: str,
    time: str | None = None,
    group: str | None = None,
    identifier: str | None = None,
    out: Path | None = None,
    force: bool = False,
) -> Written:
    """The verb `mlops new`.

    Args:
        name: of the problem, and so of its endpoint.
        data: a CSV or Parquet file, or a folder of such files.
        target: the column to predict.
        time: the column that orders the rows in time.
        group: the column whose rows stay together on one side of the split.
        identifier: the column that names a row; guessed where it is not given.
        out: where to write; see `problem_file`.
        force: write over a file that is there.

    Raises:
        Fault: see `problem_file`, `deploy.new.profile.profile` and `write_problem`.
    """
    from deploy.new.profile import Keys, profile

    file = problem_file(name, out, force)
    return write_problem(name, profile(data, Keys(target, time, group, identifier)), file)
