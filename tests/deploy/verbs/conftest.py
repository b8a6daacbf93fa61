"""Two registered models of one small problem, made without a training run."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import pytest

from deploy.arguments import make_parser
from deploy.context import Context, Done
from deploy.gate.evidence import Evidence, canonical, evidence_hash
from deploy.platforms.local.home import Home
from deploy.platforms.local.platform import LocalPlatform
from deploy.release.state import ModelRef
from deploy.screen import Screen
from deploy.verbs import batch, score
from ml import digest
from ml.model.encoder import Encoder
from ml.model.model import Card, Model

NAME = "small-problem"
KINDS = {"amount": "number", "kind of": "category", "day": "date"}
PROBLEM = """\
name: small-problem
expected_output: A number.
task: regression
data: {path: rows.csv}
columns:
  target: result
  id: key
  features: {amount: number, kind of: category, day: date}
split: {evaluation_share: 0.3}
success: {metric: mae, margin: 1.0}
"""


@dataclass(frozen=True)
class Stack:
    """The dev stack on this machine.

    Attributes:
        problem: the problem's file.
        rows: typed rows to score, with an id, the target and a column that is nobody's.
        refs: the two models; the pin names the first.
    """

    home: Home
    problem: Path
    rows: pa.Table
    refs: tuple[ModelRef, ModelRef]

    @property
    def platform(self) -> LocalPlatform:
        return LocalPlatform("dev", self.home)

    def model(self, ref: ModelRef) -> Model:
        return Model.load(self.platform.fetch(ref))

    def run(self, verb: str, *words: object, stream: io.StringIO | None = None) -> Done:
        """The verb as the command line calls it."""
        context = Context("local", Screen(stream or io.StringIO()), self.home)
        arguments = make_parser().parse_args([verb, str(self.problem), *map(str, words)])
        return {"batch": batch, "score": score}[verb].run(arguments, context)


def made_up(count: int) -> pa.Table:
    rng = np.random.default_rng(count)
    return pa.table(
        {
            "key": [f"{number:04}" for number in range(count)],
            "amount": rng.normal(size=count),
            "kind of": [f"ä{code}" for code in rng.integers(0, 5, count)],
            "day": pa.array(rng.integers(1, 10**15, count), pa.timestamp("us")),
            "nobody's": ["x, y"] * count,
            "result": rng.normal(size=count),
        }
    )


def write_model(folder: Path, trees: int) -> None:
    rows = made_up(400)
    encoder = Encoder.fit(rows, KINDS)
    folder.mkdir(parents=True)
    encoder.save(folder / "encoder.json")
    Card(
        problem=NAME, task="regression", answer="label", target="result", classes=(), carried=("key",),
        identifier="key", time=None, group=None, trained_from=None, trained_until=None, rows=400, dummy=(0.0,),
    ).save(folder / "card.json")  # fmt: skip
    data = lightgbm.Dataset(encoder.encode(rows), rows.column("result").to_numpy())
    lightgbm.train({"num_iterations": trees, "verbosity": -1}, data).save_model(folder / "booster.txt")


def register(home: Home, at: Path, version: int) -> ModelRef:
    """A model with the evidence of a gate that let it pass."""
    write_model(at, trees=5 * version)
    ref = ModelRef(NAME, str(version), digest.of_path(at))
    folder = home.models / NAME / ref.digest
    folder.mkdir(parents=True)
    at.rename(folder / "model")
    evidence = canonical(Evidence(NAME, ref.digest, "0" * 64, None, {}, {"decision": "PASS", "reasons": []}, None))
    (folder / "evidence.json").write_bytes(evidence)
    kept = {**asdict(ref), "evidence_hash": evidence_hash(evidence), "run": "", "live": "", "evaluation": ""}
    (folder / "version.json").write_text(json.dumps(kept))
    return ref


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with its models and dev's pin; nothing runs."""
    at = tmp_path_factory.mktemp("stack")
    home = Home(at / "home")
    (at / f"{NAME}.yaml").write_text(PROBLEM, encoding="utf-8")
    first, second = (register(home, at / "model", version) for version in (1, 2))
    found = Stack(home, at / f"{NAME}.yaml", made_up(250), (first, second))
    Context("local", Screen(), home).pins.write("dev", NAME, first)
    yield found
    found.platform.client(NAME).stop()


@pytest.fixture(scope="session")
def served(stack: Stack) -> Stack:
    """The stack with its endpoint up: `one` has 70 % of the traffic, `two` the rest."""
    platform = stack.platform
    platform.create_endpoint(NAME)
    for name, ref in zip(("one", "two"), stack.refs, strict=True):
        platform.create_deployment(NAME, name, ref)
    platform.set_traffic(NAME, {"one": 70, "two": 30})
    return stack


@pytest.fixture
def expected(stack: Stack) -> Callable[[int], list[float]]:
    """What a model, by its place, predicts for the rows."""
    return lambda place: stack.model(stack.refs[place]).outputs(stack.rows).tolist()
