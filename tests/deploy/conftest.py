"""A machine with registered models, and the processes that it runs, for the tests of releases."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from deploy.cli import call
from deploy.gate.evidence import Evidence, canonical
from deploy.pin import Pins
from deploy.platforms.local.home import REPOSITORY, Home
from deploy.platforms.local.platform import LocalPlatform
from deploy.release import policy
from deploy.release.state import ModelRef
from ml import digest
from tests.quick_rollout import ROLLOUT

PROBLEM = "breast-cancer"
STEPS = {"1": 5, "2": 6, "3": 7}  # by version, how many trees: alike, and not the same
RUNNER = "import sys, pathlib, deploy.release.policy as p; p.FOLDER = pathlib.Path(sys.argv.pop(1)); \
from deploy.cli import main; main()"
FAULTY = Path(__file__).parent / "release" / "faulty_server.py"


def until(holds, seconds=20.0):
    """Polls, and says what was seen last where it never held."""
    deadline = time.monotonic() + seconds
    while not (seen := holds()):
        assert time.monotonic() < deadline, f"after {seconds} s: {seen!r}"
        time.sleep(0.02)
    return seen


@dataclass
class Machine:
    """What a person has on this machine: the command, and what it left."""

    home: Home
    rollout: Path
    models: dict[str, ModelRef]
    registered: Path

    def mlops(self, *words: str) -> int:
        """The command in this process."""
        return call(list(words))

    def spawn(self, *words: str) -> subprocess.Popen[str]:
        """The command as a process of its own."""
        command = [sys.executable, "-u", "-c", RUNNER, str(self.rollout), *words]
        return subprocess.Popen(
            command, cwd=REPOSITORY, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def platform(self, stack: str = "prod") -> LocalPlatform:
        return LocalPlatform(stack, self.home)

    def client(self, stack: str = "prod"):
        return self.platform(stack).client(PROBLEM)

    def observe(self, stack: str = "prod"):
        return self.platform(stack).observe(PROBLEM)

    def pin(self, version: str, stack: str = "prod") -> None:
        self.pins.write(stack, PROBLEM, self.models[version])

    def pinned(self, stack: str = "prod") -> str:
        return self.pins.read(stack, PROBLEM).version

    def released(self, version: str, stack: str = "prod") -> None:
        """Pins a version and releases it; prod takes it because dev's tags say so."""
        self.pin(version, stack)
        assert self.mlops("release", PROBLEM, "--stack", stack) == 0

    def served(self, stack: str = "prod") -> dict[str, int]:
        """Percent by version."""
        observed = self.observe(stack)
        return {observed.deployment(name).model.version: percent for name, percent in observed.traffic.items()}

    def record(self, stack: str = "prod") -> bytes:
        """The endpoint's record as it lies on the disk."""
        return (self.client(stack).folder / "endpoint.json").read_bytes()

    def dev_has_released(self, *versions: str) -> None:
        """A dev endpoint that is down, and has served these."""
        folder = self.home.endpoints("dev") / PROBLEM
        folder.mkdir(parents=True, exist_ok=True)
        tags = {"good": [asdict(self.models[version]) for version in versions], "rejected": {}}
        record = {"name": PROBLEM, "port": 0, "deployments": {}, "traffic": {}, "mirror": {}, "tags": tags}
        (folder / "endpoint.json").write_text(json.dumps(record))

    def score(self, stack: str = "prod", body: bytes | None = None, **headers: str):
        """Status, headers by lower-case name, and body of one request, by default the model's own example."""
        address = self.platform(stack).address(PROBLEM)
        sent = {"Authorization": f"Bearer {address.key}", "Content-Type": "application/json", **headers}
        connection = HTTPConnection(address.url.split("/")[2], timeout=20)
        try:
            connection.request("POST", "/score", body or self.example, {k: v for k, v in sent.items() if v})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    @property
    def example(self) -> bytes:
        kept = json.loads((self.platform().fetch(self.models["1"]) / "smoke.json").read_text())
        return json.dumps({"input_data": kept["input_data"]}).encode()

    def processes(self) -> dict[int, str]:
        """By pid, the commands of all processes of this machine's endpoints; none of them a zombie."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True
        )
        lines = (line.split(None, 2) for line in listed.stdout.splitlines())
        return {int(p): c for p, state, c in lines if str(self.home.root) in c and state[0] != "Z"}

    def serving_pid(self, deployment: str) -> int:
        """The process of a deployment."""
        return next(p for p, command in self.processes().items() if f"--deployment {deployment} " in command)

    @property
    def pins(self) -> Pins:
        return Pins(self.home.pins)

    def with_own_models(self) -> None:
        """The registered models as files of this machine alone, which a test may spoil."""
        self.home.models.unlink()
        shutil.copytree(self.registered / "models", self.home.models)

    def stop(self) -> None:
        for stack in ("dev", "prod"):
            for name in self.platform(stack).endpoints():
                self.platform(stack).client(name).stop()


@pytest.fixture(scope="session")
def registered(tmp_path_factory):
    """The models' folder as the registry keeps it, with three versions of one small model."""
    import pyarrow.parquet as pq

    from ml.problem import find, load_problem
    from ml.sources.breast_cancer import FILE, make

    home = tmp_path_factory.mktemp("registered")
    make(home)
    problem = load_problem(find(PROBLEM))
    rows = pq.read_table(home / FILE)
    (home / "live").mkdir()
    pq.write_table(rows.slice(400), home / "live" / "rows.parquet")
    models = {version: _register(home, problem, rows.slice(0, 400), version) for version in STEPS}
    return home, models


def _register(home, problem, rows, version):
    from ml.model.model import Model
    from ml.problem import Learner
    from ml.steps.train import smoke_test, train

    learner = Learner(kind="lightgbm", parameters={"num_iterations": STEPS[version], "num_threads": 1})
    trained = home / f"trained-{version}"
    trained.mkdir()
    train(rows, {"from": None, "until": None}, problem.model_copy(update={"model": learner}), trained)
    smoke = smoke_test(Model.load(trained), rows.slice(0, 5))
    (trained / "smoke.json").write_text(smoke, encoding="utf-8")
    model = ModelRef(PROBLEM, version, digest.of_path(trained))
    folder = home / "models" / PROBLEM / model.digest
    folder.mkdir(parents=True)
    trained.rename(folder / "model")
    verdict = {"decision": "PASS", "reasons": ["it is for tests"]}
    evidence = canonical(Evidence(PROBLEM, model.digest, "d" * 64, None, {}, verdict, None))
    (folder / "evidence.json").write_bytes(evidence)
    known = {"run": "run", "live": str(home / "live"), "evaluation": "", "evidence_hash": digest.of_bytes(evidence)}
    (folder / "version.json").write_text(json.dumps({**asdict(model), **known}))
    return model


def new_machine(folder, registered) -> Machine:
    home, rollout = Home((folder / "home").resolve()), folder / "rollout"
    home.root.mkdir()
    home.models.symlink_to(registered[0] / "models")
    rollout.mkdir()
    (rollout / "local.yaml").write_text(ROLLOUT)
    return Machine(home, rollout, registered[1], registered[0])


@pytest.fixture
def machine(tmp_path, monkeypatch, registered):
    """A machine on which nothing runs yet; what runs at the end is stopped."""
    made = new_machine(tmp_path, registered)
    monkeypatch.setenv("MLOPS_HOME", str(made.home.root))
    monkeypatch.setattr(policy, "FOLDER", made.rollout)
    yield made
    made.stop()


@pytest.fixture
def serving(machine):
    """A machine whose prod serves version 1, and whose dev has released all."""
    machine.dev_has_released("1", "2", "3")
    machine.released("1")
    return machine


@pytest.fixture
def faulty(monkeypatch, registered):
    """Lets the deployments of one version misbehave once they carry traffic."""

    def make(version: str, how: str) -> None:
        monkeypatch.setenv("MLOPS_SERVER", f"{sys.executable} {FAULTY}")
        monkeypatch.setenv("FAULTY_DIGEST", registered[1][version].digest)
        monkeypatch.setenv("FAULTY_HOW", how)

    return make
