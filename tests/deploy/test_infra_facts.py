"""infra's answers as a process, held by a schema on both sides."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from deploy import cost, infra_facts
from ml.fault import Fault

ROOT = Path(infra_facts.__file__).parents[1]


MINE = "config:\n  mlops:repository: contoso/models\n"
STACK = MINE + "  mlops:budget: 300\n  mlops:alert: models@example.com\n  mlops:budgetStart: '2026-11-01'\n"
TYPED = {
    "Pulumi.shared.yaml": MINE + "  mlops:location: westeurope\n  mlops:reviewers: ['1234567']\n",
    "Pulumi.dev.yaml": STACK,
    "Pulumi.prod.yaml": STACK,
}


@pytest.fixture
def clone(tmp_path):
    """A clone whose files name a repository."""
    shutil.copytree(ROOT / "infra", tmp_path / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.glob("Pulumi*.yaml"):
        (tmp_path / file.name).write_text(file.read_text().replace("config: {}", TYPED.get(file.name, "")))
    return tmp_path


@pytest.mark.parametrize("verb", ["facts", "cost"])
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_what_infra_answers_has_the_documented_schema(clone, verb, stack):
    answer = getattr(infra_facts, verb)(stack, clone)
    jsonschema.validate(answer, json.loads((ROOT / f"docs/infrastructure-{verb}.schema.json").read_text()))


@pytest.mark.parametrize(("verb", "shape"), [("facts", infra_facts.FACTS), ("cost", infra_facts.COST)])
def test_the_schema_requires_what_deploy_reads(verb, shape):
    schema = json.loads((ROOT / f"docs/infrastructure-{verb}.schema.json").read_text())
    assert set(shape) | {"version"} <= set(schema["required"])
    assert schema["additionalProperties"] is False


def test_a_wrong_configuration_is_a_fault_of_the_input_with_infras_own_words(clone):
    file = clone / "Pulumi.dev.yaml"
    file.write_text(file.read_text() + "  mlops:buget: 3\n")
    with pytest.raises(Fault, match="unknown key `buget`; did you mean `budget`") as caught:
        infra_facts.facts("dev", clone)
    assert caught.value.code == 2


@pytest.mark.parametrize("answer", [[], {"version": 2}, {"version": 1, "stack": 3}])
def test_an_answer_of_another_shape_is_refused(answer):
    with pytest.raises(Fault, match=r"version 1|lacks or mistypes"):
        infra_facts.checked(answer, infra_facts.COST, "python -m infra cost")


def test_the_cost_names_what_is_unknown_and_how_old_the_prices_are(clone, monkeypatch):
    found = infra_facts.cost("dev", clone)
    monkeypatch.setattr(cost, "cost", lambda stack: found)
    code, answer, text = cost.run(argparse.Namespace(stack="dev"))
    assert (code, answer) == (0, found)
    assert "idle, AKS off" in text
    assert "(unknown)" in text
    assert "days ago" in text
