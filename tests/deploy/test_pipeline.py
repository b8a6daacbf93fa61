import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from azure.ai.ml import load_component, load_job

from deploy.pipeline import Source, load_pipeline
from ml.fault import Fault
from ml.steps.trial import LOSS

PIPELINES = Path(__file__).parents[2] / "ml" / "pipelines"


def test_training_goes_from_ingest_to_evaluate():
    pipeline = load_pipeline(PIPELINES / "training.yml")
    assert [step.name for step in pipeline.steps] == ["ingest", "prepare", "train", "evaluate"]
    assert set(pipeline.outputs) == {"model", "evaluation", "evaluation_rows", "live"}


def test_a_sweep_is_training_with_one_step_more_whose_best_trial_the_training_step_takes():
    plain, sweep = (load_pipeline(PIPELINES / f"{name}.yml") for name in ("training", "sweep"))
    steps = {step.name: step for step in sweep.steps}
    search = steps.pop("sweep")
    assert search.search.input == "trial"
    assert search.search.metric == LOSS
    assert steps["train"].inputs["tried"] == Source(step="sweep", output="tried")
    without = replace(steps["train"], inputs={k: v for k, v in steps["train"].inputs.items() if k != "tried"})
    assert {**steps, "train": without} == {step.name: step for step in plain.steps}
    assert (sweep.inputs, sweep.outputs) == (plain.inputs, (*plain.outputs, "tried"))


@pytest.mark.parametrize("name", ["training", "sweep", "comparison"])
def test_the_sdk_reads_the_same_pipeline(name):
    theirs, ours = load_job(PIPELINES / f"{name}.yml"), load_pipeline(PIPELINES / f"{name}.yml")
    assert set(theirs.jobs) == {step.name for step in ours.steps}
    assert set(theirs.inputs) == set(ours.inputs)
    assert set(theirs.outputs) == set(ours.outputs)
    for step in ours.steps:
        node = theirs.jobs[step.name]
        component = node.trial if step.search else node.component
        assert component.command == step.component.command
        assert set(component.inputs) == set(step.component.inputs)


@pytest.mark.parametrize("path", sorted((PIPELINES / "components").glob("*.yml")), ids=lambda path: path.stem)
def test_the_sdk_reads_each_component(path):
    assert load_component(path).name == path.stem


@pytest.fixture
def changed(tmp_path):
    """The training pipeline with one text replaced by another in one of its files."""

    def change(file, old, new):
        shutil.copytree(PIPELINES, tmp_path / "pipelines")
        path = tmp_path / "pipelines" / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))
        return tmp_path / "pipelines" / "training.yml"

    return change


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "training.yml",
            "      rows: ${{parent.jobs",
            "      rowz: ${{parent.jobs",
            "prepare: unknown input `rowz`",
        ),
        (
            "training.yml",
            "      rows: ${{parent.jobs",
            "      rowz: ${{parent.jobs",
            "the input `rows` is not given",
        ),
        (
            "training.yml",
            "${{parent.inputs.raw}}",
            "${{parent.inputs.rwa}}",
            "bound to `rwa`, which the pipeline does not have",
        ),
        (
            "training.yml",
            "ingest.outputs.rows",
            "ingest.outputs.lines",
            "bound to ingest.lines, which does not exist",
        ),
        ("training.yml", "ingest.outputs.rows", "evaluate.outputs.evaluated", "the steps go in a circle"),
        (
            "training.yml",
            "    component: ./components/train",
            "    componnet: ./components/train",
            "did you mean `component`",
        ),
        ("training.yml", "${{parent.outputs.live}}", "${{parent.outputs.dead}}", "no output `dead`"),
        (
            "components/train.yml",
            "${{inputs.train}}",
            "${{inputs.rows}}",
            "uses `inputs.rows`, which is not declared",
        ),
    ],
)
def test_what_the_sdk_leaves_unchecked_is_found_before_anything_runs(changed, file, old, new, sentence):
    with pytest.raises(Fault, match=re.escape(sentence)):
        load_pipeline(changed(file, old, new))
