import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from deploy.pipeline import load_pipeline
from deploy.platforms.local.executor import run_pipeline
from ml.fault import Fault, invalid, to_json

COMPONENT = """\
name: {name}
type: command
inputs:
  given: {{type: uri_file}}
  more: {{type: string, optional: true}}
outputs:
  made: {{type: uri_folder}}
code: .
environment: azureml:training@latest
command: {command}
"""
PIPELINE = """\
type: pipeline
display_name: two steps
inputs:
  raw: {type: uri_file}
  word: {type: string, optional: true}
outputs:
  end: {type: uri_folder}
jobs:
  second:
    type: command
    component: ./second.yml
    inputs: {given: "${{parent.jobs.first.outputs.made}}"}
    outputs: {made: "${{parent.outputs.end}}"}
  first:
    type: command
    component: ./first.yml
    inputs: {given: "${{parent.inputs.raw}}", more: "${{parent.inputs.word}}"}
"""
FIRST = "cp ${{inputs.given}} ${{outputs.made}}/file $[[&& printf %s ${{inputs.more}} > ${{outputs.made}}/word]]"
SECOND = "cat ${{inputs.given}}/file > ${{outputs.made}}/copy"


@pytest.fixture
def place(tmp_path):
    """A folder with a space in its name, as a clone may have."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "raw.txt").write_text("rows")
    return folder


@pytest.fixture
def run(place):
    def run(first=FIRST, second=SECOND, **inputs):
        (place / "pipeline.yml").write_text(PIPELINE)
        for name, command in (("first", first), ("second", second)):
            (place / f"{name}.yml").write_text(COMPONENT.format(name=name, command=command))
        given = {"raw": place / "raw.txt", **inputs}
        return run_pipeline(load_pipeline(place / "pipeline.yml"), given, place / "steps", {})

    (place / ".amlignore").write_text("*\n!code.py\n")
    return run


def cached(done):
    return {step.name: step.cached for step in done.steps}


def test_steps_run_in_their_order_and_their_outputs_are_found(run):
    assert (Path(run().outputs["end"].value) / "copy").read_text() == "rows"


def test_nothing_changed_is_not_run_again(run):
    run()
    assert cached(run()) == {"first": True, "second": True}


def test_a_changed_input_runs_again_and_an_unchanged_output_stops_there(run, place):
    run()
    (place / "raw.txt").write_text("others")
    assert cached(run()) == {"first": False, "second": False}
    assert cached(run(first=FIRST.replace("cp", "cp -f"))) == {"first": False, "second": True}


def test_changed_code_runs_again(run, place):
    run()
    (place / "code.py").write_text("print()")
    assert cached(run()) == {"first": False, "second": False}


def test_what_amlignore_leaves_out_is_no_code(run, place):
    run()
    (place / "notes.md").write_text("x")
    assert cached(run()) == {"first": True, "second": True}


def test_an_output_that_was_changed_is_made_again(run):
    path = Path(run().outputs["end"].value) / "copy"
    path.write_text("forged")
    assert cached(run()) == {"first": True, "second": False}
    assert path.read_text() == "rows"


def test_an_optional_part_is_there_only_with_its_input(run):
    assert not (Path(run().steps[0].outputs["made"].value) / "word").exists()
    made = run(word="it's $HOME; rm -rf /").steps[0].outputs["made"].value
    assert (Path(made) / "word").read_text() == "it's $HOME; rm -rf /"


def test_a_failed_step_shows_the_end_of_its_log_and_leaves_nothing_behind(run, place):
    with pytest.raises(Fault, match=r"step `first` ended with exit code 3(.|\n)*no such luck"):
        run(first="echo no such luck >&2; exit 3")
    assert not [path for path in (place / "steps").iterdir() if path.is_dir()]


@pytest.fixture
def small_disk(place):
    """Where steps keep their outputs, one megabyte large."""
    (place / "steps").mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place / "steps"], check=False)
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    yield place / "steps"
    subprocess.run(["umount", place / "steps"], check=True)


def test_a_step_that_fills_the_disk_says_so_and_where(run, small_disk):
    with pytest.raises(Fault) as raised:
        run(first="head -c 4M /dev/zero > ${{outputs.made}}/file")
    assert raised.value.message == "step `first` ended with exit code 1: No space left on device"
    assert raised.value.where == str(small_disk)
    assert raised.value.remedy == "free some space, then run the same command"


def test_a_step_whose_log_is_empty_says_that(run):
    with pytest.raises(Fault, match="step `first` ended with exit code 9; its log is empty"):
        run(first="exit 9")


def test_the_log_of_a_failed_step_is_where_the_fault_says(run):
    with pytest.raises(Fault) as raised:
        run(first="echo some words; exit 3")
    assert Path(raised.value.remedy.removeprefix("the whole log is ")).read_text() == "some words\n"


def test_a_fault_of_a_step_arrives_whole(run, place):
    fault = invalid("`x` is text", "rows.csv:7", "write a number")
    (place / "fault.txt").write_text(to_json(fault))
    with pytest.raises(Fault) as caught:
        run(first="cat fault.txt >&2; exit 2")
    assert (caught.value.message, caught.value.where, caught.value.code) == ("`x` is text", "rows.csv:7", 2)


def test_a_step_that_was_killed_says_so(run):
    with pytest.raises(Fault, match="killed by signal 9"):
        run(first="kill -9 $$")


def test_a_missing_or_unknown_input_is_named(run):
    with pytest.raises(Fault, match="no input `rwa`"):
        run(rwa="x")


def test_an_executor_that_is_killed_leaves_no_half_of_a_step(run, place):
    run()  # writes the YAML
    script = textwrap.dedent(
        f"""
        from pathlib import Path
        from deploy.pipeline import load_pipeline
        from deploy.platforms.local.executor import run_pipeline
        place = Path({str(place)!r})
        run_pipeline(load_pipeline(place / "pipeline.yml"), {{"raw": place / "raw.txt"}}, place / "steps", {{}})
        """
    )
    slow = f"cp ${{{{inputs.given}}}} ${{{{outputs.made}}}}/file; touch {place}/began; sleep 5".replace(
        " folder/", "\\ folder/"
    )
    (place / "first.yml").write_text(COMPONENT.format(name="first", command=f'"{slow}"'.replace("\\", "\\\\")))
    process = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 20
    while not (place / "began").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert cached(run()) == {"first": True, "second": True}


def test_the_executors_own_cost_is_small(run):
    run()
    began = time.monotonic()
    done = run(first=FIRST + " && true", second=SECOND + " && true")
    assert cached(done) == {"first": False, "second": False}
    assert time.monotonic() - began < 0.6


def test_a_step_may_have_no_output(place):
    (place / ".amlignore").write_text("*\n!code.py\n")
    outputs = "outputs:\n  made: {type: uri_folder}\n"
    (place / "only.yml").write_text(
        COMPONENT.format(name="only", command="test -s ${{inputs.given}}").replace(outputs, "")
    )
    steps = (
        "jobs:\n  only:\n    type: command\n    component: ./only.yml\n    inputs: {given: '${{parent.inputs.raw}}'}\n"
    )
    (place / "pipeline.yml").write_text("type: pipeline\ninputs:\n  raw: {type: uri_file}\n" + steps)
    pipeline = load_pipeline(place / "pipeline.yml")
    cached = [run_pipeline(pipeline, {"raw": place / "raw.txt"}, place / "steps", {}).steps[0].cached for _ in range(2)]
    assert cached == [False, True]


SWEEP = """\
  first:
    type: sweep
    trial: ./first.yml
    inputs: {given: "${{parent.inputs.raw}}"}
    search_space: {more: {type: choice, values: [0, 1, 2, 3]}}
    sampling_algorithm: grid
    objective: {goal: minimize, primary_metric: loss}
"""
# Trial 2 is the best; the loss of trial 0 is no number.
TRIAL = """\
losses=(NaN 3.5 -1 2); echo '{{"loss": '${{losses[${{{{inputs.more}}}}]}}'}}' > ${{{{outputs.made}}}}/trial.json; \
echo ${{{{inputs.more}}}} > ${{{{outputs.made}}}}/file""".format()


@pytest.fixture
def sweep(run, place, monkeypatch):
    """Runs the pipeline whose first step is a sweep, with a tail of the command that tells trials apart."""
    here = sys.modules[__name__]
    monkeypatch.setattr(here, "PIPELINE", PIPELINE[: PIPELINE.index("  first:")] + SWEEP)
    return lambda trial=TRIAL: run(first=f"'{trial.replace(chr(39), chr(39) * 2)}'")


def test_a_sweep_goes_on_with_its_best_trial_and_a_loss_that_is_no_number_never_wins(sweep):
    assert (Path(sweep().outputs["end"].value) / "copy").read_text() == "2\n"


def test_a_sweep_is_not_run_again_and_more_trials_run_alone(sweep, monkeypatch):
    sweep()
    assert cached(sweep()) == {"first": True, "second": True}
    monkeypatch.setattr(sys.modules[__name__], "PIPELINE", PIPELINE.replace("[0, 1, 2, 3]", "[0, 1, 2]"))
    assert cached(sweep()) == {"first": True, "second": True}


def test_a_sweep_that_only_azure_could_run_is_refused(run, monkeypatch):
    here = sys.modules[__name__]
    changed = PIPELINE[: PIPELINE.index("  first:")] + SWEEP.replace("grid", "bayesian")
    monkeypatch.setattr(here, "PIPELINE", changed)
    with pytest.raises(Fault, match=r"step `first`: this sweep runs on Azure ML only"):
        run()


NODES = "printf $WORLD_SIZE > ${{outputs.made}}/$RANK; cp ${{inputs.given}} ${{outputs.made}}/file"


def test_a_step_on_several_nodes_is_as_many_processes_that_know_their_number(run, monkeypatch):
    here = sys.modules[__name__]
    first = PIPELINE.replace("  first:\n", "  first:\n    resources: {instance_count: 3}\n")
    monkeypatch.setattr(here, "PIPELINE", first)
    made = Path(run(first=NODES).steps[0].outputs["made"].value)
    assert {path.name: path.read_text() for path in made.iterdir() if path.name != "file"} == dict.fromkeys("012", "3")


def test_the_node_that_fails_is_the_one_that_is_told_and_the_others_do_not_wait_for_it(run, monkeypatch):
    here = sys.modules[__name__]
    first = PIPELINE.replace("  first:\n", "  first:\n    resources: {instance_count: 2}\n")
    monkeypatch.setattr(here, "PIPELINE", first)
    began = time.monotonic()
    with pytest.raises(Fault, match=r"exit code 4(.|\n)*node 1 has it"):
        run(first="if [ $RANK = 1 ]; then echo node 1 has it; exit 4; fi; sleep 60")
    assert time.monotonic() - began < 20
