"""Promotion: from the gate to dev's pin, from dev's pin to prod's."""

import json
from dataclasses import replace

import pytest

from deploy.runs import Run, save_run
from tests.deploy.conftest import PROBLEM

DEV, PROD = ("--stack", "dev"), ("--stack", "prod")


@pytest.fixture
def trained(machine):
    """A machine on which the first version was trained last."""
    run = Run(
        run_id="run-1", problem=PROBLEM, problem_file="", created="", seconds=1.0, until="default", git_commit="",
        data_digest="", model="", evaluation="", evaluation_rows="", live="", model_digest=machine.models["1"].digest,
        steps=(),
    )  # fmt: skip
    save_run(machine.home.runs, run)
    return machine, run


def test_what_the_gate_registered_is_pinned_for_dev(trained, capsys):
    machine, _ = trained
    assert machine.mlops("promote", PROBLEM, *DEV, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["changed"]
    assert told["model"]["digest"] == machine.models["1"].digest
    assert machine.pinned("dev") == "1"
    assert machine.mlops("promote", PROBLEM, *DEV, "--json") == 0
    assert not json.loads(capsys.readouterr().out)["changed"]


def test_a_run_that_the_gate_did_not_pass_is_not_pinned(trained, capsys):
    machine, run = trained
    save_run(machine.home.runs, replace(run, run_id="run-2", model_digest="f" * 64))
    assert machine.mlops("promote", PROBLEM, *DEV) == 1
    assert "has not passed the gate" in capsys.readouterr().err
    assert machine.pins.problems("dev") == ()


def test_prod_takes_nothing_from_a_dev_without_a_pin(machine, capsys):
    assert machine.mlops("promote", PROBLEM, *PROD, "--yes") == 1
    assert "dev has no pin" in capsys.readouterr().err


def test_prod_takes_nothing_that_dev_does_not_serve(machine, capsys):
    machine.dev_has_released("1")
    machine.pin("2", "dev")
    assert machine.mlops("promote", PROBLEM, *PROD, "--yes") == 1
    assert "has not released it" in capsys.readouterr().err
    assert machine.pins.problems("prod") == ()


def test_prod_waits_for_an_approval_and_stays_as_it_is(machine, capsys, monkeypatch):
    machine.dev_has_released("1")
    machine.pin("1", "dev")
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115, PTH123
    assert machine.mlops("promote", PROBLEM, *PROD) == 4
    assert "--yes" in capsys.readouterr().err
    assert machine.pins.problems("prod") == ()


class Terminal:
    """A person who types one line."""

    def __init__(self, answer):
        self.answer = answer

    def isatty(self):
        return True

    def readline(self):
        return self.answer


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 4), ("\n", 4), ("", 4), ("yep\n", 4)])
def test_an_approval_is_a_yes_on_the_terminal(machine, monkeypatch, answer, code):
    machine.dev_has_released("1")
    machine.pin("1", "dev")
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert machine.mlops("promote", PROBLEM, *PROD) == code
    assert (machine.pins.problems("prod") != ()) == (code == 0)


def test_version_and_digest_are_copied_to_prod(machine):
    machine.dev_has_released("1")
    machine.pin("1", "dev")
    assert machine.mlops("promote", PROBLEM, *PROD, "--yes") == 0
    assert machine.pins.read("prod", PROBLEM) == machine.models["1"]


def test_evidence_that_was_changed_after_the_gate_is_refused(machine, capsys):
    machine.dev_has_released("1")
    machine.pin("1", "dev")
    machine.with_own_models()
    evidence = machine.home.models / PROBLEM / machine.models["1"].digest / "evidence.json"
    evidence.write_bytes(evidence.read_bytes().replace(b"PASS", b"FAIL"))
    assert machine.mlops("promote", PROBLEM, *PROD, "--yes") == 3
    assert "was changed after the gate wrote it" in capsys.readouterr().err
    assert machine.mlops("release", PROBLEM, *DEV) == 3


def test_a_model_of_another_problem_is_refused(machine, capsys):
    model = machine.models["1"]
    machine.pins.write("dev", "flight-delay", model)
    assert machine.mlops("release", "flight-delay", *DEV) == 3
    assert "was gated for breast-cancer, not for flight-delay" in capsys.readouterr().err
