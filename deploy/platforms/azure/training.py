"""Training as a job of the stack's workspace, with the same record in the end as on this machine."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.exit_codes import INTERRUPTED
from deploy.platforms.azure.components import Components
from deploy.platforms.azure.compute import SMALL, cluster
from deploy.platforms.azure.data import Data
from deploy.platforms.azure.faults import Busy, NotThere, Unreachable
from deploy.platforms.azure.jobs import Ended, Jobs, Unseen
from deploy.platforms.azure.outputs import Outputs
from deploy.platforms.azure.registry import Registry
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.azure.tags import COMMIT, DATA, DIGEST, PROBLEM, RUN
from deploy.platforms.local.home import REPOSITORY, Home
from deploy.platforms.local.training import PIPELINES, git_commit, parameters
from deploy.platforms.protocol import Asset, TrainingInputs
from deploy.release.state import ModelRef
from deploy.runs import Run, find_run, save_run
from deploy.screen import Screen
from ml import digest
from ml.fault import Fault, invalid
from ml.problem import Problem, find, load_problem

BEGUN = "begun"
UNTIL = "mlops.until"
OUTPUTS = ("model", "evaluation", "evaluation_rows", "live")


@dataclass(frozen=True)
class Training:
    """The training runs of a stack."""

    sdk: Sdk
    home: Home
    registry: Registry

    @property
    def jobs(self) -> Jobs:
        """The workspace's jobs."""
        return Jobs(self.sdk)

    def submit(self, inputs: TrainingInputs, screen: Screen) -> str:
        """See `Platform`; the run is remembered before it is begun, so that none is lost by a crash.

        Raises:
            Fault: the rows or the problem are wrong, or Azure refuses the job.
        """
        data = Data(self.sdk, self.home).push(inputs.problem, inputs.file, screen)
        screen.done(f"data {data.name}:{data.version}", "sent" if data.uploaded else "is there already")
        name = new_name(inputs.problem.name)
        settings = overrides(inputs, data, self.sdk.outputs)
        job = self._load(pipeline(inputs.problem), name, settings)
        job.tags = tags_of(inputs, data)
        self._remember(name, inputs.file)
        screen.working("send code and components")
        url = self.jobs.begin(job)
        screen.done(f"began {name}", url)
        return name

    def wait(self, run_id: str, screen: Screen, file: Path | None = None) -> Run:
        """See `Platform`."""
        known = find_run(self.home.runs, run_id)
        if known is not None:
            return known
        begun = self._remembered(run_id)
        ended = self._wait(run_id, screen, begun.exists())
        own = Path(json.loads(begun.read_text(encoding="utf-8"))["file"]) if begun.exists() else _file_of(ended, file)
        run = self._record(ended, own, load_problem(own), screen)
        save_run(self.home.runs, run)
        begun.unlink(missing_ok=True)
        return run

    def evaluate(self, run: Run, model: ModelRef, screen: Screen) -> Path:
        """See `Platform`; the same comparison is not made twice."""
        folder = self.home.runs / run.run_id / f"champion-{model.digest[:12]}"
        if not folder.is_dir():
            settings = {
                "inputs.problem.path": run.problem_file,
                "inputs.model.path": self.registry.uri(model, by_reference=False),
                "inputs.evaluation.path": run.evaluation_rows,
                "settings.default_compute": f"azureml:{cluster(self.sdk.outputs, SMALL)}",
            }
            name = new_name(f"{run.problem}-champion")
            job = self._load(PIPELINES / "comparison.yml", name, settings)
            job.tags = {PROBLEM: run.problem, RUN: run.run_id, DIGEST: model.digest}
            screen.done(f"began {name}", self.jobs.begin(job))
            self._wait(name, screen, just_begun=True)
            self.jobs.fetch(name, "evaluation", folder)
        _require(_measured(folder, "model_digest"), model.digest, f"the evaluation of {model}", folder)
        rows = digest.of_file(Path(run.evaluation_rows) / "rows.parquet")
        _require(_measured(folder, "data_digest"), rows, "the rows that judged", folder)
        return folder

    def _load(self, file: Path, name: str, settings: Mapping[str, Any]) -> Any:
        """The pipeline in a file as a job that can be begun, with this clone's code and the stack's environment."""
        from azure.ai.ml import load_job

        job: Any = load_job(file, params_override=[{key: value} for key, value in settings.items()])
        job.name = name
        self.fit(job)
        return job

    def fit(self, job: Any) -> None:
        """Gives a loaded pipeline this clone's code and the stack's environments."""
        Components(self.sdk, self.home.root / "code", REPOSITORY).fit(job)

    def _wait(self, name: str, screen: Screen, just_begun: bool) -> Ended:
        resume = f"mlops train --resume {name} --stack {self.sdk.outputs.stack} --platform azure"
        try:
            return self.jobs.wait(name, screen, just_begun)
        except NotThere:
            where = self.sdk.outputs.workspace_name
            raise invalid(f"there is no run `{name}`", where, "`mlops train` makes one") from None
        except (Unseen, Unreachable, Busy) as fault:
            raise Fault(fault.message, fault.where, f"{fault.remedy}; then {resume}", fault.code) from None
        except KeyboardInterrupt:
            raise Fault("interrupted; the job goes on", name, resume, INTERRUPTED) from None

    def _record(self, ended: Ended, file: Path, problem: Problem, screen: Screen) -> Run:
        """The run with its outputs brought here, and the digests that its steps have written down proved."""
        own = self.home.runs / ended.name
        outputs = (*OUTPUTS, "tried") if problem.model.sweep else OUTPUTS
        for output in outputs:
            if not (own / output).is_dir():
                screen.working(f"fetch {output}")
                self.jobs.fetch(ended.name, output, own / output)
        model = digest.of_path(own / "model")
        _require(_measured(own / "evaluation", "model_digest"), model, "the model", own)
        rows = digest.of_file(own / "evaluation_rows" / "rows.parquet")
        _require(_measured(own / "evaluation", "data_digest"), rows, "the rows that judged", own)
        return Run(
            run_id=ended.name,
            problem=problem.name,
            problem_file=str(file),
            created=ended.created,
            seconds=ended.seconds,
            until=ended.tags[UNTIL],
            git_commit=ended.tags[COMMIT].replace("none", ""),
            data_digest=ended.tags[DATA],
            **{output: str(own / output) for output in OUTPUTS},
            model_digest=model,
            steps=ended.steps,
            tracking_id=ended.name,
            parameters=parameters(problem, own / "tried" if problem.model.sweep else None),
        )

    def _remember(self, name: str, file: Path) -> None:
        path = self._remembered(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"file": str(file)}), encoding="utf-8")

    def _remembered(self, name: str) -> Path:
        return self.home.root / self.sdk.outputs.stack / BEGUN / f"{name}.json"


def pipeline(problem: Problem) -> Path:
    """The YAML that the problem trains by."""
    return PIPELINES / ("training.yml" if problem.model.sweep is None else "sweep.yml")


def overrides(inputs: TrainingInputs, data: Asset, outputs: Outputs) -> dict[str, Any]:
    """What a training run sets in the pipeline's YAML, in the words of `az ml job create --set`.

    Raises:
        Fault: the stack has no such cluster as the problem names.
    """
    problem, model = inputs.problem, inputs.problem.model
    settings: dict[str, Any] = {
        "experiment_name": problem.name,
        "settings.default_compute": f"azureml:{cluster(outputs, SMALL)}",
        "inputs.problem.path": str(inputs.file),
        "inputs.raw.path": f"azureml:{data.name}:{data.version}",
        "inputs.until": inputs.until.isoformat() if inputs.until else "default",
    }
    if inputs.collected is not None:
        settings["inputs.collected.path"] = str(inputs.collected)
    for step, word in problem.compute.items():
        settings[f"jobs.{step}.compute"] = f"azureml:{cluster(outputs, word)}"
    if model.nodes > 1:
        settings["jobs.train.resources.instance_count"] = model.nodes
        settings["jobs.train.distribution"] = {"type": "pytorch", "process_count_per_instance": 1}
    if model.sweep is not None:
        settings["jobs.sweep.search_space.trial.values"] = list(range(model.sweep.trials))
        settings["jobs.sweep.limits.max_total_trials"] = model.sweep.trials
        settings["jobs.sweep.limits.max_concurrent_trials"] = min(model.sweep.at_once, model.sweep.trials)
    return settings


def tags_of(inputs: TrainingInputs, data: Asset) -> dict[str, str]:
    """What a job says of itself, so that any clone can take it up."""
    until = inputs.until.isoformat() if inputs.until else "default"
    return {PROBLEM: inputs.problem.name, UNTIL: until, COMMIT: git_commit() or "none", DATA: data.digest}


def new_name(stem: str) -> str:
    """A name for a job: known before it is begun, so that what was begun can be found."""
    return f"{stem}-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _file_of(ended: Ended, named: Path | None) -> Path:
    """The problem of a run that was begun elsewhere: the named file where it is that problem's."""
    problem = ended.tags.get(PROBLEM)
    if problem is None:
        raise invalid(f"`{ended.name}` is a job, and no training run", "--resume", "name a run of `mlops train`")
    return named if named is not None and named.stem == problem else find(problem)


def _measured(evaluation: Path, key: str) -> str:
    return str(json.loads((evaluation / "measures.json").read_text(encoding="utf-8"))[key])


def _require(said: str, found: str, what: str, where: Path) -> None:
    if said != found:
        raise Fault(f"{what} that was fetched is not what the job has measured", str(where), "train again")
