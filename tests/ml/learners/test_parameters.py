"""Parameters of a problem file, checked against what LightGBM and scikit-learn themselves accept."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.cli import call
from ml.fault import INVALID_INPUT, Fault
from ml.learners import lightgbm_parameters, sklearn_parameters
from ml.learners.parameters import require_parameters
from ml.problem import load_problem

FILE = """\
name: parametered
expected_output: y
task: {task}
data: {{path: rows.csv}}
columns:
  target: y
  features: {{x: number, day: date}}
split: {{evaluation_share: 0.3}}
model:
{model}
success: {{metric: {metric}, margin: 0.1}}
"""


@pytest.fixture
def refused(tmp_path: Path):
    """What is said against a model, without the file's path; nothing where it is taken."""

    codes: list[int] = []

    def refuse(model: str, task: str = "regression") -> str:
        metric = "mae" if task == "regression" else "log_loss"
        file = tmp_path / "parametered.yaml"
        indented = "\n".join(f"  {line}" for line in model.splitlines())
        file.write_text(FILE.format(task=task, model=indented, metric=metric))
        try:
            require_parameters(load_problem(file), file)
        except Fault as fault:
            codes.append(fault.code)
            return fault.message.replace(f"{file}:", "line ")
        return ""

    yield refuse
    assert set(codes) <= {INVALID_INPUT}


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ("num_leeves: 31", "`model.parameters.num_leeves`: LightGBM has no such parameter; did you mean `num_leaves`?"),
        ("Num_Leaves: 31", "did you mean `num_leaves`?"),
        ("wibble: 1", "LightGBM has no such parameter"),
        ("seed: 1", "`model.seed` says this"),
        ("random_state: 1", "`model.seed` says this"),
        ("num_leaf: 31\nnum_leaves: 15", "12: `model.parameters.num_leaves`: it is the same parameter as `num_leaf`"),
        ("num_leaves: -1", "Check failed: (num_leaves) > (1)"),
        ("num_leaves: many", 'Parameter num_leaves should be of type int, got "many"'),
        ("objective: foo", "Unknown objective type name: foo"),
        ("boosting: rf", "`model.parameters.boosting`: Check failed"),
        ("monotone_constraints: '1,0'", "`model.parameters.monotone_constraints`: Check failed"),
    ],
)  # fmt: skip
def test_lightgbm_refuses(refused, parameters: str, told: str) -> None:
    assert told in refused("parameters:\n  " + parameters.replace("\n", "\n  "))


def test_every_flaw_is_told_at_once(refused) -> None:
    told = refused("parameters:\n  num_leeves: 3\n  max_bin: 0\n  learning_rate: -1\n  num_iterations: 5")
    assert [line.partition(": `")[0] for line in told.splitlines()] == ["line 11", "line 12", "line 13"]


@pytest.mark.parametrize(
    ("parameters", "task"),
    [
        ("{}", "regression"),
        ("{n_estimators: 5, eta: 0.1, num_leaf: 15, loss: mae}", "regression"),
        ("{objective: gamma}", "regression"),
        ("{objective: cross_entropy}", "regression"),
        ("{objective: quantile, alpha: 0.9}", "regression"),
        ("{monotone_constraints: '1,0,0,0,0'}", "regression"),
        ("{boosting: rf, bagging_freq: 1, bagging_fraction: 0.5}", "regression"),
        ("{objective: multiclassova, num_class: 4}", "classification"),
        ("{is_unbalance: true, max_bin: 63}", "classification"),
        ("{device_type: gpu, gpu_device_id: 7, tree_learner: voting}", "classification"),
    ],
)
def test_lightgbm_takes(refused, parameters: str, task: str) -> None:
    assert refused(f"parameters: {parameters}", task) == ""


def test_a_sweeps_names_and_values_are_looked_at_too(refused) -> None:
    told = refused(
        "parameters: {num_leaves: 15}\nsweep:\n  parameters:\n"
        "    num_leeves: [1, 2]\n    learning_rate: {least: -0.1, most: 0.3}\n    max_bin: [63, 127]"
    )
    assert [line.partition("`: ")[0] for line in told.splitlines()] == [
        "line 13: `model.sweep.parameters.num_leeves",
        "line 14: `model.sweep.parameters.learning_rate",
    ]


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("estimator", ["linear", "random_forest", "gradient_boosting"])
def test_scikit_learns_names_are_its_own_and_others_are_refused(refused, estimator: str, task: str) -> None:
    from sklearn import ensemble, linear_model

    file, name = sklearn_parameters.CLASSES[estimator, task]
    known = list(inspect.signature(getattr(linear_model, name, None) or getattr(ensemble, name)).parameters)
    assert sklearn_parameters.names(file, name) == known
    model = f"kind: sklearn\nestimator: {estimator}\nparameters:\n  "
    assert refused(model + f"{known[0]}: 1", task) == ""
    wrong = known[2][:-1] + "x"
    told = refused(model + f"{wrong}: 1", task)
    assert told.startswith(f"line 13: `model.parameters.{wrong}`: scikit-learn's {name} has no such parameter")
    assert f"did you mean `{known[2]}`?" in told


def test_lightgbms_names_are_those_of_its_own_package() -> None:
    from lightgbm.basic import _ConfigAliases

    theirs = {alias for main in ("num_leaves", "learning_rate", "seed") for alias in _ConfigAliases.get(main)}
    assert theirs <= lightgbm_parameters.names().keys()
    assert {lightgbm_parameters.names()[alias] for alias in _ConfigAliases.get("num_leaves")} == {"num_leaves"}


def test_training_ends_before_any_step_with_two(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path / "home"))
    (tmp_path / "rows.csv").write_text("x,day,y\n" + "".join(f"{n},2024-01-02,{n % 7}\n" for n in range(90)))
    file = tmp_path / "parametered.yaml"
    file.write_text(FILE.format(task="regression", model="  parameters: {num_leeves: 3}", metric="mae"))
    assert call(["train", str(file)]) == INVALID_INPUT
    told = capsys.readouterr()
    assert "did you mean `num_leaves`?" in told.err
    assert "ingest" not in told.out + told.err
    step = [sys.executable, "-m", "ml.steps.ingest", "--problem", str(file), "--raw", str(tmp_path / "rows.csv")]
    ran = subprocess.run([*step, "--rows", str(tmp_path / "rows")], capture_output=True, text=True)
    assert (ran.returncode, (tmp_path / "rows").exists()) == (INVALID_INPUT, False)
    assert len(ran.stderr.splitlines()) == 1


def test_neither_learner_is_imported_to_check_its_parameters(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ml.problem import load_problem\n"
        "from ml.learners.parameters import require_parameters\n"
        "for name in sys.argv[1:]: require_parameters(load_problem(Path(name)), Path(name))\n"
        "assert not {'lightgbm', 'sklearn', 'pandas'} & set(sys.modules)"
    )
    files = [str(file) for file in sorted(Path("ml/problems").absolute().glob("*.yaml"))]
    assert len(files) >= 2
    subprocess.run([sys.executable, "-c", code, *files], check=True, timeout=60)
