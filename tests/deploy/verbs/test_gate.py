"""Whom a candidate is held against."""

from dataclasses import replace

import pytest

from deploy.context import Context
from deploy.release.state import Tags
from deploy.runs import Run
from deploy.screen import Screen
from deploy.verbs.gate import champion_of, gate
from ml.fault import Fault
from ml.problem import find, load_problem
from tests.deploy.conftest import PROBLEM


def champion(machine) -> str | None:
    model = champion_of(Context("local", Screen(), machine.home), PROBLEM)
    return None if model is None else model.version


def test_the_champion_is_what_prods_pin_names_and_devs_where_prod_has_none(machine):
    assert champion(machine) is None
    machine.pin("1", "dev")
    assert champion(machine) == "1"
    machine.pin("2", "prod")
    assert champion(machine) == "2"


def test_what_its_stack_has_rejected_is_nobodys_champion(machine):
    machine.dev_has_released("1")
    machine.pin("1", "dev")
    machine.pin("2", "prod")
    platform = machine.platform()
    platform.create_endpoint(PROBLEM)
    platform.write_tags(PROBLEM, Tags(rejected={machine.models["2"].digest: "its first release failed"}))
    assert champion(machine) == "1"
    platform.write_tags(PROBLEM, Tags((machine.models["3"],), {machine.models["2"].digest: "slow"}))
    assert champion(machine) == "3", "while the pin is not set back, what prod serves is the champion"


def test_a_pin_of_a_model_that_is_not_registered_is_told_before_anything_is_judged(machine):
    gone = replace(machine.models["1"], version="9", digest="a" * 64)
    machine.pins.write("dev", PROBLEM, gone)
    run = Run("run", PROBLEM, "", "", 1.0, "default", "", "d" * 64, "", "", "", "", "b" * 64, ())
    with pytest.raises(Fault, match=r"the champion breast-cancer:9 \(aaaaaaaaaaaa\) is registered nowhere in dev"):
        gate(Context("local", Screen(), machine.home), load_problem(find(PROBLEM)), run)
