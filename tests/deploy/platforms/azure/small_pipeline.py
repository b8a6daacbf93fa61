"""A training pipeline of three short steps, in the place of the real one; what a step does the problem says."""

import json
import os
import sys
import time
from pathlib import Path

NAME = "small-one"
PROBLEM = """\
name: small-one
expected_output: {says}
task: regression
data: {{path: rows.csv}}
columns: {{target: y, features: {{x: number}}}}
split: {{evaluation_share: 0.3}}
success: {{metric: mae, margin: 1.0}}
model: {model}
"""
PIPELINE = """\
type: pipeline
display_name: {name}
experiment_name: training
settings: {{default_compute: azureml:cpu-small}}
inputs:
  problem: {{type: uri_file, path: ./nothing/here.txt, mode: download}}
  raw: {{type: uri_folder, path: azureml:small-one@latest}}
  collected: {{type: uri_folder, path: ./nothing}}
  until: default
outputs:
  model: {{type: mlflow_model}}
  evaluation: {{type: uri_folder}}
  evaluation_rows: {{type: uri_folder}}
  live: {{type: uri_folder}}
{more_outputs}jobs:
  prepare:
    type: command
    component: ./prepare.yml
    inputs: {{raw: "${{{{parent.inputs.raw}}}}", until: "${{{{parent.inputs.until}}}}"}}
    outputs: {{evaluation: "${{{{parent.outputs.evaluation_rows}}}}", live: "${{{{parent.outputs.live}}}}"}}
{sweep}  train:
    type: command
    component: ./train.yml
    inputs: {{problem: "${{{{parent.inputs.problem}}}}", rows: "${{{{parent.jobs.prepare.outputs.live}}}}"{tried}}}
    outputs: {{model: "${{{{parent.outputs.model}}}}"}}
  evaluate:
    type: command
    component: ./evaluate.yml
    inputs:
      model: ${{{{parent.jobs.train.outputs.model}}}}
      rows: ${{{{parent.jobs.prepare.outputs.evaluation}}}}
    outputs: {{evaluated: "${{{{parent.outputs.evaluation}}}}"}}
"""
SWEEP = """\
  sweep:
    type: sweep
    trial: ./trial.yml
    inputs: {rows: "${{parent.jobs.prepare.outputs.live}}"}
    outputs: {tried: "${{parent.outputs.tried}}"}
    search_space: {trial: {type: choice, values: [0, 1]}}
    sampling_algorithm: grid
    objective: {goal: minimize, primary_metric: validation_loss}
    limits: {max_total_trials: 2, max_concurrent_trials: 2}
"""
COMPARISON = """\
type: pipeline
experiment_name: comparison
settings: {default_compute: azureml:cpu-small}
inputs:
  problem: {type: uri_file, path: ./nothing/here.txt}
  model: {type: mlflow_model, path: azureml:small-one@latest}
  evaluation: {type: uri_folder, path: azureml:rows@latest}
outputs: {evaluation: {type: uri_folder}}
jobs:
  evaluate:
    type: command
    component: ./evaluate.yml
    inputs: {model: "${{parent.inputs.model}}", rows: "${{parent.inputs.evaluation}}"}
    outputs: {evaluated: "${{parent.outputs.evaluation}}"}
"""
COMPONENT = """\
type: command
name: {name}
version: "1"
inputs: {inputs}
outputs: {outputs}
code: .
environment: azureml:training@latest
command: python -m step {name} {words}
"""
FOLDER, FILE = "{type: uri_folder}", "{type: uri_file}"
COMPONENTS = {
    "prepare": ({"raw": FOLDER, "until": "{type: string}"}, {"evaluation": FOLDER, "live": FOLDER}),
    "trial": ({"rows": FOLDER, "trial": "{type: integer}"}, {"tried": FOLDER}),
    "train": (
        {"problem": FILE, "rows": FOLDER, "tried": "{type: uri_folder, optional: true}"},
        {"model": "{type: mlflow_model}"},
    ),
    "evaluate": ({"model": "{type: mlflow_model}", "rows": FOLDER}, {"evaluated": FOLDER}),
}


def write(folder: Path) -> Path:
    """Writes the pipelines below `folder`, with their code, and returns the pipelines' folder."""
    pipelines, code = folder / "pipelines", folder / "code"
    (pipelines / "nothing").mkdir(parents=True)
    (pipelines / "nothing" / "here.txt").write_text("nothing")
    code.mkdir()
    (code / "step.py").write_text(Path(__file__).read_text())
    (code / ".amlignore").write_text("*\n!step.py\n")
    plain = {"name": "training", "sweep": "", "tried": "", "more_outputs": ""}
    swept = {
        "name": "sweep", "sweep": SWEEP, "tried": ', tried: "${{parent.jobs.sweep.outputs.tried}}"',
        "more_outputs": "  tried: {type: uri_folder}\n",
    }  # fmt: skip
    (pipelines / "training.yml").write_text(PIPELINE.format(**plain))
    (pipelines / "sweep.yml").write_text(PIPELINE.format(**swept))
    (pipelines / "comparison.yml").write_text(COMPARISON)
    for name, (inputs, outputs) in COMPONENTS.items():
        flags = [_flag("inputs", one, "optional" in kind) for one, kind in inputs.items()]
        words = " ".join([*flags, *(_flag("outputs", one) for one in outputs)])
        listed = ["{" + ", ".join(f"{one}: {kind}" for one, kind in kinds.items()) + "}" for kinds in (inputs, outputs)]
        text = COMPONENT.format(name=name, inputs=listed[0], outputs=listed[1], words=words)
        (pipelines / f"{name}.yml").write_text(text)
    return pipelines


def _flag(kind: str, name: str, optional: bool = False) -> str:
    words = f"{name}=${{{{{kind}.{name}}}}}"
    return f"$[[{words}]]" if optional else words


# From here on: the step itself, on a node of the stand-in.
def main() -> None:
    name, given = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
    print(f"{name} begins")
    STEPS[name](**{key: Path(value) if "/" in value else value for key, value in given.items()})


def prepare(raw, until, evaluation, live):
    rows = (raw / "rows.csv").read_text()
    for folder in (evaluation, live):
        (folder / "rows.parquet").write_text(f"{rows}until {until}\n")
        (folder / "window.json").write_text("{}")


def trial(rows, trial, tried):
    from ml.tracking import log_metrics

    loss = abs(int(trial) - 3)
    (tried / "trial.json").write_text(json.dumps({"parameters": {"leaves": int(trial)}, "validation_loss": loss}))
    log_metrics({"validation_loss": float(loss)})


def train(problem, rows, model, tried=None):
    says = problem.read_text()
    if "told fault" in says:
        from ml.fault import invalid, to_json

        print(to_json(invalid("the target has 1 distinct value(s)", "y", "choose another")), file=sys.stderr)
        sys.exit(2)
    if "no word" in says:
        print("\n".join(f"line {number}" for number in range(100)))
        sys.exit(3)
    while "waits" in says and not Path(says.split("waits for ")[1].split()[0]).exists():
        time.sleep(0.02)
    if os.environ.get("RANK", "0") == "0":
        chosen = (tried / "trial.json").read_text() if tried else ""
        (model / "MLmodel").write_text(f"{rows.joinpath('rows.parquet').read_text()}{chosen}")
        (model / "nodes").write_text(os.environ.get("WORLD_SIZE", "one"))


def evaluate(model, rows, evaluated):
    from ml import digest

    known = {"model_digest": digest.of_path(model), "data_digest": digest.of_file(rows / "rows.parquet")}
    (evaluated / "measures.json").write_text(json.dumps(known))


STEPS = {"prepare": prepare, "trial": trial, "train": train, "evaluate": evaluate}

if __name__ == "__main__":
    main()
