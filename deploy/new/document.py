"""A problem as YAML, with comments where a person should look."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from deploy.new.criteria import Criteria
from deploy.new.draft import Draft
from deploy.new.learner import reason
from deploy.new.profile import Column, Profile

WIDEST = 2**31 - 1  # no line is folded


def render(draft: Draft) -> str:
    """The text of the problem file."""
    parts = (
        _head(draft),
        _columns(draft.profile),
        _split(draft),
        _model(draft),
        _success(draft.criteria),
    )
    return "\n".join("\n".join(lines) + "\n" for lines in parts)


def _head(draft: Draft) -> Iterator[str]:
    profile, target = draft.profile, draft.profile.columns.target
    yield "# Written by `mlops new`, which guesses: read the lines with a comment."
    yield _line("name", draft.name)
    yield _line(
        "expected_output",
        f"The {target} of a row.",
        note="say what it is, in which unit, and when it is known",
    )
    yield _line("task", profile.task, note=profile.task_note)
    if profile.task == "classification":
        yield _line("answer", "label", note="or `probability`")
    yield ""
    yield "data:"
    yield _line("path", draft.path, 1, "a file, or a folder that grows")


def _columns(profile: Profile) -> Iterator[str]:
    keys = profile.columns
    yield "columns:"
    yield _line("target", keys.target, 1, f"missing in {profile.unlabelled}" if profile.unlabelled else "")
    if keys.time:
        use = "as a feature it tells" if keys.time in keys.features else "as a feature it would tell"
        yield _line("time", keys.time, 1, f"orders the rows; {use} its day, month, weekday and hour")
    if keys.group:
        yield _line("group", keys.group, 1, "its rows stay together; no feature, since new groups come")
    if keys.id:
        yield _line("id", keys.id, 1, "it differs in every row: is it the row's name?" if profile.guessed_id else "")
    else:
        yield "  # id: none; a hash of the features names a row, and labels join by request id only"
    yield "  features:"
    for column in profile.features:
        yield _line(column.name, column.kind, 2, column.note)
    if profile.left_out:
        yield "    # Left out; remove the # in front to use one."
    for column in profile.left_out:
        yield _commented(column)


def _commented(column: Column) -> str:
    lines = _line(column.name, column.kind, 0, column.note).split("\n")
    return "\n".join(f"    # {line}" for line in lines)


def _split(draft: Draft) -> Iterator[str]:
    split = draft.split
    yield "split:"
    if split.evaluation_days is not None:
        yield _line("evaluation_days", split.evaluation_days, 1, "the newest days judge, about a fifth of the rows")
        yield "  # until: 2030-01-01       # labelled rows end here; without it at the newest"
        yield "  # training_days: 365      # only so many days before those teach"
        return
    of = "groups" if draft.profile.columns.group else "rows"
    yield _line("evaluation_share", split.evaluation_share, 1, f"of the {of} judge, picked by a hash for ever")
    yield _line("salt", split.salt, 1, "which they are; chosen so that the target is alike on both sides")


def _model(draft: Draft) -> Iterator[str]:
    yield "model:"
    yield _line("kind", "lightgbm", 1)
    yield f"  parameters:  # {reason(draft.teaching)}"
    for name, value in draft.parameters.items():
        yield _line(name, value, 2)


def _success(criteria: Criteria) -> Iterator[str]:
    yield "success:"
    yield _line("metric", criteria.metric, 1)
    yield _line("margin", criteria.margin, 1, "so much worse than the champion is still good; what does it cost?")
    if criteria.floor is not None:
        yield "  floors:"
        said = f"at most; a constant reaches {criteria.dummy:.4g}, what would be useful?"
        yield _line(criteria.metric, criteria.floor, 2, said)
    yield "  slices:"
    yield _line("columns", _in_line(criteria.slices), 2, "parts of the rows that are looked at on their own")
    if criteria.slices:
        yield _line("margin", criteria.slice_margin, 2)
    yield _line("latency_ms", 50, 1)
    yield _line("size_mb", 50, 1)


def _line(key: str, value: object, depth: int = 0, note: str = "") -> str:
    """One entry, quoted as YAML needs it; a name that is too long for one line takes two."""
    text = io.StringIO()
    yaml = YAML()
    yaml.width, yaml.allow_unicode = WIDEST, True
    yaml.dump({key: value}, text)
    lines = text.getvalue().rstrip("\n").split("\n")
    if note:
        lines[-1] += f"  # {note}"
    return "\n".join("  " * depth + line for line in lines)


def _in_line(names: Sequence[str]) -> CommentedSeq:
    listed = CommentedSeq(names)
    listed.fa.set_flow_style()
    return listed
