"""Writes the report of a run: one HTML file that needs nothing beside itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.gate.scored import MEASURES
from deploy.report.answers import Answers, read_answers, read_json
from deploy.report.classification import classification
from deploy.report.criteria import criteria, met
from deploy.report.drifted import drifted
from deploy.report.headline import headline, lead, stations
from deploy.report.importance import importance
from deploy.report.judgement import judgement
from deploy.report.numerals import count, counted, moment
from deploy.report.origin import origin
from deploy.report.page import Facts, Page, Section
from deploy.report.parts import parts
from deploy.report.regression import regression
from deploy.report.released import released
from deploy.report.svg import Markup, clean, element
from ml.model.model import CARD, inner

if TYPE_CHECKING:
    from deploy.runs import Run
    from ml.problem import Problem

HERE = Path(__file__).parent
SHORT = 12


def write_report(
    path: Path,
    problem: Problem,
    run: Run,
    verdict: dict[str, Any],
    releases: dict[str, dict[str, Any]],
    monitored: dict[str, Any] | None,
    version: str | None = None,
) -> None:
    """Writes the report whole or not at all; what is not there has no place in it.

    Args:
        path: of the HTML file.
        problem: what was asked for.
        run: its folders of model and evaluation are read.
        verdict: `Verdict.to_json()`.
        releases: by stack `asdict(Outcome)`; empty for a model that the gate refused.
        monitored: what `mlops monitor` found since, as JSON.
        version: that the registry gave the model, where it did.
    """
    text = render(make_page(problem, run, verdict, releases, monitored, version))
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_text(clean(text), encoding="utf-8")
    new.replace(path)


def make_page(
    problem: Problem,
    run: Run,
    verdict: Mapping[str, Any],
    releases: Mapping[str, Mapping[str, Any]],
    monitored: Mapping[str, Any] | None,
    version: str | None,
) -> Page:
    """The page; arguments as of `write_report`."""
    card = read_json(inner(Path(run.model)) / CARD)
    measures = read_json(Path(run.evaluation) / MEASURES)
    answers = read_answers(Path(run.evaluation), problem, card)
    words = headline(verdict, releases, version)
    sections = (
        judgement(problem, verdict),
        *_on_answers(problem, answers, measures),
        released(releases, run.model_digest),
        drifted(monitored),
        origin(problem, run, card, verdict),
    )
    return Page(
        title=f"{problem.name}: {words}",
        headline=words,
        lead=lead(problem.success.metric, verdict, releases, monitored),
        stations=stations(verdict, releases, monitored),
        facts=_facts(problem, run, version),
        questions=_questions(problem, card, verdict),
        criteria=criteria(problem, verdict),
        sections=tuple(section for section in sections if section is not None),
        made=f"Run {run.run_id} of {moment(run.created)}.",
    )


def _on_answers(problem: Problem, answers: Answers | None, measures: Mapping[str, Any]) -> tuple[Section | None, ...]:
    found = importance(measures.get("importance") or {}, problem.success.metric)
    if answers is None:
        return (found,)
    target, metrics = problem.columns.target, measures.get("metrics", {})
    errors = classification(answers, metrics, target) if answers.classes else regression(answers, target)
    return errors, found, parts(answers, problem.success.slices.smallest)


def _facts(problem: Problem, run: Run, version: str | None) -> Facts:
    rows = [("Problem", problem.name), ("Trained", moment(run.created))]
    if version:
        rows.append(("Version", version))
    rows += [("Model", run.model_digest[:SHORT]), ("Data", run.data_digest[:SHORT])]
    return Facts("", (*rows, ("Code", _commit(run.git_commit)), ("Run", run.run_id)))


def _commit(commit: str) -> str:
    changed = ", with changes" if commit.endswith("+") else ""
    return commit.rstrip("+")[:SHORT] + changed if commit else "outside of git"


def _questions(problem: Problem, card: Mapping[str, Any], verdict: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    learner = "LightGBM" if problem.model.kind == "lightgbm" else f"scikit-learn ({problem.model.estimator})"
    columns = counted(len(problem.columns.features), "column")
    task = f"{problem.task.capitalize()} of {problem.columns.target} from {columns}"
    rows = f", learnt by {learner}" + (f" from {count(card['rows'])} rows" if card.get("rows") else "")
    return (
        ("Expected output", problem.expected_output),
        ("Task", f"{task}{rows}."),
        ("Success", met(verdict)),
    )


def prose(sentence: str) -> Markup:
    """A sentence with its `names` set apart from its words."""
    parts = re.split("`([^`]+)`", sentence)
    return Markup("".join(element("code", part) if k % 2 else escape(part) for k, part in enumerate(parts)))


def render(page: Page) -> str:
    """The page as HTML; every word that is not markup of ours is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["prose"] = prose
    style = Markup((HERE / "report.css").read_text(encoding="utf-8"))
    return environment.get_template("report.html.j2").render(page=page, style=style)
